"""Gathers what is needed to say how ready objects are, in few requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from installer.engine.masking import known_secrets
from installer.kube.faults import Refusal
from installer.kube.objects import Document, Ref, at, grouped, labels_of, ref_of
from installer.kube.readiness import Readiness, Surroundings, has_a_life, readiness
from installer.kube.reading import Reading, for_each
from installer.kube.stamp import Stamp
from installer.kube.trouble import LogPlace
from installer.kube.wire import Request

_WITH_PODS = ("Deployment", "StatefulSet", "DaemonSet", "Job")
_ASKS_EVENTS = (*_WITH_PODS, "Pod", "PersistentVolumeClaim", "Service")


class Standing:
    """How ready objects are, read afresh at every call."""

    def __init__(self, reading: Reading, stamp: Stamp) -> None:
        self._reading = reading
        self._stamp = stamp

    async def of(self, refs: Sequence[Ref]) -> dict[Ref, Readiness]:
        """The readiness of each object; reasons are looked for only where one is not ready."""
        alive = [ref for ref in refs if has_a_life(ref.kind)]
        answer = {ref: Readiness(True, words="is there") for ref in refs if ref not in alive}
        bodies = await self._bodies(alive)
        for ref in alive:
            if ref not in bodies:
                answer[ref] = Readiness(False, words="is not there")
        first = {ref: readiness(body) for ref, body in bodies.items()}
        asked = {
            ref: bodies[ref]
            for ref, one in first.items()
            if not one.done and ref.kind in _ASKS_EVENTS
        }
        answer.update({ref: one for ref, one in first.items() if ref not in asked})
        answer.update(await self._closer(asked))
        return {ref: answer[ref] for ref in refs}

    async def _bodies(self, refs: Sequence[Ref]) -> dict[Ref, Document]:
        async def listed(group: tuple[str, str, str]) -> list[Document]:
            return await self._reading.all_of(*group, self._stamp.selector)

        lists = await for_each(listed, [group for group, _ in grouped(refs)])
        found = {ref_of(body): body for bodies in lists for body in bodies}
        return {ref: found[ref] for ref in refs if ref in found}

    async def _closer(self, unready: Mapping[Ref, Document]) -> dict[Ref, Readiness]:
        namespaces = sorted({ref.namespace for ref in unready if ref.namespace})
        pods = dict(zip(namespaces, await for_each(self._pods, namespaces), strict=True))
        events = dict(
            zip(namespaces, await for_each(self._reading.events, namespaces), strict=True)
        )
        classes: list[Document] = []
        if any(ref.kind == "PersistentVolumeClaim" for ref in unready):
            classes = await self._reading.all_of("storage.k8s.io/v1", "StorageClass")
        return {
            ref: readiness(
                body,
                Surroundings(
                    pods_of(body, pods.get(ref.namespace, [])),
                    events.get(ref.namespace, []),
                    classes,
                ),
            )
            for ref, body in unready.items()
        }

    async def _pods(self, namespace: str) -> list[Document]:
        return await self._reading.all_of("v1", "Pod", namespace)

    async def log_tail(self, place: LogPlace, lines: int) -> str:
        """The last lines of a container's log, masked; empty when there is none."""
        for previous in (True, False) if place.previous else (False,):
            text = await self._log(place, lines, previous=previous)
            if text:
                return text
        return ""

    async def _log(self, place: LogPlace, lines: int, *, previous: bool) -> str:
        path = await self._reading.kinds.path(Ref("v1", "Pod", place.namespace, place.pod))
        query = {"container": place.container, "tailLines": str(lines)}
        if previous:
            query["previous"] = "true"
        request = Request("GET", f"{path}/log", f"read the log of {place.pod}", query)
        try:
            text = await self._reading.wire.text(request)
        except Refusal:
            # The log is a help, not a condition: nodes that are gone have none.
            return ""
        return known_secrets.mask(text.strip())


def pods_of(body: Mapping[str, Any], pods: Sequence[Document]) -> list[Document]:
    """The pods of a workload, the newest first, since the old ones are on their way out."""
    wanted = at(body, "spec", "selector", "matchLabels", default={})
    if body["kind"] == "Job" and not wanted:
        wanted = {"batch.kubernetes.io/job-name": body["metadata"]["name"]}
    if not wanted:
        return []
    mine = [pod for pod in pods if wanted.items() <= labels_of(pod).items()]
    return sorted(
        mine,
        key=lambda pod: str(at(pod, "metadata", "creationTimestamp", default="")),
        reverse=True,
    )
