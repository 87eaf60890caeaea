"""Node pools and their machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from installer.oracle.account import Account
from installer.oracle.images import Image
from installer.oracle.placement import Placement
from installer.oracle.resource import Life, Resource, Started, life_of
from installer.oracle.sdk import models, part
from installer.oracle.wanted import NodePlan

# The old metadata service lets any pod that can send a request read the machine's identity.
NO_OLD_METADATA = {"areLegacyImdsEndpointsDisabled": "true"}
_PROCESSORS = {"A1": "AARCH64", "A2": "AARCH64", "A4": "AARCH64"}


@dataclass(frozen=True)
class Node:
    """One machine of a pool; `trouble` is Oracle's sentence when it failed."""

    id: str
    name: str
    state: str
    trouble: str = ""
    version: str = ""

    @property
    def life(self) -> Life:
        """Where in its life it is."""
        return Life.BROKEN if self.trouble or self.state == "FAILING" else life_of(self.state)


@dataclass(frozen=True)
class NodePool(Resource):
    """A pool with what we compare, and its machines when it was read by id.

    New machines go to the availability domain `domain`.
    """

    version: str = ""
    size: int = 0
    ocpus: float = 0.0
    memory_gb: float = 0.0
    boot_gb: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    ssh_public_key: str = ""
    domain: str = ""
    nodes: tuple[Node, ...] = ()

    @property
    def life(self) -> Life:
        """A pool of failed machines has failed, although Oracle calls it NEEDS_ATTENTION."""
        alive = self.count(Life.THERE) + self.count(Life.COMING)
        failed = bool(self.count(Life.BROKEN)) and not alive
        known = life_of(self.state)
        return Life.BROKEN if failed and known in (Life.THERE, Life.COMING) else known

    def count(self, life: Life) -> int:
        """How many machines are in that part of their life."""
        return sum(1 for node in self.nodes if node.life is life)


@dataclass(frozen=True)
class NodePoolWanted:
    """What a pool is to be; ids are OCIDs."""

    compartment: str
    cluster: str
    name: str
    version: str
    image: Image
    subnet: str
    place: Placement
    plan: NodePlan
    tags: Mapping[str, str]
    groups: tuple[str, ...] = ()


class NodePools:
    """Node pools of one account's region."""

    def __init__(self, account: Account) -> None:
        self._clients = account.clients

    @property
    def _client(self) -> Any:
        return self._clients.client("clusters")

    def images(self, compartment: str, version: str, shape: str) -> list[Image]:
        """Images offered for a shape's processor and a Kubernetes version."""
        answer = self._clients.ask(
            "reading the node images on offer",
            lambda: self._client.get_node_pool_options(
                "all",
                compartment_id=compartment,
                node_pool_os_arch=processor_of(shape),
                node_pool_k8s_version=version,
            ),
        )
        return [
            Image(str(each.image_id), str(each.source_name))
            for each in answer.data.sources or ()
            if getattr(each, "image_id", None)
        ]

    def get(self, pool_id: str) -> NodePool | None:
        """One pool with its machines; None when absent."""
        found = self._clients.find(
            "reading the node pool", lambda: self._client.get_node_pool(pool_id)
        )
        return _pool(found.data) if found else None

    def named(self, compartment: str, cluster: str, name: str) -> list[NodePool]:
        """Those of that name in a cluster that are not gone; without their machines."""
        found = self._clients.all(
            "looking for the node pool",
            self._client.list_node_pools,
            compartment,
            cluster_id=cluster,
            name=name,
        )
        return [each for each in map(_pool, found) if each.life is not Life.GONE]

    def create(self, wanted: NodePoolWanted, retry_token: str) -> Started:
        """Begin a pool, asking once; the work request knows its id soon after.

        Repeats are the caller's: an attempt at a machine that is made quickly again and again by
        the SDK gets an account throttled.
        """
        details = _details(wanted)
        once = part("retry").NoneRetryStrategy()
        answer = self._clients.ask(
            f"creating the node pool {wanted.name}",
            lambda: self._client.create_node_pool(
                details, opc_retry_token=retry_token, retry_strategy=once
            ),
        )
        return Started(work_request=str(answer.headers.get("opc-work-request-id") or ""))

    def change(
        self,
        pool_id: str,
        plan: NodePlan,
        labels: Mapping[str, str],
        newer: tuple[str, Image] | None = None,
    ) -> str:
        """Give a pool its size, shape, labels and key again; the work request's id.

        Machines that exist keep their shape, labels and version; only new ones get what is said
        here. `newer` is another version of Kubernetes with its image.
        """
        engine = models("container_engine")
        details = engine.UpdateNodePoolDetails(
            node_config_details=engine.UpdateNodePoolNodeConfigDetails(size=plan.nodes),
            node_shape=plan.shape,
            node_shape_config=engine.UpdateNodeShapeConfigDetails(
                ocpus=plan.ocpus, memory_in_gbs=plan.memory_gb
            ),
            initial_node_labels=_labels(labels),
            node_metadata=NO_OLD_METADATA,
            ssh_public_key=plan.ssh_public_key or None,
        )
        if newer is not None:
            details.kubernetes_version = newer[0]
            details.node_source_details = engine.NodeSourceViaImageDetails(
                image_id=newer[1].id, boot_volume_size_in_gbs=plan.boot_gb
            )
        answer = self._clients.ask(
            "changing the node pool", lambda: self._client.update_node_pool(pool_id, details)
        )
        return str(answer.headers.get("opc-work-request-id") or "")

    def let_go(self, pool_id: str, node_id: str) -> str:
        """End one machine, its pool being one smaller then; the work request's id.

        Never the pool's own replacement: that may come before the old one is gone, and a month of
        the free allowance has room for six hours of a second machine.
        """
        answer = self._clients.ask(
            "ending a machine",
            lambda: self._client.delete_node(pool_id, node_id, is_decrement_size=True),
        )
        return str(answer.headers.get("opc-work-request-id") or "")

    def delete(self, pool_id: str) -> str:
        """Ask for its removal, machines included; the work request's id, "" when it is gone."""
        answer = self._clients.find(
            "removing the node pool", lambda: self._client.delete_node_pool(pool_id)
        )
        return str(answer.headers.get("opc-work-request-id") or "") if answer else ""


def processor_of(shape: str) -> str:
    """AARCH64 or X86_64, as node pool options call them, from a shape's name."""
    family = shape.split(".")[2] if shape.count(".") >= 2 else ""
    return _PROCESSORS.get(family, "X86_64")


def _details(wanted: NodePoolWanted) -> Any:
    engine = models("container_engine")
    place, plan = wanted.place, wanted.plan
    placement = engine.NodePoolPlacementConfigDetails(
        availability_domain=place.availability_domain,
        subnet_id=wanted.subnet,
        fault_domains=[place.fault_domain] if place.fault_domain else None,
    )
    return engine.CreateNodePoolDetails(
        compartment_id=wanted.compartment,
        cluster_id=wanted.cluster,
        name=wanted.name,
        kubernetes_version=wanted.version,
        node_shape=plan.shape,
        node_shape_config=engine.CreateNodeShapeConfigDetails(
            ocpus=plan.ocpus, memory_in_gbs=plan.memory_gb
        ),
        node_source_details=engine.NodeSourceViaImageDetails(
            image_id=wanted.image.id, boot_volume_size_in_gbs=plan.boot_gb
        ),
        node_config_details=engine.CreateNodePoolNodeConfigDetails(
            size=plan.nodes,
            placement_configs=[placement],
            nsg_ids=list(wanted.groups) or None,
            freeform_tags=dict(wanted.tags),
        ),
        node_metadata=NO_OLD_METADATA,
        initial_node_labels=_labels(plan.labels),
        ssh_public_key=plan.ssh_public_key or None,
        freeform_tags=dict(wanted.tags),
    )


def _labels(labels: Mapping[str, str]) -> list[Any]:
    engine = models("container_engine")
    return [engine.KeyValue(key=key, value=labels[key]) for key in sorted(labels)]


def _pool(model: Any) -> NodePool:
    """From a pool or from a list's summary, which has neither machines nor metadata."""
    config = model.node_config_details
    shape = model.node_shape_config
    source = model.node_source_details
    return NodePool(
        id=str(model.id),
        name=str(model.name),
        state=str(model.lifecycle_state),
        tags=dict(model.freeform_tags or {}),
        details=str(model.lifecycle_details or ""),
        version=str(model.kubernetes_version or ""),
        size=int(config.size or 0) if config else 0,
        ocpus=float(shape.ocpus or 0) if shape else 0.0,
        memory_gb=float(shape.memory_in_gbs or 0) if shape else 0.0,
        boot_gb=int(getattr(source, "boot_volume_size_in_gbs", None) or 0),
        labels={each.key: each.value for each in model.initial_node_labels or ()},
        metadata=dict(getattr(model, "node_metadata", None) or {}),
        ssh_public_key=str(model.ssh_public_key or ""),
        domain=_domain(config),
        nodes=tuple(_node(each) for each in getattr(model, "nodes", None) or ()),
    )


def _domain(config: Any) -> str:
    places = (config.placement_configs if config else None) or ()
    return next((str(each.availability_domain or "") for each in places), "")


def _node(model: Any) -> Node:
    error = model.node_error
    return Node(
        id=str(model.id or ""),
        name=str(model.name or ""),
        state=str(model.lifecycle_state or ""),
        trouble=f"{error.code}: {error.message}" if error and error.message else "",
        version=str(model.kubernetes_version or ""),
    )
