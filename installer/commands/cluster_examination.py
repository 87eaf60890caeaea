"""Examines a cluster somebody has; what it refuses to show is told, and the rest looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from installer.commands.cluster_findings import (
    INGRESS_CLASS,
    ISSUER,
    entrance_told,
    issuer_told,
    own_entrance,
    storage_told,
    version_told,
)
from installer.commands.kubectl import find_kubectl, kubectl_told
from installer.commands.neighbourhood import api_slices, served_by_others
from installer.engine.errors import ClusterError, InstallError, Temporary, Unreachable
from installer.kube.cluster import Cluster
from installer.kube.faults import LoginRefused, NotAllowed
from installer.kube.nodes import LiveNode
from installer.kube.release import release_of
from installer.oracle.doctor import Diagnosis, bad, good
from installer.plan import Plan

# Every other question would end in the same way.
_ENDS = (Unreachable, LoginRefused)


class Examination:
    """One walk through a cluster. Nothing is asked twice, and nothing changed."""

    def __init__(self, cluster: Cluster, plan: Plan) -> None:
        self._cluster = cluster
        self._plan = plan
        self._version = ""
        self._nodes: int | None = None

    def findings(self) -> Iterator[Diagnosis]:
        """Everything about it that an installation depends on, one after the other."""
        try:
            yield from self._way()
            told = (self._machines, self._storage, *self._entrance())
            # Of what an installation reads besides there is only to say where it may not.
            for reading in (*told, self._api, self._others):
                yield from _survived(reading)
        except InstallError as error:
            yield bad(error)
        yield from kubectl_told(find_kubectl(), release_of(self._version))

    def _way(self) -> Iterator[Diagnosis]:
        """The first question shows what keeps us from asking at all, which is said once."""
        try:
            self._version = self._cluster.version()
        except _ENDS:
            raise
        except (NotAllowed, Temporary) as error:
            yield bad(error)
            return
        yield good(f"Kubernetes {self._version} at {self._cluster.connection.server}.")
        yield version_told(self._version)

    def _machines(self) -> Iterator[Diagnosis]:
        nodes = self._cluster.nodes()
        self._nodes = len(nodes)
        refuse_without_room(nodes)
        yield good(nodes_in_words(nodes))

    def _storage(self) -> Iterator[Diagnosis]:
        classes = self._cluster.storage_classes()
        wanted = self._plan.answers.cluster.storage_class
        yield from storage_told(classes, wanted, nodes=self._nodes)

    def _entrance(self) -> list[Callable[[], Iterator[Diagnosis]]]:
        """Readings of a cluster's own entrance; none where the platform brings one."""
        own = own_entrance(self._plan.answers, self._plan.modules)
        if own is None:
            return []
        ingress_class, issuer = own
        readings = [lambda: self._class(ingress_class)]
        return [*readings, lambda: self._issuer(issuer)] if issuer else readings

    def _class(self, wanted: str) -> Iterator[Diagnosis]:
        yield entrance_told(self._cluster.objects(*INGRESS_CLASS), wanted)

    def _issuer(self, wanted: str) -> Iterator[Diagnosis]:
        issuers = self._cluster.objects(*ISSUER)
        yield issuer_told(issuers, wanted, served=self._cluster.serves(*ISSUER))

    def _api(self) -> Iterator[Diagnosis]:
        api_slices(self._cluster)
        yield from ()

    def _others(self) -> Iterator[Diagnosis]:
        served_by_others(self._cluster, "")
        yield from ()


def _survived(reading: Callable[[], Iterator[Diagnosis]]) -> Iterator[Diagnosis]:
    """The findings of a reading, or its failure; the walk goes on where others may succeed."""
    try:
        yield from reading()
    except _ENDS:
        raise
    except InstallError as error:
        yield bad(error)


def refuse_without_room(nodes: Sequence[LiveNode]) -> None:
    """Raise ClusterError where no machine takes pods."""
    if not any(node.ready and node.schedulable for node in nodes):
        raise ClusterError(
            "The cluster has no node that takes pods.",
            f"It shows {len(nodes)} nodes, none of them ready and schedulable.",
            "Bring a node up, then run again: kubectl get nodes",
        )


def nodes_in_words(nodes: Sequence[LiveNode]) -> str:
    """How many machines there are, and for which programs."""
    counted = "1 node" if len(nodes) == 1 else f"{len(nodes)} nodes"
    return f"{counted}, {', '.join(sorted({node.architecture for node in nodes}))}."
