"""Takes away what is ours and nothing else, data last and only when everything goes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from installer.engine.errors import NotOurs
from installer.kube.faults import Refusal, as_error
from installer.kube.kinds import Kind
from installer.kube.objects import Document, Ref, at, has_owner, ref_of
from installer.kube.reading import Reading, for_each
from installer.kube.stamp import Stamp
from installer.kube.wire import Request

# Every kind this or an earlier version may have applied; kinds a cluster lacks are passed over.
OUR_KINDS = (
    ("v1", "Namespace"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "PersistentVolume"),
    ("v1", "Pod"),
    ("v1", "LimitRange"),
    ("v1", "ResourceQuota"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("networking.k8s.io/v1", "Ingress"),
    ("networking.k8s.io/v1", "IngressClass"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("policy/v1", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("scheduling.k8s.io/v1", "PriorityClass"),
    ("storage.k8s.io/v1", "StorageClass"),
    ("apiregistration.k8s.io/v1", "APIService"),
)
HOLD_DATA = ("PersistentVolumeClaim", "PersistentVolume", "Secret")
# These go first: they hold balancers, and pods that keep volumes busy. An APIService without what
# serves it would hold up the removal of every namespace, whose content then cannot be listed.
_FIRST = (
    "APIService",
    "Service",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "Pod",
    "HorizontalPodAutoscaler",
)
# Made by the cluster itself in every namespace, or by what runs there, and without any data.
_MADE_BY_CLUSTER = (
    "Event",
    "Endpoints",
    "EndpointSlice",
    "Lease",
    "ControllerRevision",
)
_CLUSTERS_OWN = {
    ("ServiceAccount", "default"),
    ("ConfigMap", "kube-root-ca.crt"),
    ("ConfigMap", "openshift-service-ca.crt"),
}


class Wait(Protocol):
    """How to wait: `check` gives the reason to go on waiting, or None. Times in seconds."""

    def __call__(
        self,
        what: str,
        check: Callable[[], str | None],
        every: float = 5.0,
        usually: float = 60.0,
        at_most: float = 3600.0,
    ) -> None: ...


@dataclass(frozen=True)
class Owned:
    """An object of ours: its name and the identity that tells it from a later namesake."""

    ref: Ref
    uid: str


@dataclass(frozen=True)
class Superfluous:
    """What is ours and no longer wanted: what can go, and what is kept because it holds data."""

    removable: tuple[Owned, ...] = ()
    kept: tuple[Ref, ...] = ()


class Removal:
    """Finds and removes the objects of one installation."""

    def __init__(self, reading: Reading, stamp: Stamp) -> None:
        self._reading = reading
        self._stamp = stamp

    async def inventory(self) -> tuple[Owned, ...]:
        """Everything with our label that is not made and removed by another object."""

        async def ours(kind: tuple[str, str]) -> list[Document]:
            return await self._reading.all_of(*kind, "", self._stamp.selector, names_only=True)

        lists = await for_each(ours, OUR_KINDS)
        found = [body for bodies in lists for body in bodies if not has_owner(body)]
        return tuple(
            Owned(ref_of(body), str(at(body, "metadata", "uid", default=""))) for body in found
        )

    async def superfluous(self, keep: Collection[Ref]) -> Superfluous:
        """What is ours but not among `keep`. Namespaces stay while they hold data or guests."""
        wanted = {_identity(ref) for ref in keep}
        extra = [owned for owned in await self.inventory() if _identity(owned.ref) not in wanted]
        kept = {owned.ref for owned in extra if owned.ref.kind in HOLD_DATA}
        in_use = {ref.namespace for ref in (*kept, *keep)}
        for owned in extra:
            if owned.ref.kind != "Namespace":
                continue
            if owned.ref.name in in_use or await self.foreign([owned.ref.name]):
                kept.add(owned.ref)
        removable = tuple(owned for owned in extra if owned.ref not in kept)
        return Superfluous(removable, tuple(sorted(kept)))

    async def foreign(self, namespaces: Sequence[str]) -> tuple[Ref, ...]:
        """Objects in these namespaces that are neither ours nor made by the cluster itself."""
        kinds = [
            kind
            for kind in await self._reading.kinds.all_listed()
            if kind.namespaced and kind.kind not in _MADE_BY_CLUSTER
        ]

        async def strangers(place: tuple[Kind, str]) -> list[Ref]:
            kind, namespace = place
            bodies = await self._reading.all_of(
                kind.api_version, kind.kind, namespace, names_only=True
            )
            return [ref_of(body) for body in bodies if self._is_stranger(body)]

        places = [(kind, namespace) for kind in kinds for namespace in namespaces]
        lists = await for_each(strangers, places)
        return tuple(sorted({ref for refs in lists for ref in refs}))

    def _is_stranger(self, body: Document) -> bool:
        annotations = at(body, "metadata", "annotations", default={})
        return not (
            self._stamp.is_on(body)
            or has_owner(body)
            or (body["kind"], body["metadata"]["name"]) in _CLUSTERS_OWN
            or "kubernetes.io/service-account.name" in annotations
        )

    async def delete(self, owned: Owned) -> None:
        """Ask for its removal; gone already is fine. A later namesake is not touched."""
        path = await self._reading.kinds.path(owned.ref)
        options: Document = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
        }
        if owned.uid:
            options["preconditions"] = {"uid": owned.uid}
        request = Request("DELETE", path, f"remove {owned.ref.words}", body=options)
        try:
            await self._reading.wire.attempt(request)
        except Refusal as refusal:
            # An identity that does not fit belongs to a namesake; the one we meant is gone.
            namesake = refusal.status == 409 and "precondition" in refusal.message.lower()
            if refusal.status != 404 and not namesake:
                raise as_error(refusal, request.doing) from refusal

    async def delete_each(self, owned: Sequence[Owned]) -> None:
        """Ask for the removal of all of them, side by side."""
        await for_each(self.delete, owned)

    async def still_there(self, owned: Sequence[Owned]) -> tuple[Owned, ...]:
        """Those that are not gone yet."""
        there = {one.uid or one.ref for one in await self._all_of(owned)}
        return tuple(one for one in owned if (one.uid or one.ref) in there)

    async def _all_of(self, owned: Sequence[Owned]) -> list[Owned]:
        async def one_kind(kind: tuple[str, str]) -> list[Document]:
            return await self._reading.all_of(*kind, "", self._stamp.selector, names_only=True)

        kinds = sorted({(one.ref.api_version, one.ref.kind) for one in owned})
        lists = await for_each(one_kind, kinds)
        return [
            Owned(ref_of(body), str(at(body, "metadata", "uid", default="")))
            for bodies in lists
            for body in bodies
        ]

    async def volumes(self, namespaces: Collection[str]) -> list[Document]:
        """Volumes bound to claims in these namespaces, also when the claim is gone already."""
        found = await self._reading.all_of("v1", "PersistentVolume")
        return [
            body
            for body in found
            if at(body, "spec", "claimRef", "namespace", default="") in namespaces
        ]


def goes_first(owned: Owned) -> bool:
    """Whether it holds a balancer or a volume, or keeps one busy."""
    return owned.ref.kind in _FIRST or owned.ref.kind == "PersistentVolumeClaim"


def guests(found: Sequence[Ref]) -> NotOurs:
    """The error for objects of others in namespaces of ours."""
    listed = "; ".join(ref.words for ref in found[:20])
    more = f"; and {len(found) - 20} more" if len(found) > 20 else ""
    return NotOurs(
        "There are objects in our namespaces that are not ours; nothing was removed.",
        f"{listed}{more}",
        "Removing the namespaces would remove them too. Move or delete them, then run the same "
        "command again.",
    )


def volume_words(body: Mapping[str, Any]) -> str:
    """Why a volume is still there."""
    name = body["metadata"]["name"]
    message = at(body, "status", "message", default="")
    phase = str(at(body, "status", "phase", default="")).lower()
    return f"the volume {name} is {message or phase or 'still there'}"


def is_retained(body: Mapping[str, Any]) -> bool:
    """Whether the cluster keeps the volume when its claim goes."""
    return bool(at(body, "spec", "persistentVolumeReclaimPolicy") == "Retain")


def _identity(ref: Ref) -> tuple[str, str, str, str]:
    """The same object may be named with different versions of its group."""
    group = ref.api_version.rpartition("/")[0]
    return (group, ref.kind, ref.namespace, ref.name)
