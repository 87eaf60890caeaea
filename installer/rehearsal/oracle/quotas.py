"""Quota policies: kept in the root compartment, written in the home region."""

from __future__ import annotations

from installer.rehearsal.oracle.calls import NOTHING, Answer, Body, Call, matching, page_of
from installer.rehearsal.oracle.credentials import new_ocid
from installer.rehearsal.oracle.kinds import check_etag, check_tags, in_order, refuse_unknown, shown
from installer.rehearsal.oracle.quota_rules import read_statement
from installer.rehearsal.oracle.records import Record
from installer.rehearsal.oracle.refusals import Refused, missing, not_found
from installer.rehearsal.oracle.tenancy import Route, Tenancy

_PATH = "/20181025/quotas"
_FIELDS = ("compartmentId", "name", "description", "statements", "freeformTags", "definedTags")


def _create(tenancy: Tenancy, call: Call) -> Answer:
    body = call.body
    refuse_unknown(body, _FIELDS)
    for name in ("compartmentId", "name", "description", "statements"):
        if not body.get(name):
            raise missing(name)
    if not tenancy.is_root(body["compartmentId"]):
        raise not_found(body["compartmentId"])
    if tenancy.account == "free":
        raise Refused(403, "NotAllowed", "Quotas are not available to this account.")
    check_tags(body)
    _check_statements(body)
    if any(each.body["name"] == body["name"] for each in tenancy.registry.living("quota")):
        raise Refused(409, "Conflict", f"A quota named {body['name']} exists already.")
    full = {"freeformTags": {}, "definedTags": {}, **body, "timeCreated": tenancy.registry.stamp()}
    record = Record("quota", new_ocid("quota", ""), full, [])
    record.pass_through(tenancy.now, ("ACTIVE", 0.0))
    tenancy.registry.save(record)
    return shown(tenancy, record, made=True)


def _check_statements(body: Body) -> None:
    for text in body["statements"]:
        read_statement(text)


def _get(tenancy: Tenancy, call: Call) -> Answer:
    return shown(tenancy, tenancy.registry.find_living("quota", call.path["id"]))


def _list(tenancy: Tenancy, call: Call) -> Answer:
    """Summaries: without their statements."""
    records = tenancy.in_compartment("quota", call.needed("compartmentId"))
    views = [tenancy.registry.view(each) for each in records if tenancy.registry.state(each)]
    found = [
        {key: value for key, value in view.items() if key != "statements"}
        for view in matching(call, views, "name", "lifecycleState")
        if view["lifecycleState"] == "ACTIVE"
    ]
    return page_of(call, in_order(call, found))


def _update(tenancy: Tenancy, call: Call) -> Answer:
    record = tenancy.registry.find_living("quota", call.path["id"])
    check_etag(call, record)
    body = call.body
    refuse_unknown(body, ("description", "statements", "freeformTags", "definedTags"))
    check_tags(body)
    if "statements" in body:
        _check_statements(body)
    record.body = {**record.body, **body}
    tenancy.registry.change(record)
    return shown(tenancy, record)


def _delete(tenancy: Tenancy, call: Call) -> Answer:
    record = tenancy.registry.find_living("quota", call.path["id"])
    check_etag(call, record)
    record.pass_through(tenancy.now, ("DELETED", 0.0))
    tenancy.registry.save(record)
    return NOTHING


ROUTES: tuple[Route, ...] = (
    Route("POST", _PATH, "CreateQuota", _create),
    Route("GET", f"{_PATH}/{{id}}", "GetQuota", _get),
    Route("GET", _PATH, "ListQuotas", _list),
    Route("PUT", f"{_PATH}/{{id}}", "UpdateQuota", _update),
    Route("DELETE", f"{_PATH}/{{id}}", "DeleteQuota", _delete),
)
