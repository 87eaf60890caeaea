"""Creating, changing and deleting objects by the API server's rules."""

from __future__ import annotations

import copy
import random
import uuid
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from installer.rehearsal.kubernetes import owners
from installer.rehearsal.kubernetes.admission import admit, give_address, pod_security
from installer.rehearsal.kubernetes.defaults import fill, first_status
from installer.rehearsal.kubernetes.fields import DuplicateItems
from installer.rehearsal.kubernetes.kinds import Kind, Object
from installer.rehearsal.kubernetes.merging import without_nulls
from installer.rehearsal.kubernetes.owners import Application, Manager
from installer.rehearsal.kubernetes.refusals import (
    Refused,
    already_exists,
    bad_request,
    conflict,
    not_found,
)
from installer.rehearsal.kubernetes.store import Store, name_of, namespace_of
from installer.rehearsal.kubernetes.validation import check_change, check_new

_SYSTEM = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "selfLink",
)
_NO_GENERATION = {
    "Namespace",
    "Node",
    "Service",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "ResourceQuota",
    "LimitRange",
    "Lease",
    "CSINode",
    "CSIDriver",
}
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_FOREGROUND = "foregroundDeletion"
_ORPHAN = "orphan"


@dataclass(frozen=True)
class Place:
    """Where an object is, or is to be."""

    kind: Kind
    namespace: str
    name: str
    subresource: str = ""


@dataclass
class Options:
    """How a write was asked for; `warnings` is what the writer is told back."""

    manager: str = "unknown"
    dry_run: bool = False
    force: bool = False
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Deletion:
    """How a deletion was asked for."""

    propagation: str = ""
    grace: int | None = None
    uid: str = ""
    revision: str = ""
    dry_run: bool = False


class Writer:
    """The write side of the server."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        """`now` gives simulated time, in UTC."""
        self.store = store
        self._now = now

    def stamp(self) -> str:
        """The time, as objects carry it."""
        return self._now().strftime("%Y-%m-%dT%H:%M:%SZ")

    # Creating

    def create(self, place: Place, body: Object, options: Options) -> Object:
        """Stores a new object and returns it."""
        obj = self._prepared(place, body)
        manager = Manager(options.manager, "Update", place.kind.api_version)
        self._complete_new(place.kind, obj, options)
        owners.note_write(place.kind, {"metadata": {}}, obj, manager, self.stamp())
        return self._store_new(place.kind, obj, options)

    def _prepared(self, place: Place, body: Object) -> Object:
        obj = self._addressed(place, without_nulls(copy.deepcopy(body)))
        metadata = obj["metadata"]
        if metadata.get("generateName") and not metadata.get("name"):
            metadata["name"] = metadata["generateName"] + _random(5)
        for name in (*_SYSTEM, "resourceVersion", "managedFields"):
            metadata.pop(name, None)
        if "status" in place.kind.subresources:
            obj["status"] = first_status(place.kind.kind)
        metadata["uid"] = str(uuid.uuid4())
        metadata["creationTimestamp"] = self.stamp()
        if "spec" in obj and place.kind.kind not in _NO_GENERATION:
            metadata["generation"] = 1
        return obj

    def _addressed(self, place: Place, obj: Object) -> Object:
        """The object, with its kind and its place in agreement with the path."""
        kind, metadata = place.kind, obj.setdefault("metadata", {})
        said = (obj.setdefault("apiVersion", kind.api_version), obj.setdefault("kind", kind.kind))
        if said != (kind.api_version, kind.kind):
            raise bad_request(
                f"the object provided is unrecognized (must be of type {kind.kind}): "
                f"couldn't get version/kind; {said[0]}/{said[1]} was given"
            )
        if kind.namespaced and metadata.setdefault("namespace", place.namespace) != place.namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent "
                "on the request"
            )
        if not kind.namespaced:
            metadata.pop("namespace", None)
        if place.name and metadata.setdefault("name", place.name) != place.name:
            raise bad_request(
                "the name of the object does not match the name on the URL "
                f"({metadata['name']} and {place.name})"
            )
        return obj

    def _complete_new(self, kind: Kind, obj: Object, options: Options) -> None:
        _defaulted(kind, obj)
        check_new(kind, obj)
        if self.store.get(kind, namespace_of(obj), name_of(obj)) is not None:
            raise already_exists(kind, name_of(obj))
        options.warnings += admit(self.store, kind, obj)

    def _store_new(self, kind: Kind, obj: Object, options: Options) -> Object:
        if options.dry_run:
            return obj
        return self.store.put(kind, obj)

    # Changing

    def present(self, place: Place) -> Object:
        """The object at a place; 404 when there is none."""
        found = self.store.get(place.kind, place.namespace, place.name)
        if found is None:
            raise not_found(place.kind, place.name)
        return found

    def replace(self, place: Place, body: Object, options: Options) -> Object:
        """PUT: the object becomes what was sent."""
        before = self.present(place)
        after = self._addressed(place, copy.deepcopy(body))
        if place.kind.kind == "Service":
            _keep_address(before, after)
        return self._change(place, before, after, options)

    def patch(self, place: Place, change: Callable[[Object], Object], options: Options) -> Object:
        """PATCH with one of the plain forms: `change` gives the new object."""
        before = self.present(place)
        after = copy.deepcopy(change(before))
        revision = after.get("metadata", {}).get("resourceVersion")
        if revision == before["metadata"]["resourceVersion"]:
            after["metadata"].pop("resourceVersion")
        return self._change(place, before, self._addressed(place, after), options)

    def _change(self, place: Place, before: Object, after: Object, options: Options) -> Object:
        after = self._settled(place, before, after)
        manager = Manager(options.manager, "Update", place.kind.api_version, place.subresource)
        after["metadata"]["managedFields"] = before["metadata"].get("managedFields", [])
        if _same(before, after):
            return before
        owners.note_write(place.kind, before, after, manager, self.stamp())
        return self._store_change(place, before, after, options)

    def _settled(self, place: Place, before: Object, after: Object) -> Object:
        """`after` with the parts that this request may not touch taken from `before`."""
        kind, old = place.kind, before["metadata"]
        metadata = after["metadata"]
        _check_preconditions(place, old, metadata)
        for name in (*_SYSTEM, "resourceVersion"):
            metadata.pop(name, None)
            if name in old:
                metadata[name] = old[name]
        if place.subresource == "status":
            after = {**before, "metadata": {**old}, "status": after.get("status", {})}
        elif "status" in kind.subresources:
            after.pop("status", None)
            if "status" in before:
                after["status"] = before["status"]
        after = without_nulls(after)
        _defaulted(kind, after)
        return after

    def _store_change(
        self, place: Place, before: Object, after: Object, options: Options
    ) -> Object:
        kind = place.kind
        if kind.kind == "Service":
            give_address(self.store, after)
        if place.subresource != "status":
            check_change(kind, before, after)
            if kind.kind != "Pod":
                options.warnings += pod_security(self.store, kind, after)
        if before.get("spec") != after.get("spec") and "generation" in after["metadata"]:
            after["metadata"]["generation"] = before["metadata"].get("generation", 1) + 1
        if options.dry_run:
            return after
        if after["metadata"].get("deletionTimestamp") and _free_to_go(kind, after):
            return self.store.remove(kind, after)
        return self.store.put(kind, after)

    # Server-side apply

    def apply(self, place: Place, body: Object, options: Options) -> tuple[Object, bool]:
        """Server-side apply; the object and whether it is new."""
        if body.get("metadata", {}).get("managedFields"):
            raise bad_request("metadata.managedFields must be nil")
        wanted = self._addressed(place, copy.deepcopy(body))
        if place.kind.kind == "Secret":
            _string_data(wanted)
        live = self.store.get(place.kind, place.namespace, place.name)
        if live is None:
            return self._apply_new(place, wanted, options), True
        return self._apply_over(place, live, wanted, options), False

    def _application(self, place: Place, wanted: Object, options: Options) -> Application:
        manager = Manager(options.manager, "Apply", place.kind.api_version, place.subresource)
        if place.subresource == "status":
            names = ("apiVersion", "kind", "status")
            wanted = {k: v for k, v in wanted.items() if k in names} | {"metadata": {}}
        elif "status" in place.kind.subresources:
            wanted = {k: v for k, v in wanted.items() if k != "status"}
        return Application(place.kind, manager, wanted, options.force, self.stamp())

    def _apply_new(self, place: Place, wanted: Object, options: Options) -> Object:
        if place.subresource:
            raise not_found(place.kind, place.name)
        obj = self._prepared(place, wanted)
        blank: Object = {"metadata": {}}
        _defaulted(place.kind, wanted_copy := copy.deepcopy(obj))
        with_owners = _checked(blank, self._application(place, wanted, options))
        wanted_copy["metadata"]["managedFields"] = with_owners["metadata"]["managedFields"]
        self._complete_new(place.kind, wanted_copy, options)
        return self._store_new(place.kind, wanted_copy, options)

    def _apply_over(self, place: Place, live: Object, wanted: Object, options: Options) -> Object:
        _check_preconditions(place, live["metadata"], wanted["metadata"])
        after = _checked(live, self._application(place, _spelled(place.kind, wanted), options))
        entries = after["metadata"]["managedFields"]
        after = self._settled(place, live, copy.deepcopy(after))
        after["metadata"]["managedFields"] = entries
        if _same(live, after) and entries == live["metadata"].get("managedFields"):
            return live
        return self._store_change(place, live, after, options)

    # Deleting

    def delete(self, place: Place, how: Deletion) -> Object:
        """Deletes or begins to; returns the object as it is then."""
        obj = self.present(place)
        self._deletable(place, obj, how)
        if how.dry_run:
            return obj
        after = copy.deepcopy(obj)
        _add_finalizers(after, how)
        metadata = after["metadata"]
        before = metadata.get("deletionGracePeriodSeconds")
        grace = metadata["deletionGracePeriodSeconds"] = self._grace(place.kind, after, how)
        if grace == 0 and _free_to_go(place.kind, after):
            return self.store.remove(place.kind, after)
        if metadata.get("deletionTimestamp") and before == grace:
            return obj if _same(obj, after) else self.store.put(place.kind, after)
        metadata.setdefault("deletionTimestamp", self.stamp())
        if place.kind.kind == "Namespace":
            after["status"] = {**after.get("status", {}), "phase": "Terminating"}
        return self.store.put(place.kind, after)

    def _deletable(self, place: Place, obj: Object, how: Deletion) -> None:
        metadata = obj["metadata"]
        if how.uid and how.uid != metadata["uid"]:
            why = f"the UID in the precondition ({how.uid}) does not match the UID in record"
            raise conflict(place.kind, place.name, f"Precondition failed: {why}")
        if how.revision and how.revision != metadata["resourceVersion"]:
            raise conflict(place.kind, place.name)
        if place.kind.kind == "Namespace" and place.name in (
            "default",
            "kube-system",
            "kube-public",
        ):
            why = "this namespace may not be deleted"
            message = f'namespaces "{place.name}" is forbidden: {why}'
            raise Refused(403, "Forbidden", message, kind=place.kind, name=place.name)

    def _grace(self, kind: Kind, obj: Object, how: Deletion) -> int:
        if kind.kind != "Pod" or not obj["spec"].get("nodeName"):
            return 0
        if obj.get("status", {}).get("phase") in ("Succeeded", "Failed") and how.grace is None:
            return 0
        wanted = obj["spec"].get("terminationGracePeriodSeconds", 30)
        grace = int(wanted) if how.grace is None else how.grace
        return min(grace, int(obj["metadata"].get("deletionGracePeriodSeconds", grace)))

    def drop_finalizer(self, kind: Kind, obj: Object, name: str) -> None:
        """Takes a finalizer off, and the object away when it was the last thing holding it."""
        after = copy.deepcopy(obj)
        left = [one for one in after["metadata"].get("finalizers") or [] if one != name]
        after["metadata"]["finalizers"] = left
        if not left:
            del after["metadata"]["finalizers"]
        if kind.kind == "Namespace" and name == "kubernetes":
            after["spec"]["finalizers"] = []
        if after["metadata"].get("deletionTimestamp") and _free_to_go(kind, after):
            self.store.remove(kind, after)
        else:
            self.store.put(kind, after)


def _random(length: int) -> str:
    return "".join(random.choices(_LETTERS, k=length))  # noqa: S311 - a name, not a secret


def _defaulted(kind: Kind, obj: Object) -> None:
    """Defaults; what has the wrong type to be filled in is a bad request."""
    try:
        if kind.kind == "Secret":
            _string_data(obj)
        fill(kind.kind, obj)
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise bad_request(
            f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {error}'
        ) from error


def _string_data(secret: Object) -> None:
    texts = secret.pop("stringData", None)
    if texts:
        data = secret.setdefault("data", {})
        data.update({k: b64encode(str(v).encode()).decode() for k, v in texts.items()})


def _spelled(kind: Kind, wanted: Object) -> Object:
    """The configuration with quantities and keys as the live object has them, nothing added."""
    filled = copy.deepcopy(wanted)
    filled["metadata"].setdefault("uid", "")
    _defaulted(kind, filled)
    filled["metadata"].pop("uid", None)
    spelled: Object = _only(wanted, filled)
    return spelled


def _only(wanted: Any, filled: Any) -> Any:
    if isinstance(wanted, dict) and isinstance(filled, dict):
        return {k: _only(v, filled[k]) if k in filled else v for k, v in wanted.items()}
    if isinstance(wanted, list) and isinstance(filled, list) and len(wanted) == len(filled):
        return [_only(a, b) for a, b in zip(wanted, filled, strict=True)]
    return filled


def _checked(live: Object, application: Application) -> Object:
    try:
        return owners.apply(live, application)
    except DuplicateItems as error:
        raise Refused(500, "InternalError", str(error)) from error


def _check_preconditions(place: Place, old: Object, new: Object) -> None:
    wanted = new.get("resourceVersion")
    if wanted not in (None, "", "0", old["resourceVersion"]):
        raise conflict(place.kind, place.name)
    if new.get("uid") not in (None, "", old["uid"]):
        why = f"the UID in the precondition ({new['uid']}) does not match the UID in record"
        raise conflict(place.kind, place.name, f"Precondition failed: {why}")


def _same(before: Object, after: Object) -> bool:
    return before == after


def _free_to_go(kind: Kind, obj: Object) -> bool:
    if obj["metadata"].get("finalizers"):
        return False
    if kind.kind == "Namespace":
        return not obj.get("spec", {}).get("finalizers")
    return not (kind.kind == "Pod" and obj["metadata"].get("deletionGracePeriodSeconds", 0) > 0)


def _add_finalizers(obj: Object, how: Deletion) -> None:
    metadata = obj["metadata"]
    wanted = {"Foreground": _FOREGROUND, "Orphan": _ORPHAN}.get(how.propagation)
    present = metadata.get("finalizers") or []
    if wanted and wanted not in present and not metadata.get("deletionTimestamp"):
        metadata["finalizers"] = [*present, wanted]


def _keep_address(before: Object, after: Object) -> None:
    """A PUT that leaves out what the server gave keeps it, as the real one does."""
    old, new = before["spec"], after.setdefault("spec", {})
    for name in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if name in old and not new.get(name) and new.get("type") != "ExternalName":
            new[name] = old[name]
    ports = {(p.get("port"), p.get("protocol")): p.get("nodePort") for p in old.get("ports") or []}
    for port in new.get("ports") or []:
        given = ports.get((port.get("port"), port.get("protocol", "TCP")))
        if given and not port.get("nodePort") and new.get("type") in ("LoadBalancer", "NodePort"):
            port["nodePort"] = given
