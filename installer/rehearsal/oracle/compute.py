"""Instances (only looked at and ended: OKE launches them), attachments, shapes, capacity."""

from __future__ import annotations

from functools import partial

from installer.rehearsal.oracle.calls import NOTHING, Answer, Body, Call, matching, page_of
from installer.rehearsal.oracle.kinds import (
    ATTACHED_STATES,
    Kind,
    check_etag,
    in_order,
    new_record,
    require_related,
    routes_of,
    shown,
)
from installer.rehearsal.oracle.machines import Machine, launch, place_words, refusal_of, terminate
from installer.rehearsal.oracle.records import Record
from installer.rehearsal.oracle.refusals import incorrect_state, invalid, missing, not_found
from installer.rehearsal.oracle.tenancy import Route, Tenancy

_CORE = "/20160918"
_MOST_ATTACHED = 32
_AVAILABLE_SHAPES = {"VM.Standard.A1.Flex": 80, "VM.Standard.E2.1.Micro": 2}


def _list_of(kind: str, filters: tuple[str, ...], tenancy: Tenancy, call: Call) -> Answer:
    records = tenancy.in_compartment(kind, call.needed("compartmentId"))
    views = [tenancy.registry.view(record) for record in records]
    names = ("availabilityDomain", "displayName", "lifecycleState", *filters)
    return page_of(call, in_order(call, matching(call, views, *names)))


def _get_of(kind: str, tenancy: Tenancy, call: Call) -> Answer:
    return shown(tenancy, tenancy.registry.find(kind, call.path["id"]))


def _launch(tenancy: Tenancy, call: Call) -> Answer:
    """A machine that no pool asked for; the subnet stands in its card's description."""
    body = call.body
    for name in ("availabilityDomain", "compartmentId", "shape"):
        if not body.get(name):
            raise missing(name)
    tenancy.require_domain(body["availabilityDomain"])
    tenancy.require_compartment(body["compartmentId"])
    source, card = body.get("sourceDetails") or {}, body.get("createVnicDetails") or {}
    subnet = require_related(tenancy, "subnet", str(card.get("subnetId") or ""))
    size = body.get("shapeConfig") or {}
    machine = Machine(
        name=str(body.get("displayName") or "instance"),
        compartment=body["compartmentId"],
        domain=body["availabilityDomain"],
        fault_domain=str(body.get("faultDomain") or "FAULT-DOMAIN-1"),
        subnet=subnet.id,
        shape=body["shape"],
        ocpus=float(size.get("ocpus") or 1),
        memory_gb=float(size.get("memoryInGBs") or 6),
        image=str(source.get("imageId") or ""),
        boot_gb=int(source.get("bootVolumeSizeInGBs") or 47),
        tags=body.get("freeformTags") or {},
    )
    refusal = refusal_of(tenancy, machine)
    if refusal is not None:
        raise refusal
    return shown(tenancy, launch(tenancy, machine), made=True)


def _terminate(tenancy: Tenancy, call: Call) -> Answer:
    instance = tenancy.registry.find_living("instance", call.path["id"])
    check_etag(call, instance)
    keep = call.query.get("preserveBootVolume", "false").lower() == "true"
    terminate(tenancy, instance, keep_boot_volume=keep)
    return NOTHING


def _check_attachment(tenancy: Tenancy, body: Body) -> None:
    volume = tenancy.registry.find_living("volume", body["volumeId"])
    if tenancy.registry.state(volume) != "AVAILABLE":
        raise incorrect_state(volume.id, tenancy.registry.state(volume))
    standing = tenancy.registry.living("volumeattachment")
    if any(record.body["volumeId"] == volume.id for record in standing):
        raise incorrect_state(volume.id, "ATTACHED")
    there = [record for record in standing if record.body["instanceId"] == body["instanceId"]]
    if len(there) >= _MOST_ATTACHED:
        raise invalid(f"An instance takes at most {_MOST_ATTACHED} volumes.")


def _complete_attachment(_tenancy: Tenancy, record: Record) -> None:
    record.body["attachmentType"] = record.body.pop("type", "paravirtualized")


VOLUME_ATTACHMENT = Kind(
    name="volumeattachment",
    path=f"{_CORE}/volumeAttachments",
    singular="Volume",
    plural="VolumeAttachments",
    states=ATTACHED_STATES,
    seconds=10.0,
    required=("instanceId", "volumeId"),
    optional=("type", "device", "isReadOnly", "isShareable", "availabilityDomain"),
    references={"instanceId": "instance", "volumeId": "volume"},
    filters=("instanceId", "volumeId", "availabilityDomain"),
    verbs={"create": "Attach", "delete": "Detach"},
    check=_check_attachment,
    complete=_complete_attachment,
)


def _attach(tenancy: Tenancy, call: Call) -> Answer:
    """Oracle takes no compartment here: it is the instance's."""
    body = call.body
    instance = tenancy.registry.find("instance", str(body.get("instanceId")))
    where = {
        "compartmentId": instance.body["compartmentId"],
        "availabilityDomain": instance.body["availabilityDomain"],
    }
    record = new_record(VOLUME_ATTACHMENT, tenancy, {**body, **where})
    return shown(tenancy, record, made=True)


def _list_shapes(tenancy: Tenancy, call: Call) -> Answer:
    tenancy.know_compartment(call.needed("compartmentId"))
    found: list[Body] = [
        {
            "shape": "VM.Standard.A1.Flex",
            "ocpus": 1.0,
            "memoryInGBs": 6.0,
            "isFlexible": True,
            "billingType": "LIMITED_FREE",
            "ocpuOptions": {"min": 1.0, "max": 80.0},
            "memoryOptions": {"minInGBs": 1.0, "maxInGBs": 512.0, "defaultPerOcpuInGBs": 6.0},
            "processorDescription": "3.0 GHz Ampere Altra",
        },
        {
            "shape": "VM.Standard.E2.1.Micro",
            "ocpus": 1.0,
            "memoryInGBs": 1.0,
            "isFlexible": False,
            "billingType": "ALWAYS_FREE",
        },
        {
            "shape": "VM.Standard.E5.Flex",
            "ocpus": 1.0,
            "memoryInGBs": 12.0,
            "isFlexible": True,
            "billingType": "PAID",
        },
    ]
    return page_of(call, matching(call, found, "shape"))


def _capacity_report(tenancy: Tenancy, call: Call) -> Answer:
    body = call.body
    if not tenancy.is_root(str(body.get("compartmentId"))):
        raise not_found(str(body.get("compartmentId")))
    tenancy.require_domain(body.get("availabilityDomain"))
    return Answer(
        body={
            "compartmentId": body["compartmentId"],
            "availabilityDomain": body["availabilityDomain"],
            "shapeAvailabilities": [
                _availability(asked, full=_is_full(tenancy, body["availabilityDomain"], asked))
                for asked in body.get("shapeAvailabilities") or []
            ],
            "timeCreated": tenancy.registry.stamp(),
        }
    )


def _is_full(tenancy: Tenancy, domain: str, asked: Body) -> bool:
    place = place_words(domain, str(asked.get("faultDomain") or ""))
    return bool(tenancy.weather.standing("no_capacity", subject=place))


def _availability(asked: Body, *, full: bool) -> Body:
    count = _AVAILABLE_SHAPES.get(str(asked.get("instanceShape")))
    status = "AVAILABLE" if count else "HARDWARE_NOT_SUPPORTED"
    if count and full:
        status, count = "OUT_OF_HOST_CAPACITY", 0
    return {
        "faultDomain": asked.get("faultDomain"),
        "instanceShape": asked.get("instanceShape"),
        "instanceShapeConfig": asked.get("instanceShapeConfig"),
        "availableCount": count or 0,
        "availabilityStatus": status,
    }


def _watch(kind: str, path: str, word: str, *filters: str) -> tuple[Route, ...]:
    return (
        Route("GET", f"{_CORE}/{path}", f"List{word}s", partial(_list_of, kind, filters)),
        Route("GET", f"{_CORE}/{path}/{{id}}", f"Get{word}", partial(_get_of, kind)),
    )


ROUTES: tuple[Route, ...] = (
    *_watch("instance", "instances", "Instance"),
    Route("POST", f"{_CORE}/instances", "LaunchInstance", _launch),
    Route("DELETE", f"{_CORE}/instances/{{id}}", "TerminateInstance", _terminate),
    *_watch("vnicattachment", "vnicAttachments", "VnicAttachment", "instanceId", "vnicId"),
    *_watch(
        "bootvolumeattachment",
        "bootVolumeAttachments",
        "BootVolumeAttachment",
        "instanceId",
        "bootVolumeId",
    ),
    *_watch(
        "volumeattachment",
        "volumeAttachments",
        "VolumeAttachment",
        "instanceId",
        "volumeId",
    ),
    Route("POST", VOLUME_ATTACHMENT.path, "AttachVolume", _attach),
    *routes_of(VOLUME_ATTACHMENT, ("delete",)),
    Route("GET", f"{_CORE}/shapes", "ListShapes", _list_shapes),
    Route(
        "POST",
        f"{_CORE}/computeCapacityReports",
        "CreateComputeCapacityReport",
        _capacity_report,
    ),
)
