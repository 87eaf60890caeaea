"""Which kinds a cluster knows and where they are served; asked once, kept for the run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from installer.engine.errors import ClusterError
from installer.kube.faults import Refusal, as_error
from installer.kube.objects import Ref
from installer.kube.wire import Request, Wire


@dataclass(frozen=True)
class Kind:
    """One served kind."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]


class Kinds:
    """Discovery with a memory: one request for each api version that is asked about."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._known: dict[str, asyncio.Future[tuple[Kind, ...]]] = {}

    async def find(self, api_version: str, kind: str) -> Kind | None:
        """The kind, or None where the cluster does not serve it."""
        for each in await self._of(api_version):
            if each.kind == kind:
                return each
        return None

    async def path(self, ref: Ref) -> str:
        """Where one object is served. Raises ClusterError for a kind the cluster lacks."""
        collection = await self.collection(ref.api_version, ref.kind, ref.namespace)
        return f"{collection}/{quote(ref.name, safe='')}"

    async def collection(self, api_version: str, kind: str, namespace: str = "") -> str:
        """Where all objects of a kind are served; without a namespace those of all."""
        found = await self.find(api_version, kind)
        if found is None:
            raise ClusterError(
                f"The cluster does not know the kind {kind} of {api_version}.",
                "It is older than we need, or the part that serves it is down.",
                "Use a supported Kubernetes version, or check: kubectl get apiservices",
            )
        place = f"/namespaces/{quote(namespace, safe='')}" if found.namespaced and namespace else ""
        return f"{_root(api_version)}{place}/{found.plural}"

    async def all_listed(self) -> tuple[Kind, ...]:
        """Every kind that can be listed and deleted, one version each."""
        groups = await self._wire.json(Request("GET", "/apis", "list the kinds it knows"))
        versions = ["v1"]
        for group in groups.get("groups") or []:
            preferred = group.get("preferredVersion") or (group.get("versions") or [{}])[0]
            if preferred.get("groupVersion"):
                versions.append(preferred["groupVersion"])
        answers = await asyncio.gather(*(self._of(version) for version in versions))
        return tuple(
            kind for kinds in answers for kind in kinds if {"list", "delete"} <= kind.verbs
        )

    async def _of(self, api_version: str) -> Sequence[Kind]:
        if api_version not in self._known:
            self._known[api_version] = asyncio.ensure_future(self._ask(api_version))
        try:
            return await self._known[api_version]
        except BaseException:
            # A failed answer must not be remembered.
            self._known.pop(api_version, None)
            raise

    async def _ask(self, api_version: str) -> tuple[Kind, ...]:
        request = Request("GET", _root(api_version), f"list the kinds of {api_version}")
        try:
            answer = await self._wire.attempt(request)
        except Refusal as refusal:
            # An aggregated API that is down answers 503; its kinds are then simply not there.
            if refusal.status in (404, 503):
                return ()
            raise as_error(refusal, request.doing) from refusal
        return tuple(
            Kind(
                api_version,
                each["kind"],
                each["name"],
                bool(each["namespaced"]),
                frozenset(each.get("verbs") or ()),
            )
            for each in answer.get("resources") or []
            if "/" not in each["name"]
        )


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
