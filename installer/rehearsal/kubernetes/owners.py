"""Who owns which field: managedFields, kept by apply and by plain writes alike."""

from __future__ import annotations

from dataclasses import dataclass, replace

from installer.rehearsal.kubernetes.fields import (
    Difference,
    Fields,
    compare,
    fields_of,
    from_document,
    to_document,
    words,
)
from installer.rehearsal.kubernetes.kinds import Kind, Object
from installer.rehearsal.kubernetes.merging import laid_over, without, without_nulls
from installer.rehearsal.kubernetes.refusals import Cause, Refused


@dataclass(frozen=True)
class Manager:
    """One who owns fields, in one way of writing."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""

    def words(self) -> str:
        """`"kubectl" with subresource "scale" using apps/v1`, as conflicts say it.

        Those who apply are named without their version.
        """
        through = f' with subresource "{self.subresource}"' if self.subresource else ""
        version = f" using {self.api_version}" if self.operation == "Update" else ""
        return f'"{self.name}"{through}{version}'


@dataclass(frozen=True)
class Owned:
    """The fields of one manager, and since when."""

    fields: Fields
    time: str


Owners = dict[Manager, Owned]


def read(obj: Object) -> Owners:
    """The owners an object names."""
    owners: Owners = {}
    for entry in obj["metadata"].get("managedFields") or []:
        manager = Manager(
            entry["manager"],
            entry["operation"],
            entry.get("apiVersion", ""),
            entry.get("subresource", ""),
        )
        owners[manager] = Owned(from_document(entry.get("fieldsV1", {})), entry.get("time", ""))
    return owners


def write(obj: Object, owners: Owners) -> None:
    """Puts owners into an object: appliers first, then by time, as the API server orders them."""
    entries = [_entry(manager, owned) for manager, owned in owners.items() if owned.fields]
    entries.sort(key=lambda e: (e["operation"] != "Apply", e["time"], e["manager"]))
    obj["metadata"]["managedFields"] = entries


def _entry(manager: Manager, owned: Owned) -> Object:
    entry: Object = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": manager.api_version,
        "time": owned.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": to_document(owned.fields),
    }
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return entry


def note_write(kind: Kind, before: Object, after: Object, manager: Manager, now: str) -> None:
    """A plain create, update or patch at time `now`: what changed is now the writer's."""
    owners = read(before)
    difference = compare(kind.kind, before, after)
    if manager.subresource != "status":
        difference = Difference(_without_status(difference.changed), difference.removed)
    if difference.changed or difference.removed:
        owners = _given_up(owners, difference, manager)
        old = owners[manager].fields if manager in owners else frozenset()
        owners[manager] = Owned((old | difference.changed) - difference.removed, now)
    write(after, owners)


def _without_status(fields: Fields) -> Fields:
    """The status is the controllers' own; what the server puts there at first is nobody's."""
    return frozenset(leaf for leaf in fields if leaf[0] != "f:status")


def _given_up(owners: Owners, difference: Difference, winner: Manager) -> Owners:
    lost = difference.changed | difference.removed
    return {
        manager: owned if manager == winner else replace(owned, fields=owned.fields - lost)
        for manager, owned in owners.items()
    }


@dataclass(frozen=True)
class Application:
    """One server-side apply."""

    kind: Kind
    manager: Manager
    wanted: Object
    force: bool
    now: str


def apply(live: Object, application: Application) -> Object:
    """The object after a server-side apply, owners included; 409 with every conflict."""
    kind = application.kind.kind
    wanted = without_nulls(application.wanted)
    mine = fields_of(kind, wanted)
    owners = read(live)
    merged = laid_over(kind, live, _without_system(wanted))
    difference = compare(kind, live, merged)
    _refuse_conflicts(application, owners, difference)
    owners = _given_up(owners, Difference(difference.changed, frozenset()), application.manager)
    merged = _pruned(kind, merged, owners, application.manager, mine)
    old = owners.get(application.manager)
    unchanged = old is not None and old.fields == mine
    owners[application.manager] = (
        old if old is not None and unchanged else Owned(mine, application.now)
    )
    merged["metadata"] = dict(merged["metadata"])
    write(merged, owners)
    return merged


def _without_system(wanted: Object) -> Object:
    system = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")
    metadata = {k: v for k, v in wanted.get("metadata", {}).items() if k not in system}
    return {**wanted, "metadata": metadata}


def _pruned(kind: str, merged: Object, owners: Owners, me: Manager, mine: Fields) -> Object:
    if me not in owners:
        return merged
    others: Fields = frozenset().union(
        *(owned.fields for manager, owned in owners.items() if manager != me)
    )
    dropped = owners[me].fields - mine
    return without(kind, merged, dropped - others, others | mine)


def _refuse_conflicts(application: Application, owners: Owners, difference: Difference) -> None:
    if application.force:
        return
    found = [
        (manager, words(leaf))
        for manager, owned in owners.items()
        if manager != application.manager
        for leaf in sorted(owned.fields & difference.changed)
    ]
    if found:
        raise _conflict(found)


def _conflict(found: list[tuple[Manager, str]]) -> Refused:
    causes = tuple(
        Cause("FieldManagerConflict", f"conflict with {manager.words()}", field)
        for manager, field in found
    )
    if len(found) == 1:
        manager, field = found[0]
        told = f"1 conflict: conflict with {manager.words()}: {field}"
    else:
        told = f"{len(found)} conflicts: " + "\n".join(_groups(found))
    return Refused(409, "Conflict", f"Apply failed with {told}", causes=causes)


def _groups(found: list[tuple[Manager, str]]) -> list[str]:
    lines: list[str] = []
    for manager in dict.fromkeys(manager for manager, _ in found):
        lines.append(f"conflicts with {manager.words()}:")
        lines += [f"- {field}" for other, field in found if other == manager]
    return lines
