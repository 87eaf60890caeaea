"""Container engine's work requests: what is under way, how it ended, what it said meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from installer.rehearsal.oracle.calls import Answer, Body, Call, matching, page_of
from installer.rehearsal.oracle.kinds import in_order
from installer.rehearsal.oracle.records import Record
from installer.rehearsal.oracle.refusals import Refused, not_found
from installer.rehearsal.oracle.tenancy import Route, Tenancy

_PATH = "/20180222/workRequests"
KIND = "clustersworkrequest"
_ACTION_WHEN_DONE = {"CREATE": "CREATED", "UPDATE": "UPDATED", "DELETE": "DELETED"}
_RUNNING = ("ACCEPTED", "IN_PROGRESS")


@dataclass(frozen=True)
class Work:
    """A piece of work: `operation` as in NODEPOOL_CREATE; `failure` is code and message."""

    operation: str
    compartment: str
    entity: str  # "cluster" or "nodepool"
    target: str
    seconds: float
    cluster: str = ""
    failure: tuple[str, str] | None = None
    logs: tuple[tuple[float, str], ...] = ()


def begin(tenancy: Tenancy, work: Work) -> Record:
    """Stores the work request; it ends after the work's seconds (simulated)."""
    now = tenancy.now
    record = Record(
        KIND,
        tenancy.new_ocid(KIND),
        {
            "operationType": work.operation,
            "compartmentId": work.compartment,
            "timeAccepted": tenancy.registry.stamp(now),
        },
        [],
        notes={
            "entity": work.entity,
            "target": work.target,
            "cluster": work.cluster or work.target,
            "failure": list(work.failure) if work.failure else None,
            "logs": [[now + delay, text] for delay, text in work.logs],
        },
    )
    verdict = "FAILED" if work.failure else "SUCCEEDED"
    start = min(2.0, work.seconds)
    record.pass_through(now, ("ACCEPTED", 0.0), ("IN_PROGRESS", start), (verdict, work.seconds))
    tenancy.registry.save(record)
    return record


def require_idle(tenancy: Tenancy, target: str) -> None:
    """Raises Refused 409 while another work request is on the resource."""
    for record in tenancy.registry.seen(KIND):
        if record.notes["target"] == target and tenancy.registry.state(record) in _RUNNING:
            raise Refused(
                409,
                "IncorrectState",
                f"The resource {target} has a work request in progress: {record.id}.",
            )


def cancel_all(tenancy: Tenancy, targets: tuple[str, ...]) -> None:
    """Cancels what is still running on the targets."""
    for record in tenancy.registry.seen(KIND):
        running = tenancy.registry.state(record) in _RUNNING
        if running and record.notes["target"] in targets:
            record.pass_through(tenancy.now, ("CANCELED", 0.0))
            tenancy.registry.save(record)


def _status(tenancy: Tenancy, record: Record) -> str:
    """A cluster's creation has not succeeded before its Kubernetes can really be reached."""
    status = tenancy.registry.state(record)
    creating = record.body["operationType"] == "CLUSTER_CREATE" and status == "SUCCEEDED"
    if creating and not tenancy.can_be_reached(record.notes["target"]):
        return "IN_PROGRESS"
    return status


def _view(tenancy: Tenancy, record: Record) -> Body:
    status = _status(tenancy, record)
    started = record.since("IN_PROGRESS")
    ended = record.since(status) if status not in _RUNNING else None
    return {
        **record.body,
        "id": record.id,
        "status": status,
        "timeStarted": tenancy.registry.stamp(started) if status != "ACCEPTED" else None,
        "timeFinished": tenancy.registry.stamp(ended) if ended else None,
        "resources": [_resource(record, status)],
    }


def _resource(record: Record, status: str) -> Body:
    notes: Mapping[str, str] = record.notes
    verb = str(record.body["operationType"]).rpartition("_")[2]
    action = {
        "SUCCEEDED": _ACTION_WHEN_DONE.get(verb, "UPDATED"),
        "FAILED": "FAILED",
        "CANCELED": "CANCELED_UPDATE",
    }.get(status, "IN_PROGRESS")
    path = "clusters" if notes["entity"] == "cluster" else "nodePools"
    return {
        "actionType": action,
        "entityType": notes["entity"],
        "identifier": notes["target"],
        "entityUri": f"/{path}/{notes['target']}",
    }


def _get(tenancy: Tenancy, call: Call) -> Answer:
    return Answer(body=_view(tenancy, tenancy.registry.find(KIND, call.path["id"])))


def _list(tenancy: Tenancy, call: Call) -> Answer:
    records = tenancy.in_compartment(KIND, call.needed("compartmentId"))
    for name, note in (("clusterId", "cluster"), ("resourceId", "target")):
        wanted = call.query.get(name)
        records = [r for r in records if not wanted or r.notes[note] == wanted]
    kind = call.query.get("resourceType", "").lower()
    records = [r for r in records if not kind or r.notes["entity"] == kind]
    views = [_view(tenancy, record) for record in records]
    return page_of(call, in_order(call, matching(call, views, "status")))


def _list_errors(tenancy: Tenancy, call: Call) -> Answer:
    record = _of_compartment(tenancy, call)
    ended = record.since("FAILED")
    failure = record.notes["failure"]
    if not failure or ended is None or ended > tenancy.now:
        return Answer(body=[])
    code, message = failure
    stamp = tenancy.registry.stamp(ended)
    return Answer(body=[{"code": code, "message": message, "timestamp": stamp}])


def _list_logs(tenancy: Tenancy, call: Call) -> Answer:
    record = _of_compartment(tenancy, call)
    lines: list[Body] = [
        {"message": text, "timestamp": tenancy.registry.stamp(moment)}
        for moment, text in record.notes["logs"]
        if moment <= tenancy.now
    ]
    return Answer(body=lines)


def _of_compartment(tenancy: Tenancy, call: Call) -> Record:
    record = tenancy.registry.find(KIND, call.path["id"])
    if record.body["compartmentId"] != call.needed("compartmentId"):
        raise not_found(record.id)
    return record


ROUTES: tuple[Route, ...] = (
    Route("GET", f"{_PATH}/{{id}}", "GetWorkRequest", _get),
    Route("GET", _PATH, "ListWorkRequests", _list),
    Route("GET", f"{_PATH}/{{id}}/errors", "ListWorkRequestErrors", _list_errors),
    Route("GET", f"{_PATH}/{{id}}/logs", "ListWorkRequestLogs", _list_logs),
)
