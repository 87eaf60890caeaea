"""Who may connect to whom: one matrix, gathered from what every module says of its own parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from installer.answers.model import Answers
from installer.modules.catalogue import Module
from installer.modules.choices import applying
from installer.modules.description import TrafficEntry


@dataclass(frozen=True)
class End:
    """One end of a connection: pods of a namespace by name, `*` being all; or, without a
    namespace, a place outside: `outside`, `kubernetes-api`, `kubelets`, `internet`."""

    namespace: str
    name: str


@dataclass(frozen=True)
class Flow:
    """One allowed connection; `why` is for people."""

    source: End
    target: End
    port: int
    protocol: str
    why: str


def traffic_of(answers: Answers, chosen: Sequence[Module]) -> tuple[Flow, ...]:
    """All connections between parts that are there, sorted; each once, however often it is said."""
    there = {"", *(entry.name for module in chosen for entry in module.file.namespaces)}
    flows = {
        flow
        for module in chosen
        for entry in applying(answers, module, module.file.traffic)
        for flow in (_flow(entry),)
        if flow.source.namespace in there and flow.target.namespace in there
    }
    return tuple(sorted(flows, key=_order))


@lru_cache(maxsize=1024)
def _flow(entry: TrafficEntry) -> Flow:
    return Flow(_end(entry.source), _end(entry.target), entry.port, entry.protocol, entry.why)


def by_pods(traffic: Iterable[Flow]) -> list[tuple[End, list[Flow], list[Flow]]]:
    """(pods, flows that leave them, flows that come to them) of all pods named, sorted by name."""
    leaving: dict[End, list[Flow]] = {}
    coming: dict[End, list[Flow]] = {}
    for flow in traffic:
        leaving.setdefault(flow.source, []).append(flow)
        coming.setdefault(flow.target, []).append(flow)
    pods = {end for end in (*leaving, *coming) if end.namespace}
    return [
        (end, leaving.get(end, []), coming.get(end, []))
        for end in sorted(pods, key=lambda each: (each.namespace, each.name))
    ]


def _end(text: str) -> End:
    namespace, slash, name = text.partition("/")
    return End(namespace, name) if slash else End("", text)


def _order(flow: Flow) -> tuple[str, ...]:
    source, target = flow.source, flow.target
    first = (target.namespace, target.name, f"{flow.port:05d}", flow.protocol)
    return (*first, source.namespace, source.name, flow.why)
