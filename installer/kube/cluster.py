"""The cluster as the rest of the installer sees it: ordinary calls, our errors, no SDK types."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

from installer.kube.applying import Applying, ApplyReport, Comparison
from installer.kube.connection import Connection
from installer.kube.contents import Contents, contents_of
from installer.kube.draining import Draining, PodOnNode
from installer.kube.kinds import Kinds
from installer.kube.loop import LoopThread
from installer.kube.nodes import LiveNode, live_nodes
from installer.kube.objects import Document, Ref, at, ref_of
from installer.kube.readiness import Readiness
from installer.kube.reading import Reading
from installer.kube.removal import (
    Owned,
    Removal,
    Superfluous,
    Wait,
    goes_first,
    guests,
    is_retained,
    volume_words,
)
from installer.kube.secret_objects import Secrets, SecretSeen, SecretWanted
from installer.kube.stamp import Stamp
from installer.kube.standing import Standing
from installer.kube.trouble import LogPlace
from installer.kube.tunnel import LocalEnd, Tunnel, way_to
from installer.kube.wire import Request, Wire

T = TypeVar("T")
Body = Mapping[str, Any]
_IN_FLIGHT = 16


@dataclass(frozen=True)
class StorageClass:
    """A kind of volume the cluster offers; `grows` when its volumes may become larger."""

    name: str
    is_default: bool
    binds_late: bool
    keeps_volumes: bool
    grows: bool = False


class Cluster:
    """One cluster. Safe to use from several threads; close it when done.

    `pace` shortens pauses between attempts in a rehearsal.
    """

    def __init__(self, connection: Connection, pace: float = 1.0) -> None:
        self.connection = connection
        self._loop = LoopThread()
        self._reading = self._run(self._open(connection, pace))

    @staticmethod
    async def _open(connection: Connection, pace: float) -> Reading:
        wire = Wire(connection, _IN_FLIGHT, pace)
        return Reading(wire, Kinds(wire))

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close connections and the thread behind them."""
        self._run(self._reading.wire.close())
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run(work)

    # -- what is there ------------------------------------------------------------------------

    def version(self) -> str:
        """The version of the API server, like "v1.36.2"."""
        answer = self._run(self._reading.wire.json(Request("GET", "/version", "say its version")))
        return str(answer.get("gitVersion", ""))

    def nodes(self, stamp: Stamp | None = None, *, with_pods: bool = True) -> tuple[LiveNode, ...]:
        """All nodes; requests are those of pods that do not carry the stamp.

        Without pods (which may be many) no requests are counted.
        """
        nodes = self._run(self._reading.all_of("v1", "Node"))
        pods = self._run(self._reading.all_of("v1", "Pod")) if with_pods else []
        foreign = [pod for pod in pods if stamp is None or not stamp.is_on(pod)]
        return live_nodes(nodes, foreign)

    def storage_classes(self) -> tuple[StorageClass, ...]:
        """The kinds of volumes the cluster offers, by name."""
        found = self._run(self._reading.all_of("storage.k8s.io/v1", "StorageClass"))
        return tuple(sorted((_storage_class(body) for body in found), key=lambda one: one.name))

    def get(self, ref: Ref) -> Document | None:
        """One object, or None."""
        return self._run(self._reading.get(ref))

    def objects(
        self, api_version: str, kind: str, namespace: str = "", selector: str = ""
    ) -> tuple[Document, ...]:
        """All objects of a kind; none where the cluster does not serve it."""
        return tuple(self._run(self._reading.all_of(api_version, kind, namespace, selector)))

    def serves(self, api_version: str, kind: str) -> bool:
        """Whether the cluster knows a kind at all."""
        return self._run(self._reading.kinds.find(api_version, kind)) is not None

    def label_node(self, name: str, labels: Mapping[str, str]) -> None:
        """Put labels on a node and leave all its others; only for nodes of our own machines."""
        self._run(self._reading.label(Ref("v1", "Node", "", name), labels))

    # -- emptying a node ----------------------------------------------------------------------

    def node_of(self, machine: str, stamp: Stamp) -> str:
        """The node on the machine with that provider id (an OCID at Oracle); "" for none."""
        return self._run(Draining(self._reading, stamp).node_of(machine))

    def close_node(self, node: str, stamp: Stamp, *, closed: bool = True) -> None:
        """Let nothing new be put on a node, or again; only for nodes of our own machines."""
        self._run(Draining(self._reading, stamp).close(node, closed=closed))

    def pods_to_leave(self, node: str, stamp: Stamp) -> list[PodOnNode]:
        """Pods that a drain moves: all but those that belong to the node."""
        return self._run(Draining(self._reading, stamp).pods(node))

    def evict(self, pods: Sequence[PodOnNode], stamp: Stamp) -> list[PodOnNode]:
        """Ask pods to leave, once each; returns those that a disruption budget holds."""
        return self._run(Draining(self._reading, stamp).evict(pods))

    def delete_pod(self, pod: PodOnNode, stamp: Stamp) -> None:
        """Take a pod of ours away whatever a budget says."""
        self._run(Draining(self._reading, stamp).delete(pod))

    def has_another_node(self, node: str, stamp: Stamp) -> bool:
        """Whether a node other than this one takes pods."""
        return self._run(Draining(self._reading, stamp).others_open(node))

    def attached_to(self, node: str, stamp: Stamp) -> list[str]:
        """Names of the volumes that are tied to a node."""
        return self._run(Draining(self._reading, stamp).attached(node))

    # -- making and comparing -----------------------------------------------------------------

    def apply(self, objects: Sequence[Body], stamp: Stamp) -> ApplyReport:
        """Create and repair objects by server-side apply, side by side, never by force.

        Raises NotOurs before anything is changed when one exists without our label, and NotOurs
        naming fields and their manager when somebody else has taken over a field.
        """
        return self._run(Applying(self._reading, stamp).apply(objects))

    def compare(self, objects: Sequence[Body], stamp: Stamp) -> Comparison:
        """What apply would do; changes nothing."""
        return self._run(Applying(self._reading, stamp).compare(objects))

    def readiness(self, body: Body, stamp: Stamp) -> Readiness:
        """How far one object of ours is."""
        ref = ref_of(body)
        return self.readiness_of([ref], stamp)[ref]

    def readiness_of(self, refs: Sequence[Ref], stamp: Stamp) -> dict[Ref, Readiness]:
        """How far objects of ours are, in a handful of requests."""
        return self._run(Standing(self._reading, stamp).of(refs))

    def contents(self, stamp: Stamp) -> Contents:
        """The pods and volumes that are ours and what nodes use, in few requests.

        What the cluster does not tell is said in the answer, also when it does not answer at all.
        """
        return self._run(contents_of(self._reading, stamp))

    def log_tail(self, place: LogPlace, stamp: Stamp, lines: int = 8) -> str:
        """The last lines a container wrote, masked; empty when there are none."""
        return self._run(Standing(self._reading, stamp).log_tail(place, lines))

    @contextmanager
    def tunnel(self, namespace: str, service: str, port: int) -> Iterator[LocalEnd]:
        """A way from this machine to a port of a Service, open for as long as the block lasts.

        Raises ClusterError where no ready pod is behind it or the cluster refuses.
        """

        async def begun() -> tuple[Tunnel, LocalEnd]:
            tunnel = await way_to(self._reading, namespace, service, port)
            return tunnel, await tunnel.begin()

        tunnel, end = self._run(begun())
        try:
            yield end
        finally:
            self._run(tunnel.end())

    # -- secrets ------------------------------------------------------------------------------

    def secret(self, namespace: str, name: str) -> SecretSeen | None:
        """A Secret with its values, or None. The caller keeps the values to itself."""
        return self._run(Secrets(self._reading).read(namespace, name))

    def create_secret(self, wanted: SecretWanted, stamp: Stamp) -> bool:
        """Create a Secret; False when it was there already, and then nothing is changed."""
        return self._run(Secrets(self._reading).create(stamp, wanted))

    def secret_versions(self, namespace: str, stamp: Stamp) -> dict[Ref, str]:
        """The Secrets of ours in a namespace with a text that changes whenever one is written.

        Reads no values.
        """
        return self._run(Secrets(self._reading).versions(namespace, stamp))

    def put_keys(self, seen: SecretSeen, values: Mapping[str, str], stamp: Stamp) -> None:
        """Set some keys of a Secret and leave the others; Temporary if it changed since `seen`."""
        self._run(Secrets(self._reading).put_keys(stamp, seen, values))

    # -- removing -----------------------------------------------------------------------------

    def inventory(self, stamp: Stamp) -> tuple[Owned, ...]:
        """Everything in the cluster with our label, except what other objects made."""
        return self._run(Removal(self._reading, stamp).inventory())

    def superfluous(self, stamp: Stamp, keep: Collection[Ref]) -> Superfluous:
        """What is ours but not wanted any more; changes nothing."""
        return self._run(Removal(self._reading, stamp).superfluous(keep))

    def prune(self, stamp: Stamp, keep: Collection[Ref], wait: Wait) -> Superfluous:
        """Remove what is ours and not wanted any more, except what holds data; until gone."""
        found = self.superfluous(stamp, keep)
        self.delete(found.removable, stamp, wait)
        return found

    def delete(self, owned: Sequence[Owned], stamp: Stamp, wait: Wait) -> None:
        """Remove objects of ours and return when they are gone."""
        if not owned:
            return
        removal = Removal(self._reading, stamp)
        self._run(removal.delete_each(owned))
        wait(_title(owned), lambda: self._left(removal, owned), every=2.0, usually=20.0)

    def delete_all(
        self, stamp: Stamp, wait: Wait, note: Callable[[str], None] | None = None
    ) -> None:
        """Remove everything that is ours: balancers and volumes first, until they are gone.

        Raises NotOurs, before anything is removed, when somebody else keeps objects in our
        namespaces. Volumes that the cluster retains are told to `note` and left.
        """
        removal = Removal(self._reading, stamp)
        everything = self._run(removal.inventory())
        namespaces = [one.ref.name for one in everything if one.ref.kind == "Namespace"]
        strangers = self._run(removal.foreign(namespaces))
        if strangers:
            raise guests(strangers)
        first = [one for one in everything if goes_first(one)]
        homes = {one.ref.namespace for one in first} | set(namespaces)
        self.delete(first, stamp, wait)
        self._await_volumes(removal, homes - {""}, wait, note or (lambda _words: None))
        rest = self._run(removal.inventory())
        inside = [one for one in rest if one.ref.namespace in namespaces]
        # What lives in our namespaces goes with them.
        self.delete([one for one in rest if one not in inside], stamp, wait)

    def _await_volumes(
        self,
        removal: Removal,
        namespaces: Collection[str],
        wait: Wait,
        note: Callable[[str], None],
    ) -> None:
        for body in self._run(removal.volumes(namespaces)):
            if is_retained(body):
                name = body["metadata"]["name"]
                note(f"The volume {name} is kept, because its storage class retains volumes.")

        def reason() -> str | None:
            left = self._run(removal.volumes(namespaces))
            going = [volume_words(body) for body in left if not is_retained(body)]
            return "; ".join(going) or None

        wait("the volumes to be gone", reason, every=3.0, usually=40.0)

    def _left(self, removal: Removal, owned: Sequence[Owned]) -> str | None:
        left = self._run(removal.still_there(owned))
        if not left:
            return None
        words = [one.ref.words for one in left]
        named = ", ".join(words[:3])
        more = f" and {len(words) - 3} more" if len(words) > 3 else ""
        return f"{named}{more} still to go"


def _title(owned: Sequence[Owned]) -> str:
    if len(owned) == 1:
        return f"{owned[0].ref.words} to be gone"
    return f"{len(owned)} objects to be gone"


def _storage_class(body: Body) -> StorageClass:
    annotations = at(body, "metadata", "annotations", default={})
    return StorageClass(
        name=body["metadata"]["name"],
        is_default=annotations.get("storageclass.kubernetes.io/is-default-class") == "true",
        binds_late=body.get("volumeBindingMode") == "WaitForFirstConsumer",
        keeps_volumes=body.get("reclaimPolicy") == "Retain",
        grows=bool(body.get("allowVolumeExpansion")),
    )
