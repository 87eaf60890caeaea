"""The player's view of the cluster: a cache kept by list and watch, and writes through it."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections import deque
from collections.abc import Callable, Iterable

import aiohttp

from installer.rehearsal.clock import Clock
from installer.rehearsal.kubernetes.kinds import BY_KEY, Kind, Object
from installer.rehearsal.player.api import Api, ApiRefused, WatchExpired

Key = tuple[str, str]
"""Namespace and name."""
Told = Callable[[Object, bool], None]
"""Called with an object and whether it is gone."""

_RECONNECT_SECONDS = 0.3
_LEAST_DEADLINE_REAL_SECONDS = 5.0
_log = logging.getLogger(__name__)

NAMESPACES = BY_KEY["namespaces"]
NODES = BY_KEY["nodes"]
PODS = BY_KEY["pods"]
SERVICES = BY_KEY["services"]
ENDPOINTS = BY_KEY["endpoints"]
CONFIG_MAPS = BY_KEY["configmaps"]
SECRETS = BY_KEY["secrets"]
ACCOUNTS = BY_KEY["serviceaccounts"]
CLAIMS = BY_KEY["persistentvolumeclaims"]
VOLUMES = BY_KEY["persistentvolumes"]
EVENTS = BY_KEY["events"]
DEPLOYMENTS = BY_KEY["deployments.apps"]
REPLICA_SETS = BY_KEY["replicasets.apps"]
STATEFUL_SETS = BY_KEY["statefulsets.apps"]
DAEMON_SETS = BY_KEY["daemonsets.apps"]
JOBS = BY_KEY["jobs.batch"]
CLASSES = BY_KEY["storageclasses.storage.k8s.io"]
LEASES = BY_KEY["leases.coordination.k8s.io"]
ATTACHMENTS = BY_KEY["volumeattachments.storage.k8s.io"]
API_SERVICES = BY_KEY["apiservices.apiregistration.k8s.io"]
SLICES = BY_KEY["endpointslices.discovery.k8s.io"]

WATCHED = (
    NAMESPACES,
    NODES,
    PODS,
    SERVICES,
    ENDPOINTS,
    CONFIG_MAPS,
    SECRETS,
    ACCOUNTS,
    CLAIMS,
    VOLUMES,
    DEPLOYMENTS,
    REPLICA_SETS,
    STATEFUL_SETS,
    DAEMON_SETS,
    JOBS,
    CLASSES,
    SLICES,
    API_SERVICES,
    ATTACHMENTS,
)


def key_of(obj: Object) -> Key:
    """Namespace and name of an object."""
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def is_leaving(obj: Object) -> bool:
    """Whether its deletion has begun."""
    return bool(obj["metadata"].get("deletionTimestamp"))


def owner_of(obj: Object) -> Object | None:
    """The reference to its controller, if it has one."""
    references = obj["metadata"].get("ownerReferences") or []
    return next((one for one in references if one.get("controller")), None)


def reference_to(owner: Object) -> Object:
    """A controller reference to `owner`."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


class Cluster:
    """Reads come from the cache; writes go to the server and their answer into the cache."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api, self.clock = api, clock
        self._objects: dict[str, dict[Key, Object]] = {kind.key: {} for kind in WATCHED}
        self._told: dict[str, list[Told]] = {kind.key: [] for kind in WATCHED}
        self._synced = {kind.key: asyncio.Event() for kind in WATCHED}
        self._gone: deque[str] = deque(maxlen=5000)
        self._event_counts: dict[str, int] = {}

    # Reading

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """The object as last seen, or None."""
        return self._objects[kind.key].get((namespace, name))

    def all(self, kind: Kind, namespace: str = "") -> list[Object]:
        """All objects of a kind, as last seen."""
        found = self._objects[kind.key].values()
        return [obj for obj in found if not namespace or key_of(obj)[0] == namespace]

    def owned_by(self, kind: Kind, owner: Object) -> list[Object]:
        """Objects of a kind whose controller is `owner`, oldest first."""
        uid = owner["metadata"]["uid"]
        found = [
            obj
            for obj in self.all(kind, owner["metadata"]["namespace"])
            if (owner_of(obj) or {}).get("uid") == uid
        ]
        return sorted(found, key=lambda o: (o["metadata"]["creationTimestamp"], key_of(o)))

    def tell(self, kinds: Iterable[Kind], told: Told) -> None:
        """Calls `told` for each object there is and at each change."""
        for kind in kinds:
            self._told[kind.key].append(told)

    async def synced(self) -> None:
        """Returns once every kind has been listed."""
        for event in self._synced.values():
            await event.wait()

    def stamp(self) -> str:
        """Simulated time, as objects carry it."""
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def deadline(self, seconds: float) -> float:
        """A deadline in simulated seconds, never shorter than our own work may really take."""
        return max(seconds, _LEAST_DEADLINE_REAL_SECONDS * self.clock.speed)

    # Following

    async def follow(self, kind: Kind) -> None:
        """Keeps the cache of one kind until cancelled."""
        while True:
            try:
                revision = await self._relist(kind)
                self._synced[kind.key].set()
                while True:
                    revision = await self._watch(kind, revision)
            except WatchExpired:
                continue
            except (aiohttp.ClientError, ApiRefused, OSError, ValueError) as error:
                # ValueError: a line that was cut in the middle.
                _log.info("watching %s: %s", kind.key, error)
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def _relist(self, kind: Kind) -> str:
        items, revision = await self._api.list(kind)
        present = {key_of(item) for item in items}
        for key, old in list(self._objects[kind.key].items()):
            if key not in present:
                self._drop(kind, old)
        for item in items:
            self._take(kind, item)
        return revision

    async def _watch(self, kind: Kind, revision: str) -> str:
        async for name, obj in self._api.watch(kind, revision):
            revision = obj["metadata"]["resourceVersion"]
            if name == "DELETED":
                self._drop(kind, obj)
            elif name != "BOOKMARK":
                self._take(kind, obj)
        return revision

    def _take(self, kind: Kind, obj: Object) -> None:
        old = self._objects[kind.key].get(key_of(obj))
        if old is not None and _revision(old) >= _revision(obj):
            return
        if obj["metadata"]["uid"] in self._gone:
            # An answer that was overtaken by the news of the object's removal.
            return
        self._objects[kind.key][key_of(obj)] = obj
        for told in self._told[kind.key]:
            told(obj, False)

    def _drop(self, kind: Kind, obj: Object) -> None:
        old = self._objects[kind.key].get(key_of(obj))
        if old is None or old["metadata"]["uid"] != obj["metadata"]["uid"]:
            return
        del self._objects[kind.key][key_of(obj)]
        self._gone.append(obj["metadata"]["uid"])
        for told in self._told[kind.key]:
            told(obj, True)

    # Writing

    def _remember(self, kind: Kind, answer: Object) -> Object:
        if kind.key in self._objects:
            self._take(kind, answer)
        return answer

    async def create(self, kind: Kind, obj: Object) -> Object:
        """Creates an object."""
        return self._remember(kind, await self._api.create(kind, obj))

    async def ensure(self, kind: Kind, obj: Object) -> None:
        """Creates an object unless its name is taken."""
        if kind.key in self._objects and self.get(kind, *key_of(obj)) is not None:
            return
        try:
            await self.create(kind, obj)
        except ApiRefused as refused:
            if refused.code != 409:
                raise

    async def patch(self, kind: Kind, obj: Object, patch: Object) -> Object:
        """Changes an object by JSON merge."""
        return self._remember(kind, await self._api.patch(kind, obj, patch))

    async def status(self, kind: Kind, obj: Object, status: Object) -> Object:
        """Changes the named parts of an object's status; nothing is sent when they are so."""
        present = obj.get("status") or {}
        if all(present.get(name) == value for name, value in status.items()):
            return obj
        answer = await self._api.patch(kind, obj, {"status": status}, "status")
        return self._remember(kind, answer)

    async def delete(self, kind: Kind, obj: Object, grace: int | None = None) -> None:
        """Deletes an object; one that is already gone is fine."""
        try:
            answer = await self._api.delete(kind, obj, grace)
        except ApiRefused as refused:
            if refused.code not in (404, 409):
                raise
            return
        if answer.get("kind") == kind.kind and is_leaving(answer) and grace != 0:
            self._remember(kind, answer)

    async def drop_finalizer(self, kind: Kind, obj: Object, name: str) -> None:
        """Takes a finalizer off, if it is there."""
        present = obj["metadata"].get("finalizers") or []
        if name not in present:
            return
        left = [one for one in present if one != name]
        metadata = {
            "finalizers": left or None,
            "resourceVersion": obj["metadata"]["resourceVersion"],
        }
        answer = await self._api.patch(kind, obj, {"metadata": metadata})
        if left or not is_leaving(obj):
            self._remember(kind, answer)

    async def bind(self, pod: Object, node: str) -> None:
        """Puts a pod on a node."""
        namespace, name = key_of(pod)
        target = {"apiVersion": "v1", "kind": "Node", "name": node}
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": target}
        path = f"/api/v1/namespaces/{namespace}/pods/{name}/binding"
        await self._api.request("POST", path, body)

    async def event(
        self,
        about: Object,
        reason: str,
        message: str,
        source: str,
        *,
        warning: bool = False,
        alike: str = "",
    ) -> None:
        """Records an Event; the same one again, or one `alike`, only counts up."""
        namespace, name = key_of(about)
        digest = zlib.crc32(f"{about['metadata']['uid']}{reason}{alike or message}".encode())
        called = f"{name}.{digest:016x}"
        count = self._event_counts.get(called, 0) + 1
        self._event_counts[called] = count
        where = {"metadata": {"name": called, "namespace": namespace or "default"}}
        try:
            if count > 1:
                patch = {"count": count, "lastTimestamp": self.stamp(), "message": message}
                await self._api.patch(EVENTS, where, patch)
            else:
                await self._api.create(
                    EVENTS,
                    where
                    | self._event(about, reason, message, source)
                    | {"type": "Warning" if warning else "Normal"},
                )
        except ApiRefused as refused:
            # Its namespace may be going, or an earlier life has told it: no reason to fail.
            _log.debug("event %s: %s", called, refused)

    def _event(self, about: Object, reason: str, message: str, source: str) -> Object:
        namespace, name = key_of(about)
        now = self.stamp()
        return {
            "involvedObject": {
                "apiVersion": about["apiVersion"],
                "kind": about["kind"],
                "name": name,
                "namespace": namespace,
                "uid": about["metadata"]["uid"],
                "resourceVersion": about["metadata"]["resourceVersion"],
            },
            "reason": reason,
            "message": message,
            "source": {"component": source},
            "reportingComponent": source,
            "reportingInstance": "",
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }


def _revision(obj: Object) -> int:
    return int(obj["metadata"]["resourceVersion"])
