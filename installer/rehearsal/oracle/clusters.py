"""Container engine: clusters."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any
from urllib.parse import urlsplit

from installer.rehearsal.oracle import work_requests
from installer.rehearsal.oracle.calls import Answer, Body, Call, matching, page_of
from installer.rehearsal.oracle.images import SHAPES, VERSIONS, images, upgrades_from
from installer.rehearsal.oracle.kinds import (
    check_etag,
    check_tags,
    in_order,
    refuse_unknown,
    require_related,
)
from installer.rehearsal.oracle.kubeconfig import kubeconfig
from installer.rehearsal.oracle.limits import require_room
from installer.rehearsal.oracle.machines import new_card, remove_cards
from installer.rehearsal.oracle.network_rules import network_between
from installer.rehearsal.oracle.pool_removal import remove_pool
from installer.rehearsal.oracle.records import Record
from installer.rehearsal.oracle.refusals import incorrect_state, invalid, missing, not_found
from installer.rehearsal.oracle.tenancy import Route, Tenancy
from installer.rehearsal.oracle.work_requests import Work

_PATH = "/20180222"
CREATING_SECONDS = 480.0
_UPDATING_SECONDS = 120.0
_DELETING_SECONDS = 120.0
_ACCEPTED = (
    *("name", "compartmentId", "vcnId", "kubernetesVersion", "endpointConfig", "options", "type"),
    *("freeformTags", "definedTags", "clusterPodNetworkOptions", "imagePolicyConfig", "kmsKeyId"),
)
_CHANGEABLE = (
    *("name", "kubernetesVersion", "options", "freeformTags", "definedTags"),
    *("imagePolicyConfig", "type"),
)
_TYPES = ("BASIC_CLUSTER", "ENHANCED_CLUSTER")
_PODS, _SERVICES = "10.244.0.0/16", "10.96.0.0/16"


def _options(tenancy: Tenancy, call: Call) -> Answer:
    versions = list(VERSIONS)
    if call.path["id"] != "all":
        cluster = tenancy.registry.find("cluster", call.path["id"])
        versions = upgrades_from(cluster.body["kubernetesVersion"])
    cni = [{"cniType": "OCI_VCN_IP_NATIVE"}, {"cniType": "FLANNEL_OVERLAY"}]
    return Answer(body={"kubernetesVersions": versions, "clusterPodNetworkOptions": cni})


def _pool_options(tenancy: Tenancy, call: Call) -> Answer:
    if call.path["id"] != "all":
        tenancy.registry.find("cluster", call.path["id"])
    architecture = call.query.get("nodePoolOsArch")
    version = call.query.get("nodePoolK8sVersion", "")
    version = f"v{version.lstrip('v')}" if version else ""
    chosen = [
        image
        for image in images()
        if architecture in (None, "", image.architecture) and version in ("", image.version)
    ]
    return Answer(
        body={
            "kubernetesVersions": list(VERSIONS),
            "shapes": list(SHAPES),
            "images": [image.name for image in chosen],
            "sources": [image.source for image in chosen],
        }
    )


def _create(tenancy: Tenancy, call: Call) -> Answer:
    body = call.body
    _check_new(tenancy, body)
    require_room(tenancy, "cluster-count")
    record = Record("cluster", tenancy.new_ocid("cluster"), _full(body), [])
    bad = tenancy.weather.strike(call.operation, kinds=("fail",))
    record.notes["trouble"] = bad.message if bad else ""
    last = "FAILED" if bad else "ACTIVE"
    record.pass_through(tenancy.now, ("CREATING", 0.0), (last, CREATING_SECONDS))
    endpoint = body["endpointConfig"]
    card = new_card(
        tenancy,
        owner=record.id,
        compartment=body["compartmentId"],
        name=f"{body['name']}-api",
        subnet=endpoint["subnetId"],
        groups=tuple(endpoint.get("nsgIds") or ()),
        public=bool(endpoint.get("isPublicIpEnabled")),
    )
    record.notes["private"] = card.body["privateIp"]
    work = work_requests.begin(
        tenancy,
        Work(
            "CLUSTER_CREATE",
            body["compartmentId"],
            "cluster",
            record.id,
            CREATING_SECONDS,
            failure=(bad.code, bad.message) if bad else None,
            logs=((2.0, "Creating the control plane"), (420.0, "The Kubernetes API is answering")),
        ),
    )
    record.body["metadata"] = {
        "timeCreated": tenancy.registry.stamp(),
        "createdByUserId": call.user,
        "createdByWorkRequestId": work.id,
    }
    tenancy.registry.save(record)
    return Answer(status=202, headers={"opc-work-request-id": work.id}, made=("cluster", record.id))


def _full(body: Body) -> Body:
    options: Body = {**(body.get("options") or {})}
    network = options.get("kubernetesNetworkConfig") or {}
    options["kubernetesNetworkConfig"] = {
        "podsCidr": network.get("podsCidr") or _PODS,
        "servicesCidr": network.get("servicesCidr") or _SERVICES,
    }
    return {
        "freeformTags": {},
        "definedTags": {},
        "type": "BASIC_CLUSTER",
        "imagePolicyConfig": {"isPolicyEnabled": False, "keyDetails": []},
        **body,
        "options": options,
    }


def _check_new(tenancy: Tenancy, body: Body) -> None:
    refuse_unknown(body, _ACCEPTED)
    for name in ("name", "compartmentId", "vcnId", "kubernetesVersion", "endpointConfig"):
        if not body.get(name):
            raise missing(name)
    check_tags(body)
    tenancy.require_compartment(body["compartmentId"])
    vcn = require_related(tenancy, "vcn", body["vcnId"])
    if body["kubernetesVersion"] not in VERSIONS:
        raise invalid(f"Invalid kubernetesVersion: {body['kubernetesVersion']}.")
    if body.get("type", "BASIC_CLUSTER") not in _TYPES:
        raise invalid(f"Invalid type: {body['type']}.")
    endpoint = body["endpointConfig"]
    if not endpoint.get("subnetId"):
        raise missing("endpointConfig.subnetId")
    lb_subnets = (body.get("options") or {}).get("serviceLbSubnetIds") or []
    for subnet in (endpoint["subnetId"], *lb_subnets):
        _require_subnet(tenancy, subnet, vcn.id)
    for group in endpoint.get("nsgIds") or []:
        require_related(tenancy, "networksecuritygroup", group)
    _check_endpoint(tenancy, endpoint)
    _check_blocks(body, vcn)


def _require_subnet(tenancy: Tenancy, ocid: str, vcn: str) -> None:
    subnet = require_related(tenancy, "subnet", ocid)
    if subnet.body["vcnId"] != vcn:
        raise invalid(f"The subnet {ocid} is not in the VCN {vcn}.")


def _check_endpoint(tenancy: Tenancy, endpoint: Body) -> None:
    subnet = tenancy.registry.find("subnet", endpoint["subnetId"])
    if endpoint.get("isPublicIpEnabled") and subnet.body["prohibitPublicIpOnVnic"]:
        raise invalid(f"The subnet {subnet.id} prohibits public IPs; the endpoint wants one.")


def _check_blocks(body: Body, vcn: Record) -> None:
    """Pods and services must be clear of the network and of each other."""
    given: dict[str, Any] = (body.get("options") or {}).get("kubernetesNetworkConfig") or {}
    pods = network_between(given.get("podsCidr") or _PODS, 8, 28)
    services = network_between(given.get("servicesCidr") or _SERVICES, 8, 28)
    if pods.overlaps(services):
        raise invalid("podsCidr and servicesCidr overlap.")
    for block in vcn.body["cidrBlocks"]:
        for other in (pods, services):
            if IPv4Network(block).overlaps(other):
                raise invalid(f"The CIDR {other} overlaps with the VCN's CIDR {block}.")


def state_of(tenancy: Tenancy, record: Record) -> str:
    """The cluster's state; ACTIVE only once its Kubernetes can really be reached."""
    state = tenancy.registry.state(record)
    if state == "ACTIVE" and not tenancy.can_be_reached(record.id):
        return "CREATING"
    return state


def _view(tenancy: Tenancy, record: Record) -> Body:
    state = state_of(tenancy, record)
    address = tenancy.address_of(record.id)
    endpoints: Body = {}
    if state not in ("CREATING", "DELETED", "FAILED"):
        endpoints["privateEndpoint"] = f"{record.notes['private']}:6443"
        if record.body["endpointConfig"].get("isPublicIpEnabled"):
            public = urlsplit(address.url).netloc if address else "127.0.0.1:6443"
            endpoints["publicEndpoint"] = endpoints["kubernetes"] = public
    return {
        **record.body,
        "id": record.id,
        "lifecycleState": state,
        "lifecycleDetails": record.notes.get("trouble", "") if state == "FAILED" else "",
        "endpoints": endpoints,
        "availableKubernetesUpgrades": upgrades_from(record.body["kubernetesVersion"]),
    }


def _get(tenancy: Tenancy, call: Call) -> Answer:
    record = tenancy.registry.find("cluster", call.path["id"])
    return Answer(body=_view(tenancy, record), headers={"etag": record.etag})


def _list(tenancy: Tenancy, call: Call) -> Answer:
    records = tenancy.in_compartment("cluster", call.needed("compartmentId"))
    views = [_view(tenancy, record) for record in records]
    return page_of(call, in_order(call, matching(call, views, "name", "lifecycleState")))


def require_active(tenancy: Tenancy, ocid: str) -> Record:
    """The cluster, if it is ACTIVE; raises Refused 404 or 409."""
    record = tenancy.registry.find("cluster", ocid)
    state = state_of(tenancy, record)
    if state == "DELETED":
        raise not_found(ocid)
    if state != "ACTIVE":
        raise incorrect_state(ocid, state)
    return record


def _update(tenancy: Tenancy, call: Call) -> Answer:
    record = require_active(tenancy, call.path["id"])
    check_etag(call, record)
    work_requests.require_idle(tenancy, record.id)
    body = call.body
    refuse_unknown(body, _CHANGEABLE)
    check_tags(body)
    version = body.get("kubernetesVersion", record.body["kubernetesVersion"])
    current = record.body["kubernetesVersion"]
    if version != current and version not in upgrades_from(current):
        raise invalid(f"Invalid kubernetesVersion: {version}; the cluster has {current}.")
    options = {**record.body["options"], **(body.get("options") or {})}
    record.body = {**record.body, **body, "options": options}
    record.pass_through(tenancy.now, ("UPDATING", 0.0), ("ACTIVE", _UPDATING_SECONDS))
    tenancy.registry.save(record)
    return _begin(tenancy, "CLUSTER_UPDATE", record, _UPDATING_SECONDS)


def _begin(tenancy: Tenancy, operation: str, record: Record, seconds: float) -> Answer:
    compartment = record.body["compartmentId"]
    work = work_requests.begin(tenancy, Work(operation, compartment, "cluster", record.id, seconds))
    return Answer(status=202, headers={"opc-work-request-id": work.id})


def _delete(tenancy: Tenancy, call: Call) -> Answer:
    """Takes the pools and their machines along; volumes and balancers stay."""
    record = tenancy.registry.find_living("cluster", call.path["id"])
    check_etag(call, record)
    pools = tenancy.registry.living("nodepool", lambda r: r.body["clusterId"] == record.id)
    work_requests.cancel_all(tenancy, (record.id, *(pool.id for pool in pools)))
    for pool in pools:
        remove_pool(tenancy, pool)
    record.pass_through(tenancy.now, ("DELETING", 0.0), ("DELETED", _DELETING_SECONDS))
    tenancy.registry.save(record)
    remove_cards(tenancy, record.id, _DELETING_SECONDS)
    return _begin(tenancy, "CLUSTER_DELETE", record, _DELETING_SECONDS)


def _kubeconfig(tenancy: Tenancy, call: Call) -> Answer:
    record = require_active(tenancy, call.path["id"])
    body = call.body
    if body.get("tokenVersion", "2.0.0") != "2.0.0":
        raise invalid("tokenVersion must be 2.0.0.")
    if body.get("endpoint", "PUBLIC_ENDPOINT") not in ("PUBLIC_ENDPOINT", "PRIVATE_ENDPOINT"):
        raise invalid("endpoint must be PUBLIC_ENDPOINT or PRIVATE_ENDPOINT.")
    text = kubeconfig(record.id, tenancy.address_of(record.id), tenancy.identity.region.name)
    return Answer(body=text.encode(), content_type="application/x-yaml")


_ONE = f"{_PATH}/clusters/{{id}}"

ROUTES: tuple[Route, ...] = (
    Route("GET", f"{_PATH}/clusterOptions/{{id}}", "GetClusterOptions", _options),
    Route("GET", f"{_PATH}/nodePoolOptions/{{id}}", "GetNodePoolOptions", _pool_options),
    Route("POST", f"{_PATH}/clusters", "CreateCluster", _create),
    Route("GET", _ONE, "GetCluster", _get),
    Route("GET", f"{_PATH}/clusters", "ListClusters", _list),
    Route("PUT", _ONE, "UpdateCluster", _update),
    Route("DELETE", _ONE, "DeleteCluster", _delete),
    Route("POST", f"{_ONE}/kubeconfig/content", "CreateKubeconfig", _kubeconfig),
)
