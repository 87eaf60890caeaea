"""Network load balancers and load balancers, made by clients or by a cluster's Services."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from installer.rehearsal.oracle.calls import Answer, Body, Call, matching, page_of
from installer.rehearsal.oracle.kinds import (
    check_etag,
    check_tags,
    in_order,
    require_related,
)
from installer.rehearsal.oracle.limits import require_room
from installer.rehearsal.oracle.machines import new_card, remove_cards
from installer.rehearsal.oracle.network_rules import public_address
from installer.rehearsal.oracle.public_ips import give_back, lend
from installer.rehearsal.oracle.quota_rules import require_quota
from installer.rehearsal.oracle.records import Record
from installer.rehearsal.oracle.refusals import invalid, missing
from installer.rehearsal.oracle.tenancy import Route, Tenancy

NLB, LB = "networkloadbalancer", "loadbalancer"
CREATING_SECONDS = 120.0
_DELETING_SECONDS = 60.0
_NLB_PATH = "/20200501"
_LB_PATH = "/20170115"
_LIMIT = {NLB: "max-nlb-flexible-count", LB: "lb-flexible-count"}
_FIXED_SHAPES = ("100Mbps", "400Mbps", "8000Mbps", "10Mbps-Micro")


def make_balancer(tenancy: Tenancy, kind: str, body: Body) -> Record:
    """Makes one in the first of its subnets; raises Refused."""
    for name in ("compartmentId", "displayName"):
        if not body.get(name):
            raise missing(name)
    check_tags(body)
    tenancy.require_compartment(body["compartmentId"])
    subnets = [body["subnetId"]] if body.get("subnetId") else body.get("subnetIds") or []
    if not subnets:
        raise missing("subnetId" if kind == NLB else "subnetIds")
    for subnet in subnets:
        require_related(tenancy, "subnet", subnet)
    for group in body.get("networkSecurityGroupIds") or []:
        require_related(tenancy, "networksecuritygroup", group)
    if kind == LB:
        _check_shape(body)
    require_room(tenancy, _LIMIT[kind])
    if kind == LB:
        require_quota(tenancy, body["compartmentId"], "load-balancer", _LIMIT[LB], 1)
    record = Record(kind, tenancy.new_ocid(kind), _full(tenancy, kind, body), [])
    reserved = [str(each.get("id", "")) for each in body.get("reservedIps") or []]
    record.body.pop("reservedIps", None)
    address = _address(kind, record.id, private=bool(body.get("isPrivate")))
    if reserved:
        digits = lend(tenancy, reserved[0], record.id)
        address = {**address, "ipAddress": digits, "reservedIp": {"id": reserved[0]}}
    record.body["ipAddresses"] = [address]
    record.pass_through(tenancy.now, ("CREATING", 0.0), ("ACTIVE", CREATING_SECONDS))
    tenancy.registry.save(record)
    new_card(
        tenancy,
        owner=record.id,
        compartment=body["compartmentId"],
        name=body["displayName"],
        subnet=subnets[0],
        groups=tuple(body.get("networkSecurityGroupIds") or ()),
    )
    return record


def _check_shape(body: Body) -> None:
    shape, details = body.get("shapeName"), body.get("shapeDetails") or {}
    if shape in _FIXED_SHAPES:
        return
    if shape != "flexible":
        raise invalid(f"The shape {shape} is unknown.")
    least, most = details.get("minimumBandwidthInMbps"), details.get("maximumBandwidthInMbps")
    if not least or not most or not 10 <= int(least) <= int(most) <= 8192:
        raise invalid("A flexible shape needs 10 <= minimum <= maximum <= 8192 Mbps.")


def _full(tenancy: Tenancy, kind: str, body: Body) -> Body:
    common: dict[str, Any] = {
        "freeformTags": {},
        "definedTags": {},
        "isPrivate": False,
        "listeners": {},
        "backendSets": {},
        "networkSecurityGroupIds": [],
        "timeCreated": tenancy.registry.stamp(),
    }
    if kind == NLB:
        common |= {"isPreserveSourceDestination": False, "nlbIpVersion": "IPV4"}
    else:
        common |= {"hostnames": {}, "certificates": {}, "pathRouteSets": {}, "ruleSets": {}}
    return {**common, **body}


def _address(kind: str, ocid: str, *, private: bool) -> Mapping[str, Any]:
    address = "10.255.0.2" if private else public_address(ocid)
    body = {"ipAddress": address, "isPublic": not private}
    return {**body, "ipVersion": "IPV4"} if kind == NLB else body


def remove_balancer(tenancy: Tenancy, record: Record) -> None:
    """Starts its end."""
    record.pass_through(tenancy.now, ("DELETING", 0.0), ("DELETED", _DELETING_SECONDS))
    tenancy.registry.save(record)
    remove_cards(tenancy, record.id, _DELETING_SECONDS)
    give_back(tenancy, record.id, _DELETING_SECONDS)


def _create(kind: str, tenancy: Tenancy, call: Call) -> Answer:
    record = make_balancer(tenancy, kind, call.body)
    work = _begin(tenancy, record, "CREATE", CREATING_SECONDS)
    return Answer(
        status=202 if kind == NLB else 204,
        body=tenancy.registry.view(record) if kind == NLB else None,
        headers={"opc-work-request-id": work, "etag": record.etag},
        made=(kind, record.id),
    )


def _begin(tenancy: Tenancy, record: Record, verb: str, seconds: float) -> str:
    word = "NETWORK_LOAD_BALANCER" if record.kind == NLB else "LoadBalancer"
    work = Record(
        f"{record.kind}workrequest",
        tenancy.new_ocid(f"{record.kind}workrequest"),
        {
            "operationType": f"{verb}_{word}",
            "compartmentId": record.body["compartmentId"],
            "timeAccepted": tenancy.registry.stamp(),
        },
        [],
        notes={"target": record.id},
    )
    work.pass_through(tenancy.now, ("ACCEPTED", 0.0), ("IN_PROGRESS", 1.0), ("SUCCEEDED", seconds))
    tenancy.registry.save(work)
    return work.id


def _get(kind: str, tenancy: Tenancy, call: Call) -> Answer:
    record = tenancy.registry.find(kind, call.path["id"])
    return Answer(body=tenancy.registry.view(record), headers={"etag": record.etag})


def _list(kind: str, tenancy: Tenancy, call: Call) -> Answer:
    records = tenancy.in_compartment(kind, call.needed("compartmentId"))
    views = [tenancy.registry.view(record) for record in records]
    found = in_order(call, matching(call, views, "displayName", "lifecycleState"))
    return page_of(call, found, wrap="items" if kind == NLB else "")


def _update(kind: str, tenancy: Tenancy, call: Call) -> Answer:
    record = tenancy.registry.find_living(kind, call.path["id"])
    check_etag(call, record)
    check_tags(call.body)
    record.body = {**record.body, **call.body}
    tenancy.registry.change(record)
    return Answer(
        status=202, headers={"opc-work-request-id": _begin(tenancy, record, "UPDATE", 5.0)}
    )


def _delete(kind: str, tenancy: Tenancy, call: Call) -> Answer:
    record = tenancy.registry.find_living(kind, call.path["id"])
    check_etag(call, record)
    remove_balancer(tenancy, record)
    work = _begin(tenancy, record, "DELETE", _DELETING_SECONDS)
    return Answer(status=202, headers={"opc-work-request-id": work})


def _get_nlb_work(tenancy: Tenancy, call: Call) -> Answer:
    work = tenancy.registry.find(f"{NLB}workrequest", call.path["id"])
    status = tenancy.registry.state(work)
    resource = {
        "identifier": work.notes["target"],
        "entityType": "networkLoadBalancer",
        "actionType": "CREATED" if status == "SUCCEEDED" else "IN_PROGRESS",
    }
    return Answer(
        body={
            **work.body,
            "id": work.id,
            "status": status,
            "percentComplete": 100.0 if status == "SUCCEEDED" else 50.0,
            "resources": [resource],
        }
    )


def _get_lb_work(tenancy: Tenancy, call: Call) -> Answer:
    work = tenancy.registry.find(f"{LB}workrequest", call.path["id"])
    return Answer(
        body={
            "id": work.id,
            "loadBalancerId": work.notes["target"],
            "compartmentId": work.body["compartmentId"],
            "type": work.body["operationType"],
            "lifecycleState": tenancy.registry.state(work),
            "message": "",
            "timeAccepted": work.body["timeAccepted"],
            "errorDetails": [],
        }
    )


def _routes(kind: str, path: str, word: str) -> tuple[Route, ...]:
    one = f"{path}/{{id}}"
    return (
        Route("POST", path, f"Create{word}", partial(_create, kind)),
        Route("GET", one, f"Get{word}", partial(_get, kind)),
        Route("GET", path, f"List{word}s", partial(_list, kind)),
        Route("PUT", one, f"Update{word}", partial(_update, kind)),
        Route("DELETE", one, f"Delete{word}", partial(_delete, kind)),
    )


ROUTES: tuple[Route, ...] = (
    *_routes(NLB, f"{_NLB_PATH}/networkLoadBalancers", "NetworkLoadBalancer"),
    *_routes(LB, f"{_LB_PATH}/loadBalancers", "LoadBalancer"),
    Route("GET", f"{_NLB_PATH}/workRequests/{{id}}", "GetWorkRequest", _get_nlb_work),
    Route("GET", f"{_LB_PATH}/loadBalancerWorkRequests/{{id}}", "GetWorkRequest", _get_lb_work),
)
