"""What an installation has in a cluster at this moment: its pods, its volumes, the nodes' use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from installer.engine.errors import InstallError
from installer.kube.objects import Document, at, labels_of
from installer.kube.quantities import whole
from installer.kube.readiness import Surroundings, readiness
from installer.kube.reading import Reading
from installer.kube.stamp import MODULE, Stamp
from installer.kube.trouble import pod_trouble
from installer.kube.usage import NodesUse, use_of_nodes

Body = Mapping[str, Any]
_UNMARKED = "other"


@dataclass(frozen=True)
class PodSeen:
    """A pod that is not as it should be, and why."""

    namespace: str
    words: str


@dataclass(frozen=True)
class PodsOfModule:
    """The pods of one module. Those that ended or are leaving are not among the `wanted`;
    `troubled` names every one with something to tell.
    """

    module: str
    ready: int
    wanted: int
    troubled: tuple[PodSeen, ...]


@dataclass(frozen=True)
class ClaimSeen:
    """A claim on storage. `size_bytes` is that of its volume, or as asked for while there is none;
    `words` are empty once it has its volume.
    """

    namespace: str
    name: str
    size_bytes: int
    words: str


@dataclass(frozen=True)
class Contents:
    """All of it. `unread` has a sentence for each part that the cluster did not tell."""

    pods: tuple[PodsOfModule, ...]
    claims: tuple[ClaimSeen, ...]
    nodes: NodesUse
    unread: tuple[str, ...] = ()

    @property
    def runs(self) -> bool:
        """Whether it is known that every pod that ought to run does."""
        return not self.unread and all(each.ready == each.wanted for each in self.pods)


@dataclass(frozen=True)
class _Context:
    """What explains pods and claims that are not well."""

    events: Mapping[str, Sequence[Document]]
    classes: Sequence[Document]

    def of(self, body: Body) -> Surroundings:
        events = self.events.get(_namespace(body), ())
        return Surroundings(events=events, storage_classes=self.classes)


async def contents_of(reading: Reading, stamp: Stamp) -> Contents:
    """Read it in a handful of requests; reasons are looked for only where something is not well.

    Whatever the cluster refuses to tell is said in the answer and stops nothing.
    """
    pods, claims, nodes = await asyncio.gather(
        _ours(reading, stamp, "Pod"),
        _ours(reading, stamp, "PersistentVolumeClaim"),
        use_of_nodes(reading),
    )
    around, unexplained = await _context(reading, pods.found, claims.found)
    # A cluster that does not answer says the same of each part.
    unread = dict.fromkeys((*pods.unread, *claims.unread, *unexplained))
    return Contents(
        pods=_by_module(pods.found, around),
        claims=tuple(_claim(body, around) for body in sorted(claims.found, key=_place)),
        nodes=nodes,
        unread=tuple(unread),
    )


@dataclass(frozen=True)
class _Listed:
    """A list of objects, or a sentence about why there is none."""

    found: tuple[Document, ...] = ()
    unread: tuple[str, ...] = ()


async def _ours(reading: Reading, stamp: Stamp, kind: str) -> _Listed:
    return await _listed(reading.all_of("v1", kind, selector=stamp.selector))


async def _listed(work: Awaitable[list[Document]]) -> _Listed:
    try:
        return _Listed(tuple(await work))
    except InstallError as error:
        return _Listed(unread=(f"{error.what} {error.why}",))


async def _context(
    reading: Reading, pods: Sequence[Document], claims: Sequence[Document]
) -> tuple[_Context, tuple[str, ...]]:
    unbound = [body for body in claims if not _is_bound(body)]
    unwell = [*(body for body in pods if not _is_well(body)), *unbound]
    namespaces = sorted({_namespace(body) for body in unwell})
    asked = [_listed(reading.events(each)) for each in namespaces]
    if unbound:
        asked.append(_listed(reading.all_of("storage.k8s.io/v1", "StorageClass")))
    answers = await asyncio.gather(*asked)
    events = dict(zip(namespaces, (each.found for each in answers), strict=False))
    classes = answers[-1].found if unbound else ()
    return _Context(events, classes), tuple(word for each in answers for word in each.unread)


def _by_module(pods: Sequence[Document], around: _Context) -> tuple[PodsOfModule, ...]:
    groups: dict[str, list[Document]] = {}
    for body in sorted(pods, key=_place):
        groups.setdefault(labels_of(body).get(MODULE) or _UNMARKED, []).append(body)
    found = (_module(name, groups[name], around) for name in sorted(groups))
    # What has ended well is nothing to tell.
    return tuple(each for each in found if each.wanted or each.troubled)


def _module(name: str, pods: Sequence[Document], around: _Context) -> PodsOfModule:
    wanted = [body for body in pods if not _is_over(body)]
    return PodsOfModule(
        module=name,
        ready=sum(_is_well(body) for body in wanted),
        wanted=len(wanted),
        troubled=tuple(
            PodSeen(_namespace(body), _reason(body, around.of(body)))
            for body in pods
            if not _is_well(body)
        ),
    )


def _is_over(pod: Body) -> bool:
    """Whether it has ended or is about to: another one takes its place, or none is needed."""
    ended = at(pod, "status", "phase") in ("Succeeded", "Failed")
    return ended or bool(at(pod, "metadata", "deletionTimestamp"))


def _is_well(pod: Body) -> bool:
    return not at(pod, "metadata", "deletionTimestamp") and readiness(pod).done


def _reason(pod: Body, around: Surroundings) -> str:
    name = pod["metadata"]["name"]
    if at(pod, "metadata", "deletionTimestamp"):
        return f"pod {name} is being removed"
    trouble = pod_trouble(pod, around.events)
    words = trouble.words if trouble else f"pod {name} {readiness(pod, around).words}"
    # Messages of programs may have several lines.
    return " ".join(words.split())


def _claim(body: Body, around: _Context) -> ClaimSeen:
    asked = at(body, "spec", "resources", "requests", "storage", default=0)
    words = ""
    if at(body, "metadata", "deletionTimestamp"):
        words = "is being removed"
    elif not _is_bound(body):
        phase = at(body, "status", "phase", default="Pending")
        words = f"{phase}: {' '.join(readiness(body, around.of(body)).words.split())}"
    size = whole(at(body, "status", "capacity", "storage", default=asked))
    return ClaimSeen(_namespace(body), body["metadata"]["name"], size, words)


def _is_bound(claim: Body) -> bool:
    return bool(at(claim, "status", "phase") == "Bound")


def _namespace(body: Body) -> str:
    return str(at(body, "metadata", "namespace", default=""))


def _place(body: Body) -> tuple[str, str]:
    return _namespace(body), str(body["metadata"]["name"])
