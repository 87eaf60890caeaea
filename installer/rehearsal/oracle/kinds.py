"""Resources that behave alike, declared as data and served by one set of five operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from installer.rehearsal.oracle.calls import NOTHING, Answer, Body, Call, matching, page_of
from installer.rehearsal.oracle.records import Record
from installer.rehearsal.oracle.refusals import (
    conflict,
    incorrect_state,
    invalid,
    malformed,
    missing,
    related_not_found,
    stale,
)
from installer.rehearsal.oracle.tenancy import Route, Tenancy

_ALL = ("create", "get", "list", "update", "delete")
_EVERYWHERE = ("compartmentId", "displayName", "freeformTags", "definedTags")
_CHANGEABLE_EVERYWHERE = ("displayName", "freeformTags", "definedTags")
_MOST_FREEFORM_TAGS = 10


@dataclass(frozen=True)
class States:
    """The names of the four stages of a life."""

    coming: str = "PROVISIONING"
    there: str = "AVAILABLE"
    going: str = "TERMINATING"
    gone: str = "TERMINATED"


ACTIVE_STATES = States("CREATING", "ACTIVE", "DELETING", "DELETED")
ATTACHED_STATES = States("ATTACHING", "ATTACHED", "DETACHING", "DETACHED")


@dataclass(frozen=True)
class Kind:
    """A resource: its path, its fields, its references and its manners.

    `check(tenancy, body)` refuses a new or changed body. `complete(tenancy, record)` adds what
    Oracle fills in. `in_use(tenancy, record)` says what stands against deletion.
    `ended(tenancy, record)` takes away what goes with it. `references` maps a body field to the
    kind it must name.
    """

    name: str
    path: str
    singular: str
    plural: str
    ocid: str = ""
    states: States = States()
    seconds: float = 2.0
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    changeable: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)
    filters: tuple[str, ...] = ()
    verbs: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[Tenancy, Body], None] | None = None
    complete: Callable[[Tenancy, Record], None] | None = None
    in_use: Callable[[Tenancy, Record], str | None] | None = None
    ended: Callable[[Tenancy, Record], None] | None = None
    usable_at_once: bool = True

    @property
    def accepted(self) -> tuple[str, ...]:
        """Every field a creating body may have."""
        return (*_EVERYWHERE, *self.required, *self.optional, *self.defaults)

    def operation(self, verb: str) -> str:
        """The operation's name, "CreateVcn"; `verbs` may rename, as in LaunchInstance."""
        word = self.verbs.get(verb, verb.capitalize())
        return f"{word}{self.plural if verb == 'list' else self.singular}"


def routes_of(kind: Kind, only: tuple[str, ...] = _ALL) -> tuple[Route, ...]:
    """The routes for the operations named in `only`."""
    one = f"{kind.path}/{{id}}"
    table = {
        "create": ("POST", kind.path, create),
        "get": ("GET", one, get),
        "list": ("GET", kind.path, list_all),
        "update": ("PUT", one, update),
        "delete": ("DELETE", one, delete),
    }
    return tuple(
        Route(method, path, kind.operation(verb), partial(run, kind))
        for verb, (method, path, run) in table.items()
        if verb in only
    )


def create(kind: Kind, tenancy: Tenancy, call: Call) -> Answer:
    """Makes one from the request's body."""
    record = new_record(kind, tenancy, call.body)
    return shown(tenancy, record, made=True)


def get(kind: Kind, tenancy: Tenancy, call: Call) -> Answer:
    """Shows one."""
    return shown(tenancy, tenancy.registry.find(kind.name, call.path["id"]))


def list_all(kind: Kind, tenancy: Tenancy, call: Call) -> Answer:
    """Lists those of a compartment, filtered and sorted as asked."""
    records = tenancy.in_compartment(kind.name, call.needed("compartmentId"))
    views = [tenancy.registry.view(record) for record in records]
    filters = ("displayName", "lifecycleState", *kind.filters)
    return page_of(call, in_order(call, matching(call, views, *filters)))


def update(kind: Kind, tenancy: Tenancy, call: Call) -> Answer:
    """Changes the fields given; all others stay."""
    record = tenancy.registry.find_living(kind.name, call.path["id"])
    check_etag(call, record)
    body = call.body
    refuse_unknown(body, (*_CHANGEABLE_EVERYWHERE, *kind.changeable))
    check_tags(body)
    _check_references(kind, tenancy, body)
    changed = {**record.body, **body}
    if kind.check is not None:
        kind.check(tenancy, {**changed, "id": record.id})
    record.body = changed
    tenancy.registry.change(record)
    return shown(tenancy, record)


def delete(kind: Kind, tenancy: Tenancy, call: Call) -> Answer:
    """Lets one go, unless something still uses it."""
    record = tenancy.registry.find_living(kind.name, call.path["id"])
    check_etag(call, record)
    state = tenancy.registry.state(record)
    if state == kind.states.coming and not kind.usable_at_once:
        raise incorrect_state(record.id, state)
    reason = kind.in_use(tenancy, record) if kind.in_use is not None else None
    if reason:
        raise conflict(reason)
    end(kind, tenancy, record)
    return NOTHING


def end(kind: Kind, tenancy: Tenancy, record: Record) -> None:
    """Starts the end of a life, without asking who minds."""
    record.pass_through(tenancy.now, (kind.states.going, 0.0), (kind.states.gone, kind.seconds))
    tenancy.registry.save(record)
    if kind.ended is not None:
        kind.ended(tenancy, record)


def new_record(
    kind: Kind, tenancy: Tenancy, body: Body, extra: Mapping[str, Any] | None = None
) -> Record:
    """Makes and stores one; raises Refused. `extra` holds fields that only Oracle sets."""
    refuse_unknown(body, kind.accepted)
    _check_required(kind, body)
    check_tags(body)
    tenancy.require_compartment(body["compartmentId"])
    _check_references(kind, tenancy, body)
    full: Body = {
        "displayName": f"{kind.name}{tenancy.registry.stamp()[:19].translate(_DIGITS_ONLY)}",
        "freeformTags": {},
        "definedTags": {},
        **deepcopy(dict(kind.defaults)),
        **body,
        "timeCreated": tenancy.registry.stamp(),
        **(extra or {}),
    }
    if kind.check is not None:
        kind.check(tenancy, full)
    record = Record(kind.name, tenancy.new_ocid(kind.ocid or kind.name), full, [])
    record.pass_through(tenancy.now, (kind.states.coming, 0.0), (kind.states.there, kind.seconds))
    if kind.complete is not None:
        kind.complete(tenancy, record)
    tenancy.registry.save(record)
    return record


_DIGITS_ONLY = str.maketrans("", "", "-:T")


def shown(tenancy: Tenancy, record: Record, *, made: bool = False) -> Answer:
    """The record as an answer with its etag."""
    return Answer(
        body=tenancy.registry.view(record),
        headers={"etag": record.etag},
        made=(record.kind, record.id) if made else None,
    )


def in_order(call: Call, items: list[Body]) -> list[Body]:
    """Sorted by sortBy and sortOrder; newest first (as they come) when neither is given."""
    field_of = {"DISPLAYNAME": "displayName", "NAME": "name", "ID": "id"}
    by = call.query.get("sortBy", "TIMECREATED").upper().replace("_", "")
    order = call.query.get("sortOrder", "DESC" if by == "TIMECREATED" else "ASC").upper()
    if by in field_of:
        name = field_of[by]
        return sorted(items, key=lambda item: str(item.get(name, "")), reverse=order == "DESC")
    return items if order == "DESC" else items[::-1]


def check_etag(call: Call, record: Record) -> None:
    """Raises Refused 412 when if-match names another version."""
    wanted = call.headers.get("if-match")
    if wanted and wanted not in (record.etag, "*"):
        raise stale(record.etag)


def refuse_unknown(body: Body, accepted: tuple[str, ...]) -> None:
    """Raises Refused 400 naming the first field that does not belong there."""
    for name in body:
        if name not in accepted:
            raise malformed(f"Unrecognized field {name}.")


def check_tags(body: Body) -> None:
    """Raises Refused 400 for free-form tags beyond Oracle's limits (10; 100 and 256 characters)."""
    tags = body.get("freeformTags") or {}
    if len(tags) > _MOST_FREEFORM_TAGS:
        raise invalid(f"At most {_MOST_FREEFORM_TAGS} free-form tags are allowed.")
    for key, value in tags.items():
        if not 0 < len(key) <= 100 or not isinstance(value, str) or len(value) > 256:
            raise invalid(f"The free-form tag {key} is too long or not a text.")


def _check_required(kind: Kind, body: Body) -> None:
    for name in ("compartmentId", *kind.required):
        if body.get(name) in (None, ""):
            raise missing(name)


def _check_references(kind: Kind, tenancy: Tenancy, body: Body) -> None:
    for name, target in kind.references.items():
        given = body.get(name)
        for ocid in given if isinstance(given, list) else [given]:
            if ocid:
                require_related(tenancy, target, ocid)


def require_related(tenancy: Tenancy, kind: str, ocid: str) -> Record:
    """What the body refers to, being there and not going; raises Refused 400."""
    record = tenancy.registry.look_up(kind, ocid)
    now = tenancy.now
    if record is None or record.hidden_until > now:
        raise related_not_found(ocid)
    if record.state(now) in ("TERMINATING", "TERMINATED", "DELETING", "DELETED", ""):
        raise related_not_found(ocid)
    return record
