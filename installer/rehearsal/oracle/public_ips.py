"""Reserved public addresses: kept apart from what uses them, and lent to balancers."""

from __future__ import annotations

from installer.rehearsal.oracle.calls import Answer, Body, Call, matching, page_of
from installer.rehearsal.oracle.kinds import Kind, require_related, routes_of
from installer.rehearsal.oracle.limits import require_room
from installer.rehearsal.oracle.network_rules import public_address
from installer.rehearsal.oracle.records import Record
from installer.rehearsal.oracle.refusals import conflict, invalid, missing
from installer.rehearsal.oracle.tenancy import Route, Tenancy

_PATH = "/20160918/publicIps"
_ASSIGNED, _FREE = "ASSIGNED", "AVAILABLE"


def _check(tenancy: Tenancy, body: Body) -> None:
    if body["lifetime"] not in ("EPHEMERAL", "RESERVED"):
        raise invalid(f"The lifetime {body['lifetime']} is unknown.")
    if body["lifetime"] == "EPHEMERAL" and not body.get("privateIpId"):
        raise missing("privateIpId")
    if "id" not in body:
        require_room(tenancy, "reserved-public-ip-count")


def _complete(_tenancy: Tenancy, record: Record) -> None:
    record.body["scope"] = "REGION"
    record.body["ipAddress"] = public_address(record.id)


def _in_use(tenancy: Tenancy, record: Record) -> str | None:
    if tenancy.registry.state(record) != _ASSIGNED:
        return None
    return f"The public IP {record.id} is assigned to {record.notes.get('user')}."


PUBLIC_IP = Kind(
    name="publicip",
    path=_PATH,
    singular="PublicIp",
    plural="PublicIps",
    required=("lifetime",),
    optional=("privateIpId", "publicIpPoolId"),
    changeable=("privateIpId",),
    check=_check,
    complete=_complete,
    in_use=_in_use,
)


def lend(tenancy: Tenancy, ocid: str, user: str) -> str:
    """Gives the address to a balancer; raises Refused when another one has it."""
    record = require_related(tenancy, PUBLIC_IP.name, ocid)
    if tenancy.registry.state(record) == _ASSIGNED:
        raise conflict(f"The public IP {ocid} is in use by {record.notes.get('user')}.")
    record.notes["user"] = user
    record.pass_through(tenancy.now, (_ASSIGNED, 0.0))
    tenancy.registry.save(record)
    return str(record.body["ipAddress"])


def give_back(tenancy: Tenancy, user: str, after: float) -> None:
    """Frees what a balancer had, so many simulated seconds from now."""
    for record in tenancy.registry.living(PUBLIC_IP.name):
        if record.notes.get("user") == user:
            record.notes.pop("user")
            record.pass_through(tenancy.now, (_ASSIGNED, 0.0), (_FREE, after))
            tenancy.registry.save(record)


def at(tenancy: Tenancy, address: str, compartment: str) -> Record | None:
    """The reserved address of a compartment with these digits."""
    for record in tenancy.registry.living(PUBLIC_IP.name):
        body = record.body
        if (body["ipAddress"], body["compartmentId"]) == (address, compartment):
            return record
    return None


def _list(tenancy: Tenancy, call: Call) -> Answer:
    """The reserved ones; addresses of cards are not listed in a region."""
    call.needed("scope")
    records = tenancy.in_compartment(PUBLIC_IP.name, call.needed("compartmentId"))
    return page_of(call, matching(call, [tenancy.registry.view(r) for r in records], "lifetime"))


ROUTES: tuple[Route, ...] = (
    *routes_of(PUBLIC_IP, ("create", "get", "update", "delete")),
    Route("GET", _PATH, "ListPublicIps", _list),
)
