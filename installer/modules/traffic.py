"""Who may connect to whom: one matrix, gathered from what every module says of its own parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

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

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # All traffic is what several modules' manifests depend on, so that it is compared often.
        return hash((self.source, self.target, self.port, self.protocol, self.why))


def traffic_of(answers: Answers, chosen: Sequence[Module]) -> tuple[Flow, ...]:
    """All connections between parts that are there, sorted; each once, however often it is said."""
    there = frozenset(entry.name for module in chosen for entry in module.file.namespaces)
    entries = (applying(answers, module, module.file.traffic) for module in chosen)
    return _between(there | {""}, tuple(_flow(entry) for some in entries for entry in some))


@lru_cache(maxsize=256)
def _between(there: frozenset[str], flows: tuple[Flow, ...]) -> tuple[Flow, ...]:
    """Those between the namespaces named, sorted, each once."""
    found = {f for f in flows if f.source.namespace in there and f.target.namespace in there}
    return tuple(sorted(found, key=_order))


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
