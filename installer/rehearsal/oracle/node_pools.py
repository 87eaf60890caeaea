"""Container engine: node pools and their nodes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from installer.rehearsal.oracle import work_requests
from installer.rehearsal.oracle.calls import Answer, Body, Call, matching, page_of
from installer.rehearsal.oracle.clusters import require_active
from installer.rehearsal.oracle.images import VERSIONS, Image, image_of, minor_of
from installer.rehearsal.oracle.kinds import (
    check_etag,
    check_tags,
    in_order,
    refuse_unknown,
    require_related,
)
from installer.rehearsal.oracle.machines import Machine, launch, place_words, refusal_of
from installer.rehearsal.oracle.pool_removal import (
    REMOVAL_SECONDS,
    nodes_of,
    remove_node,
    remove_pool,
)
from installer.rehearsal.oracle.reachability import cannot_register
from installer.rehearsal.oracle.records import Record
from installer.rehearsal.oracle.refusals import (
    Refused,
    invalid,
    limit_exceeded,
    missing,
    not_found,
    out_of_host_capacity,
)
from installer.rehearsal.oracle.tenancy import Route, Tenancy
from installer.rehearsal.oracle.work_requests import Work
from installer.rehearsal.weather import FaultKind

_PATH = "/20180222/nodePools"
READY_SECONDS = 180.0
_NO_LAUNCH_SECONDS = 300.0
_REGISTER_TIMEOUT_SECONDS = 1440.0
_DEFAULT_BOOT_GB = 47
_CHANGEABLE = (
    *("name", "kubernetesVersion", "initialNodeLabels", "nodeConfigDetails", "nodeMetadata"),
    *("nodeSourceDetails", "sshPublicKey", "nodeShape", "nodeShapeConfig", "freeformTags"),
    *("definedTags", "nodeEvictionNodePoolSettings", "nodePoolCyclingDetails"),
)
_ACCEPTED = (*_CHANGEABLE, "compartmentId", "clusterId")
_FULL_REGION = "no-capacity"
_BAD_LAUNCHES: tuple[FaultKind, ...] = (
    *("no_capacity", "register_timeout", "limit_zero", "fail", "stuck"),
)


@dataclass(frozen=True)
class Outcome:
    """How launching nodes will end: after `seconds`, well or with a failure (code, message)."""

    seconds: float = READY_SECONDS
    failure: tuple[str, str] | None = None
    refusal: Refused | None = None  # set when no machine appears at all
    stuck: bool = False  # the pool never leaves the state in which it failed


def _create(tenancy: Tenancy, call: Call) -> Answer:
    body = call.body
    refuse_unknown(body, _ACCEPTED)
    for name in ("compartmentId", "clusterId", "name", "kubernetesVersion", "nodeShape"):
        if not body.get(name):
            raise missing(name)
    check_tags(body)
    tenancy.require_compartment(body["compartmentId"])
    cluster = require_active(tenancy, body["clusterId"])
    image = _check(tenancy, body, cluster)
    pool = Record(
        "nodepool",
        tenancy.new_ocid("nodepool"),
        {
            "freeformTags": {},
            "definedTags": {},
            "nodeMetadata": {},
            "initialNodeLabels": [],
            **body,
        },
        [],
        notes={"created": tenancy.registry.stamp()},
    )
    _name_image(pool, image)
    size = int(body["nodeConfigDetails"]["size"])
    outcome = _launch_nodes(tenancy, pool, size, call.operation)
    _settle(tenancy, pool, "CREATING", outcome)
    return _begin(tenancy, "NODEPOOL_CREATE", pool, outcome, made=True)


def _name_image(pool: Record, image: Image) -> None:
    pool.body["nodeImageId"] = image.id
    pool.body["nodeImageName"] = image.name
    pool.body["nodeSource"] = image.source


def _check(tenancy: Tenancy, body: Body, cluster: Record) -> Image:
    """The image, when everything about the pool fits together; raises Refused 400."""
    version = body["kubernetesVersion"]
    control_plane = cluster.body["kubernetesVersion"]
    if version not in VERSIONS:
        raise invalid(f"Invalid kubernetesVersion: {version}.")
    if not 0 <= minor_of(control_plane) - minor_of(version) <= 3:
        raise invalid(f"Nodes of {version} do not go with a control plane of {control_plane}.")
    _check_shape(body)
    image = _check_image(body)
    details = body.get("nodeConfigDetails") or {}
    if not isinstance(details.get("size"), int) or details["size"] < 0:
        raise invalid("nodeConfigDetails.size must be a number from 0 up.")
    if not details.get("placementConfigs"):
        raise missing("nodeConfigDetails.placementConfigs")
    for placement in details["placementConfigs"]:
        _check_placement(tenancy, placement, cluster)
    for group in details.get("nsgIds") or []:
        require_related(tenancy, "networksecuritygroup", group)
    return image


def _check_shape(body: Body) -> None:
    config = body.get("nodeShapeConfig") or {}
    if not str(body["nodeShape"]).endswith(".Flex"):
        return
    if not config.get("ocpus"):
        raise invalid(f"nodeShapeConfig with ocpus is needed for the shape {body['nodeShape']}.")
    ocpus, memory = float(config["ocpus"]), float(config.get("memoryInGBs") or 0)
    if memory and not ocpus <= memory <= ocpus * 64:
        raise invalid("memoryInGBs must be between 1 and 64 GB for each OCPU.")


def _check_image(body: Body) -> Image:
    source = body.get("nodeSourceDetails") or {}
    if source.get("sourceType") != "IMAGE" or not source.get("imageId"):
        raise missing("nodeSourceDetails.imageId")
    boot = source.get("bootVolumeSizeInGBs")
    if boot is not None and int(boot) < 50:
        raise invalid("bootVolumeSizeInGBs must be at least 50.")
    image = image_of(source["imageId"])
    if image is None:
        raise invalid(f"Invalid nodeSourceDetails.imageId: {source['imageId']} not found.")
    arm = ".A1." in body["nodeShape"]
    if (image.architecture == "AARCH64") != arm or "GPU" in image.name:
        raise invalid(f"Node shape {body['nodeShape']} and image {image.name} are incompatible.")
    if image.version and image.version != body["kubernetesVersion"]:
        raise invalid(f"The image {image.name} is not for {body['kubernetesVersion']}.")
    return image


def _check_placement(tenancy: Tenancy, placement: Body, cluster: Record) -> None:
    tenancy.require_domain(placement.get("availabilityDomain"))
    subnet = require_related(tenancy, "subnet", str(placement.get("subnetId")))
    if subnet.body["vcnId"] != cluster.body["vcnId"]:
        raise invalid(f"The subnet {subnet.id} is not in the cluster's VCN.")


def _launch_nodes(tenancy: Tenancy, pool: Record, count: int, operation: str) -> Outcome:
    """Makes the nodes (or the marks of their failing) and says how it will end."""
    if count == 0:
        return Outcome(seconds=10.0)
    machines = [_machine(tenancy, pool, number) for number in range(count)]
    names, place = ("LaunchNodes", operation), _place_of(pool)
    if tenancy.weather.strike(*names, subject=place, kinds=("wrong_shape",)) is not None:
        machines = [replace(m, ocpus=m.ocpus / 2, memory_gb=m.memory_gb / 2) for m in machines]
    outcome = _outcome(tenancy, pool, machines, operation)
    for machine in machines:
        _new_node(tenancy, pool, machine, outcome)
    return outcome


def _place_of(pool: Record) -> str:
    """Where the weather is that meets a launch: the first of the pool's places."""
    placement = pool.body["nodeConfigDetails"]["placementConfigs"][0]
    faults = placement.get("faultDomains") or [""]
    return place_words(placement["availabilityDomain"], faults[0])


def _machine(tenancy: Tenancy, pool: Record, number: int) -> Machine:
    body = pool.body
    details = body["nodeConfigDetails"]
    placement = details["placementConfigs"][number % len(details["placementConfigs"])]
    config = body.get("nodeShapeConfig") or {}
    ocpus = float(config.get("ocpus") or 1.0)
    faults = placement.get("faultDomains") or ["FAULT-DOMAIN-1", "FAULT-DOMAIN-2"]
    marks = (body["clusterId"][-11:], pool.id[-11:], placement["subnetId"][-11:])
    index = len(nodes_of(tenancy, pool)) + number
    return Machine(
        name=f"oke-c{marks[0]}-n{marks[1]}-s{marks[2]}-{index}",
        compartment=body["compartmentId"],
        domain=placement["availabilityDomain"],
        fault_domain=faults[number % len(faults)],
        subnet=placement["subnetId"],
        shape=body["nodeShape"],
        ocpus=ocpus,
        memory_gb=float(config.get("memoryInGBs") or ocpus * 6),
        image=body["nodeImageId"],
        boot_gb=int(body["nodeSourceDetails"].get("bootVolumeSizeInGBs") or _DEFAULT_BOOT_GB),
        groups=tuple(details.get("nsgIds") or ()),
        metadata={**body["nodeMetadata"], "oke-cluster-id": body["clusterId"]},
        tags=details.get("freeformTags") or {},
    )


def _outcome(tenancy: Tenancy, pool: Record, machines: list[Machine], operation: str) -> Outcome:
    names = ("LaunchNodes", operation)
    bad = tenancy.weather.strike(*names, subject=_place_of(pool), kinds=_BAD_LAUNCHES)
    refusal = refusal_of(tenancy, machines[0])
    if bad is not None and bad.kind == "limit_zero":
        refusal = limit_exceeded(bad.limit or "standard-a1-core-count", "compute")
    full = _compartment_name(tenancy, pool) == _FULL_REGION
    if refusal is None and (full or (bad is not None and bad.kind in ("no_capacity", "stuck"))):
        refusal = out_of_host_capacity()
    if refusal is not None:
        text = (
            f"{len(machines)} node(s) launch failure. First failure: ({refusal.status}, "
            f"{refusal.code}, false) {refusal.message} (opc-request-id: "
            f"{secrets.token_hex(16).upper()})"
        )
        stuck = bad is not None and bad.kind == "stuck"
        return Outcome(_NO_LAUNCH_SECONDS, (refusal.code, text), refusal, stuck)
    if bad is not None and bad.kind == "fail":
        return Outcome(_NO_LAUNCH_SECONDS, (bad.code, bad.message))
    if (bad is not None and bad.kind == "register_timeout") or cannot_register(tenancy, pool):
        text = f"{len(machines)} nodes(s) register timeout"
        return Outcome(_REGISTER_TIMEOUT_SECONDS, ("RegisterTimeout", text))
    return Outcome()


def _compartment_name(tenancy: Tenancy, pool: Record) -> str:
    record = tenancy.registry.look_up("compartment", pool.body["compartmentId"])
    return "" if record is None else str(record.body["name"])


def _new_node(tenancy: Tenancy, pool: Record, machine: Machine, outcome: Outcome) -> None:
    body: Body = {
        "name": machine.name,
        "kubernetesVersion": pool.body["kubernetesVersion"],
        "availabilityDomain": machine.domain,
        "subnetId": machine.subnet,
        "nodePoolId": pool.id,
        "faultDomain": machine.fault_domain,
        "freeformTags": dict(machine.tags),
        "definedTags": {},
    }
    ocid = f"none.{secrets.token_hex(8)}"
    if outcome.refusal is None:
        instance = launch(tenancy, machine, delay=30.0)
        card = tenancy.registry.look_up("vnic", instance.notes["card"])
        ocid = instance.id
        if card is not None:
            body["privateIp"], body["publicIp"] = card.body["privateIp"], card.body["publicIp"]
    node = Record("node", ocid, body, [])
    node.notes["launched"] = tenancy.now
    if outcome.failure is None:
        node.pass_through(tenancy.now, ("CREATING", 0.0), ("ACTIVE", outcome.seconds))
    else:
        code, message = outcome.failure
        status = outcome.refusal.status if outcome.refusal else 400
        node.notes["error"] = {"code": code, "message": message, "status": str(status)}
        node.pass_through(tenancy.now, ("CREATING", 0.0), ("FAILING", outcome.seconds))
    tenancy.registry.save(node)


def _settle(tenancy: Tenancy, pool: Record, first: str, outcome: Outcome) -> None:
    last = "ACTIVE" if outcome.failure is None else "NEEDS_ATTENTION"
    if outcome.stuck:
        last = "UPDATING"
    pool.notes["trouble"] = outcome.failure[1] if outcome.failure else ""
    pool.pass_through(tenancy.now, (first, 0.0), (last, outcome.seconds))
    tenancy.registry.save(pool)


def _begin(
    tenancy: Tenancy, operation: str, pool: Record, outcome: Outcome, *, made: bool = False
) -> Answer:
    work = work_requests.begin(
        tenancy,
        Work(
            operation,
            pool.body["compartmentId"],
            "nodepool",
            pool.id,
            outcome.seconds,
            cluster=pool.body["clusterId"],
            failure=outcome.failure,
            logs=((2.0, f"{operation} started"),),
        ),
    )
    return Answer(
        status=202,
        headers={"opc-work-request-id": work.id},
        made=("nodepool", pool.id) if made else None,
    )


def _view_node(tenancy: Tenancy, node: Record) -> Body:
    body = tenancy.registry.view(node)
    if node.id.startswith("none."):
        body["id"] = None
    if body["lifecycleState"] == "FAILING":
        body["nodeError"] = node.notes["error"]
        body["lifecycleDetails"] = node.notes["error"]["message"]
    return body


def _view(tenancy: Tenancy, pool: Record, *, nodes: bool = False) -> Body:
    body = tenancy.registry.view(pool)
    trouble = body["lifecycleState"] == "NEEDS_ATTENTION"
    body["lifecycleDetails"] = pool.notes["trouble"] if trouble else ""
    if nodes:
        body["nodes"] = [_view_node(tenancy, node) for node in nodes_of(tenancy, pool)]
    return body


def _get(tenancy: Tenancy, call: Call) -> Answer:
    pool = tenancy.registry.find("nodepool", call.path["id"])
    return Answer(body=_view(tenancy, pool, nodes=True), headers={"etag": pool.etag})


def _list(tenancy: Tenancy, call: Call) -> Answer:
    records = tenancy.in_compartment("nodepool", call.needed("compartmentId"))
    views = [_view(tenancy, record) for record in records]
    found = matching(call, views, "clusterId", "name", "lifecycleState")
    return page_of(call, in_order(call, found))


def _update(tenancy: Tenancy, call: Call) -> Answer:
    pool = tenancy.registry.find_living("nodepool", call.path["id"])
    check_etag(call, pool)
    work_requests.require_idle(tenancy, pool.id)
    cluster = require_active(tenancy, pool.body["clusterId"])
    body = call.body
    refuse_unknown(body, _CHANGEABLE)
    check_tags(body)
    pool.body = {**pool.body, **_merged(pool.body, body)}
    _name_image(pool, _check(tenancy, pool.body, cluster))
    outcome = _resize(tenancy, pool, call.operation)
    _settle(tenancy, pool, "UPDATING", outcome)
    return _begin(tenancy, "NODEPOOL_UPDATE", pool, outcome)


def _merged(standing: Body, given: Body) -> Body:
    """The details keep what is not given; everything else is replaced."""
    merged = dict(given)
    for name in ("nodeConfigDetails", "nodeSourceDetails", "nodeShapeConfig"):
        if name in given:
            merged[name] = {**(standing.get(name) or {}), **given[name]}
    return merged


def _resize(tenancy: Tenancy, pool: Record, operation: str) -> Outcome:
    wanted = int(pool.body["nodeConfigDetails"]["size"])
    nodes = [n for n in nodes_of(tenancy, pool) if tenancy.registry.state(n) != "DELETING"]
    failing = [n for n in nodes if tenancy.registry.state(n) == "FAILING"]
    for node in failing:
        remove_node(tenancy, node)
    kept = [node for node in nodes if node not in failing]
    for node in kept[wanted:]:
        remove_node(tenancy, node)
    return _launch_nodes(tenancy, pool, max(0, wanted - len(kept)), operation)


def _delete(tenancy: Tenancy, call: Call) -> Answer:
    pool = tenancy.registry.find_living("nodepool", call.path["id"])
    check_etag(call, pool)
    work_requests.cancel_all(tenancy, (pool.id,))
    remove_pool(tenancy, pool)
    return _begin(tenancy, "NODEPOOL_DELETE", pool, Outcome(seconds=REMOVAL_SECONDS))


def _delete_node(tenancy: Tenancy, call: Call) -> Answer:
    pool = tenancy.registry.find_living("nodepool", call.path["id"])
    check_etag(call, pool)
    node = next((n for n in nodes_of(tenancy, pool) if n.id == call.path["node"]), None)
    if node is None:
        raise not_found(call.path["node"])
    remove_node(tenancy, node)
    outcome = Outcome(seconds=60.0)
    if call.query.get("isDecrementSize", "true").lower() == "true":
        pool.body["nodeConfigDetails"]["size"] -= 1
    else:
        outcome = _launch_nodes(tenancy, pool, 1, call.operation)
    _settle(tenancy, pool, "UPDATING", outcome)
    return _begin(tenancy, "NODEPOOL_RECONCILE", pool, outcome)


_ONE = f"{_PATH}/{{id}}"

ROUTES: tuple[Route, ...] = (
    Route("POST", _PATH, "CreateNodePool", _create),
    Route("GET", _ONE, "GetNodePool", _get),
    Route("GET", _PATH, "ListNodePools", _list),
    Route("PUT", _ONE, "UpdateNodePool", _update),
    Route("DELETE", _ONE, "DeleteNodePool", _delete),
    Route("DELETE", f"{_ONE}/node/{{node}}", "DeleteNode", _delete_node),
)
