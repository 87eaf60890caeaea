"""The tenancy, its user, its region and its compartments."""

from __future__ import annotations

from installer.rehearsal.oracle.calls import Answer, Body, Call, matching, page_of
from installer.rehearsal.oracle.credentials import new_ocid
from installer.rehearsal.oracle.kinds import (
    check_etag,
    check_tags,
    in_order,
    refuse_unknown,
    shown,
)
from installer.rehearsal.oracle.limits import require_room
from installer.rehearsal.oracle.records import Record
from installer.rehearsal.oracle.refusals import Refused, missing, not_found
from installer.rehearsal.oracle.regions import Region
from installer.rehearsal.oracle.tenancy import Route, Tenancy

_PATH = "/20160918"
CREATING_SECONDS = 5.0
_DELETING_SECONDS = 20.0
# Clusters and pools that are DELETED do not count; what may live in a compartment:
_CONTENTS = (
    *("vcn", "subnet", "internetgateway", "natgateway", "servicegateway", "routetable"),
    *("securitylist", "dhcpoptions", "networksecuritygroup", "instance", "volume", "bootvolume"),
    *("cluster", "nodepool", "loadbalancer", "networkloadbalancer", "bucket", "compartment"),
    "publicip",
)


def _get_tenancy(tenancy: Tenancy, call: Call) -> Answer:
    if not tenancy.is_root(call.path["id"]):
        raise not_found(call.path["id"])
    return Answer(
        body={
            "id": tenancy.identity.tenancy,
            "name": "rehearsal",
            "description": "A tenancy to rehearse in",
            "homeRegionKey": tenancy.identity.region.key,
            "freeformTags": {},
            "definedTags": {},
        }
    )


def _list_subscriptions(tenancy: Tenancy, call: Call) -> Answer:
    if not tenancy.is_root(call.path["id"]):
        raise not_found(call.path["id"])
    return Answer(
        body=[
            {
                "regionKey": tenancy.identity.region.key,
                "regionName": tenancy.identity.region.name,
                "status": "READY",
                "isHomeRegion": True,
            }
        ]
    )


def _list_regions(tenancy: Tenancy, _call: Call) -> Answer:
    regions = dict.fromkeys((tenancy.identity.region, Region(), Region("eu-frankfurt-1")))
    return Answer(body=[{"key": each.key, "name": each.name} for each in regions])


def _list_domains(tenancy: Tenancy, call: Call) -> Answer:
    compartment = call.needed("compartmentId")
    tenancy.know_compartment(compartment)
    return Answer(
        body=[
            {
                "id": f"ocid1.availabilitydomain.oc1..{tenancy.identity.zone_prefix}{number}",
                "name": name,
                "compartmentId": compartment,
            }
            for number, name in enumerate(tenancy.identity.domains, 1)
        ]
    )


def _list_fault_domains(tenancy: Tenancy, call: Call) -> Answer:
    compartment, domain = call.needed("compartmentId"), call.needed("availabilityDomain")
    tenancy.know_compartment(compartment)
    if domain not in tenancy.identity.domains:
        raise not_found(domain)
    return Answer(
        body=[
            {
                "id": f"ocid1.faultdomain.oc1..{domain[-1]}{tenancy.identity.zone_prefix}{n}",
                "name": f"FAULT-DOMAIN-{n}",
                "compartmentId": compartment,
                "availabilityDomain": domain,
            }
            for n in (1, 2, 3)
        ]
    )


def _user(tenancy: Tenancy) -> Body:
    return {
        "id": tenancy.identity.user,
        "compartmentId": tenancy.identity.tenancy,
        "name": "rehearsal@example.org",
        "description": "The one who rehearses",
        "email": "rehearsal@example.org",
        "emailVerified": True,
        "isMfaActivated": False,
        "lifecycleState": "ACTIVE",
        "timeCreated": "2026-01-05T09:00:00.000Z",
        "freeformTags": {},
        "definedTags": {},
    }


def _get_user(tenancy: Tenancy, call: Call) -> Answer:
    if call.path["id"] != tenancy.identity.user:
        raise not_found(call.path["id"])
    return Answer(body=_user(tenancy))


def _list_users(tenancy: Tenancy, call: Call) -> Answer:
    if not tenancy.is_root(call.needed("compartmentId")):
        raise not_found(call.query["compartmentId"])
    return page_of(call, matching(call, [_user(tenancy)], "name"))


def _view(tenancy: Tenancy, record: Record) -> Body:
    return {**tenancy.registry.view(record), "isAccessible": True, "inactiveStatus": None}


def _root(tenancy: Tenancy) -> Body:
    return {
        "id": tenancy.identity.tenancy,
        "compartmentId": None,
        "name": "rehearsal",
        "description": "The root compartment",
        "timeCreated": "2026-01-05T09:00:00.000Z",
        "lifecycleState": "ACTIVE",
        "isAccessible": True,
        "freeformTags": {},
        "definedTags": {},
    }


def _create_compartment(tenancy: Tenancy, call: Call) -> Answer:
    body = call.body
    refuse_unknown(body, ("compartmentId", "name", "description", "freeformTags", "definedTags"))
    for name in ("compartmentId", "name", "description"):
        if not body.get(name):
            raise missing(name)
    check_tags(body)
    tenancy.require_compartment(body["compartmentId"])
    for other in tenancy.registry.living("compartment"):
        if (other.body["compartmentId"], other.body["name"].lower()) == (
            body["compartmentId"],
            body["name"].lower(),
        ):
            raise Refused(
                409, "CompartmentAlreadyExists", f"Compartment {body['name']} already exists."
            )
    require_room(tenancy, "compartment-count")
    full = {"freeformTags": {}, "definedTags": {}, **body, "timeCreated": tenancy.registry.stamp()}
    record = Record("compartment", new_ocid("compartment", ""), full, [])
    record.pass_through(tenancy.now, ("CREATING", 0.0), ("ACTIVE", CREATING_SECONDS))
    tenancy.registry.save(record)
    return Answer(
        body=_view(tenancy, record), headers={"etag": record.etag}, made=("compartment", record.id)
    )


def _get_compartment(tenancy: Tenancy, call: Call) -> Answer:
    if tenancy.is_root(call.path["id"]):
        return Answer(body=_root(tenancy))
    record = tenancy.registry.find("compartment", call.path["id"])
    return Answer(body=_view(tenancy, record), headers={"etag": record.etag})


def _list_compartments(tenancy: Tenancy, call: Call) -> Answer:
    parent = call.needed("compartmentId")
    if call.query.get("compartmentIdInSubtree", "").lower() == "true":
        if not tenancy.is_root(parent):
            raise Refused(
                400, "InvalidParameter", "compartmentIdInSubtree needs the root compartment."
            )
        records = tenancy.registry.seen("compartment")[::-1]
    else:
        records = tenancy.in_compartment("compartment", parent)
    views = matching(call, [_view(tenancy, r) for r in records], "name", "lifecycleState")
    return page_of(call, in_order(call, views))


def _update_compartment(tenancy: Tenancy, call: Call) -> Answer:
    record = tenancy.registry.find_living("compartment", call.path["id"])
    check_etag(call, record)
    body = call.body
    refuse_unknown(body, ("name", "description", "freeformTags", "definedTags"))
    check_tags(body)
    record.body = {**record.body, **body}
    tenancy.registry.change(record)
    return shown(tenancy, record)


def _delete_compartment(tenancy: Tenancy, call: Call) -> Answer:
    """Accepts, and lets the work request fail when something is left inside."""
    record = tenancy.registry.find_living("compartment", call.path["id"])
    check_etag(call, record)
    left = _first_content(tenancy, record.id)
    last = "ACTIVE" if left else "DELETED"
    record.pass_through(tenancy.now, ("DELETING", 0.0), (last, _DELETING_SECONDS))
    tenancy.registry.save(record)
    work = Record(
        "identityworkrequest",
        new_ocid("identityworkrequest", ""),
        {
            "operationType": "DELETE_COMPARTMENT",
            "compartmentId": record.id,
            "timeAccepted": tenancy.registry.stamp(),
        },
        [],
        notes={"left": left},
    )
    verdict = "FAILED" if left else "SUCCEEDED"
    work.pass_through(
        tenancy.now, ("ACCEPTED", 0.0), ("IN_PROGRESS", 1.0), (verdict, _DELETING_SECONDS)
    )
    tenancy.registry.save(work)
    return Answer(status=202, headers={"opc-work-request-id": work.id})


def _first_content(tenancy: Tenancy, compartment: str) -> str:
    for kind in _CONTENTS:
        for record in tenancy.registry.living(kind):
            if record.body.get("compartmentId") == compartment:
                return record.id
    return ""


def _get_work_request(tenancy: Tenancy, call: Call) -> Answer:
    work = tenancy.registry.find("identityworkrequest", call.path["id"])
    status = tenancy.registry.state(work)
    ended = work.since(status) if status in ("SUCCEEDED", "FAILED") else None
    started = work.since("IN_PROGRESS")
    body: Body = {
        **work.body,
        "id": work.id,
        "status": status,
        "percentComplete": 100.0 if ended else 10.0,
        "timeStarted": tenancy.registry.stamp(started) if status != "ACCEPTED" else None,
        "timeFinished": tenancy.registry.stamp(ended) if ended else None,
        "resources": [
            {
                "identifier": work.body["compartmentId"],
                "entityType": "compartment",
                "actionType": "DELETED" if status == "SUCCEEDED" else "IN_PROGRESS",
            }
        ],
        "errors": [],
        "logs": [],
    }
    if status == "FAILED":
        body["errors"] = [
            {
                "code": "CompartmentNotEmpty",
                "message": f"The compartment still holds {work.notes['left']}.",
                "timestamp": body["timeFinished"],
            }
        ]
    return Answer(body=body)


_ONE = f"{_PATH}/compartments/{{id}}"

ROUTES: tuple[Route, ...] = (
    Route("GET", f"{_PATH}/tenancies/{{id}}", "GetTenancy", _get_tenancy),
    Route(
        "GET",
        f"{_PATH}/tenancies/{{id}}/regionSubscriptions",
        "ListRegionSubscriptions",
        _list_subscriptions,
    ),
    Route("GET", f"{_PATH}/regions", "ListRegions", _list_regions),
    Route("GET", f"{_PATH}/availabilityDomains", "ListAvailabilityDomains", _list_domains),
    Route("GET", f"{_PATH}/faultDomains", "ListFaultDomains", _list_fault_domains),
    Route("GET", f"{_PATH}/users/{{id}}", "GetUser", _get_user),
    Route("GET", f"{_PATH}/users", "ListUsers", _list_users),
    Route("POST", f"{_PATH}/compartments", "CreateCompartment", _create_compartment),
    Route("GET", _ONE, "GetCompartment", _get_compartment),
    Route("GET", f"{_PATH}/compartments", "ListCompartments", _list_compartments),
    Route("PUT", _ONE, "UpdateCompartment", _update_compartment),
    Route("DELETE", _ONE, "DeleteCompartment", _delete_compartment),
    Route("GET", f"{_PATH}/workRequests/{{id}}", "GetWorkRequest", _get_work_request),
)
