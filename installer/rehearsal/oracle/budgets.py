"""Budgets with their alert rules: they tell of a bill and stop nothing."""

from __future__ import annotations

from installer.rehearsal.oracle.calls import NOTHING, Answer, Body, Call, matching, page_of
from installer.rehearsal.oracle.credentials import new_ocid
from installer.rehearsal.oracle.kinds import check_etag, check_tags, in_order, refuse_unknown
from installer.rehearsal.oracle.records import Record
from installer.rehearsal.oracle.refusals import Refused, invalid, missing, not_found
from installer.rehearsal.oracle.tenancy import Route, Tenancy

_PATH = "/20190111/budgets"
_FIELDS = (
    *("compartmentId", "targetType", "targets", "displayName", "description", "amount"),
    *("resetPeriod", "freeformTags", "definedTags"),
)
_RULE_FIELDS = (
    *("displayName", "description", "type", "threshold", "thresholdType", "recipients"),
    *("message", "freeformTags", "definedTags"),
)


def _create(tenancy: Tenancy, call: Call) -> Answer:
    body = call.body
    refuse_unknown(body, _FIELDS)
    for name in ("compartmentId", "amount", "resetPeriod", "targets"):
        if not body.get(name):
            raise missing(name)
    if not tenancy.is_root(body["compartmentId"]):
        raise not_found(body["compartmentId"])
    if tenancy.account == "free":
        raise Refused(403, "NotAllowed", "Budgets are not available to this account.")
    if body["amount"] < 1 or body["resetPeriod"] != "MONTHLY":
        raise invalid("A budget has an amount of 1 or more and is reset MONTHLY.")
    check_tags(body)
    for target in body["targets"]:
        tenancy.require_compartment(target)
    full = {
        "freeformTags": {},
        "definedTags": {},
        **body,
        "timeCreated": tenancy.registry.stamp(),
        "timeUpdated": tenancy.registry.stamp(),
        "version": 1,
    }
    record = Record("budget", new_ocid("budget", ""), full, [])
    record.pass_through(tenancy.now, ("ACTIVE", 0.0))
    tenancy.registry.save(record)
    return _shown(tenancy, record, made=True)


def _rules(tenancy: Tenancy, budget: str) -> list[Record]:
    return tenancy.registry.living("alertrule", lambda each: each.body["budgetId"] == budget)


def _view(tenancy: Tenancy, record: Record) -> Body:
    return {**tenancy.registry.view(record), "alertRuleCount": len(_rules(tenancy, record.id))}


def _shown(tenancy: Tenancy, record: Record, *, made: bool = False) -> Answer:
    return Answer(
        body=_view(tenancy, record),
        headers={"etag": record.etag},
        made=("budget", record.id) if made else None,
    )


def _get(tenancy: Tenancy, call: Call) -> Answer:
    return _shown(tenancy, tenancy.registry.find_living("budget", call.path["id"]))


def _list(tenancy: Tenancy, call: Call) -> Answer:
    records = tenancy.in_compartment("budget", call.needed("compartmentId"))
    views = [_view(tenancy, each) for each in records if tenancy.registry.state(each) == "ACTIVE"]
    return page_of(call, in_order(call, matching(call, views, "displayName", "lifecycleState")))


def _update(tenancy: Tenancy, call: Call) -> Answer:
    record = tenancy.registry.find_living("budget", call.path["id"])
    check_etag(call, record)
    body = call.body
    refuse_unknown(body, ("displayName", "description", "amount", "freeformTags", "definedTags"))
    check_tags(body)
    record.body = {**record.body, **body}
    tenancy.registry.change(record)
    return _shown(tenancy, record)


def _delete(tenancy: Tenancy, call: Call) -> Answer:
    """Its rules go with it."""
    record = tenancy.registry.find_living("budget", call.path["id"])
    check_etag(call, record)
    for each in (record, *_rules(tenancy, record.id)):
        each.pass_through(tenancy.now, ("DELETED", 0.0))
        tenancy.registry.save(each)
    return NOTHING


def _create_rule(tenancy: Tenancy, call: Call) -> Answer:
    budget = tenancy.registry.find_living("budget", call.path["id"])
    body = call.body
    refuse_unknown(body, _RULE_FIELDS)
    for name in ("type", "threshold", "thresholdType"):
        if not body.get(name):
            raise missing(name)
    if body["type"] not in ("ACTUAL", "FORECAST"):
        raise invalid("The type of an alert rule is ACTUAL or FORECAST.")
    if body["thresholdType"] not in ("PERCENTAGE", "ABSOLUTE"):
        raise invalid("The thresholdType is PERCENTAGE or ABSOLUTE.")
    check_tags(body)
    full = {
        "freeformTags": {},
        "definedTags": {},
        **body,
        "budgetId": budget.id,
        "timeCreated": tenancy.registry.stamp(),
        "timeUpdated": tenancy.registry.stamp(),
        "version": 1,
    }
    record = Record("alertrule", new_ocid("alertrule", ""), full, [])
    record.pass_through(tenancy.now, ("ACTIVE", 0.0))
    tenancy.registry.save(record)
    return Answer(body=tenancy.registry.view(record), made=("alertrule", record.id))


def _list_rules(tenancy: Tenancy, call: Call) -> Answer:
    tenancy.registry.find_living("budget", call.path["id"])
    views = [tenancy.registry.view(each) for each in _rules(tenancy, call.path["id"])]
    return page_of(call, views)


ROUTES: tuple[Route, ...] = (
    Route("POST", _PATH, "CreateBudget", _create),
    Route("GET", f"{_PATH}/{{id}}", "GetBudget", _get),
    Route("GET", _PATH, "ListBudgets", _list),
    Route("PUT", f"{_PATH}/{{id}}", "UpdateBudget", _update),
    Route("DELETE", f"{_PATH}/{{id}}", "DeleteBudget", _delete),
    Route("POST", f"{_PATH}/{{id}}/alertRules", "CreateAlertRule", _create_rule),
    Route("GET", f"{_PATH}/{{id}}/alertRules", "ListAlertRules", _list_rules),
)
