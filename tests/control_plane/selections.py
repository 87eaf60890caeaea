"""Random selections of workloads and nodes, and the pods that their controllers would make."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from installer.budget.room import LiveNode, Room, envelope_from_nodes
from installer.budget.rules import Taint
from installer.modules.pinning import PLACE_LABEL
from installer.modules.stamping import pod_template
from installer.plan import Plan
from tests.budget.pieces import Piece
from tests.control_plane.platform_cases import pieces_of, platform_plan

MIB = 2**20
CASE_LABEL = "health-install-test/case"
GROUPS = ("red", "blue")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


@dataclass(frozen=True)
class Selection:
    """Nodes and workloads of one case; `claims` by namespace and name.

    `plan` is the one it comes from, where it is a choice of our own modules.
    """

    number: int
    nodes: tuple[LiveNode, ...]
    pieces: tuple[Piece, ...]
    claims: tuple[tuple[str, str], ...] = field(default=())
    plan: Plan | None = None

    @property
    def namespaces(self) -> tuple[str, ...]:
        """All namespaces that anything of it is in."""
        return tuple(sorted({piece.body["metadata"]["namespace"] for piece in self.pieces}))

    @property
    def room(self) -> Room:
        """The nodes as the budget sees them."""
        return envelope_from_nodes(self.nodes).room


def selection(number: int, seed: int) -> Selection:
    """The case of that number, always the same for one seed.

    Every other one is a choice of our modules and options; the rest are made up, and have in plenty
    what our modules have rarely or not yet.
    """
    dice = random.Random(f"{seed}-{number}")
    return _of_the_platform(dice, number) if number % 2 else _made_up(dice, number)


def _of_the_platform(dice: random.Random, number: int) -> Selection:
    # Little enough that about half of the choices fit.
    nodes = tuple(
        replace(
            _node(dice, number, at),
            cpu_milli=dice.choice([400, 840, 840, 1830]),
            memory_bytes=dice.choice([2, 4, 4, 9]) * 1024 * MIB,
        )
        for at in range(1, dice.randint(1, 4) + 1)
    )
    plan = platform_plan(dice, nodes)
    pieces = pieces_of(plan, f"case-{number}", {CASE_LABEL: str(number)})
    claims = tuple(
        (piece.body["metadata"]["namespace"], piece.body["metadata"]["name"])
        for piece in pieces
        if piece.body["kind"] == "PersistentVolumeClaim"
    )
    return Selection(number, nodes, pieces, claims, plan)


def _made_up(dice: random.Random, number: int) -> Selection:
    nodes = tuple(_node(dice, number, at) for at in range(1, dice.randint(1, 4) + 1))
    free = sum(node.cpu_milli for node in nodes)
    claims = tuple(f"data-{at}" for at in range(dice.choice([0, 1, 2])))
    asked = 0
    pieces: list[Piece] = []
    goal = free * dice.uniform(0.2, 0.9)
    while asked < goal and len(pieces) < 14:
        piece, cpu = _workload(dice, number, len(pieces), claims, free // len(nodes))
        pieces.append(piece)
        asked += cpu
    if dice.random() < 0.4:
        pieces.append(_agent(dice, number))
    if dice.random() < 0.5:
        pieces.append(_job(dice, number, claims))
    space = f"case-{number}"
    return Selection(number, nodes, tuple(pieces), tuple((space, name) for name in claims))


def _node(dice: random.Random, number: int, at: int) -> LiveNode:
    name = f"case-{number}-node-{at}"
    disk = "fast" if at == 1 else dice.choice(["fast", "slow"])
    labels = {CASE_LABEL: str(number), PLACE_LABEL: name, "disk": disk}
    special = at > 1 and dice.random() < 0.15
    taints = (Taint("only", "special", "NoSchedule"),) if special else ()
    return LiveNode(
        name,
        cpu_milli=dice.choice([840, 1830, 1830, 3815]),
        memory_bytes=dice.choice([4, 9, 9, 19]) * 1024 * MIB,
        pods=dice.choice([6, 10, 110, 110, 110, 110]),
        labels=labels,
        taints=taints,
    )


def _workload(
    dice: random.Random, number: int, at: int, claims: tuple[str, ...], node: int
) -> tuple[Piece, int]:
    name = f"w{at}"
    replicas = dice.choice([1, 1, 1, 1, 1, 2, 2, 3])
    cpu = dice.choice([0, 50, 100, 250, dice.randint(1, max(2, node // 3))])
    spec = _pod_spec(dice, cpu)
    labels = {"app": name, "group": dice.choice(GROUPS)}
    _rules(dice, spec, labels)
    if claims and dice.random() < 0.3:
        _mount(spec, labels, dice.choice(claims))
    kind = dice.choice(["Deployment", "Deployment", "StatefulSet"])
    body: dict[str, Any] = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}}
    if kind == "Deployment" and dice.random() < 0.7:
        body["strategy"] = {"type": "Recreate"}
    return _piece(kind, number, name, labels, spec, body), cpu * replicas


def _agent(dice: random.Random, number: int) -> Piece:
    spec = _pod_spec(dice, dice.choice([10, 50, 100]))
    if dice.random() < 0.5:
        spec["tolerations"] = [{"operator": "Exists"}]
    selector = {"selector": {"matchLabels": {"app": "agent"}}}
    return _piece("DaemonSet", number, "agent", {"app": "agent"}, spec, selector)


def _job(dice: random.Random, number: int, claims: tuple[str, ...]) -> Piece:
    spec = _pod_spec(dice, dice.choice([50, 200, 600]))
    labels = {"app": "job"}
    if claims and dice.random() < 0.5:
        _mount(spec, labels, dice.choice(claims))
    return _piece("Job", number, "job-0123456789", labels, spec, {})


def _piece(
    kind: str,
    number: int,
    name: str,
    labels: Mapping[str, str],
    spec: dict[str, Any],
    more: Mapping[str, Any],
) -> Piece:
    # Every case has the cluster to itself: no other case's nodes carry its number.
    spec["nodeSelector"] = {**spec.get("nodeSelector", {}), CASE_LABEL: str(number)}
    template = {"metadata": {"labels": dict(labels)}, "spec": spec}
    metadata = {"name": name, "namespace": f"case-{number}"}
    body = {"kind": kind, "metadata": metadata, "spec": {"template": template, **more}}
    return Piece("made-up", f"{name}.yaml.j2", body)


def _pod_spec(dice: random.Random, cpu: int) -> dict[str, Any]:
    memory = dice.choice([0, 64, 64, 256, 256, 512, 1024, 2500])
    spec: dict[str, Any] = {"containers": [_container("main", cpu, memory)]}
    starting = []
    if dice.random() < 0.25:
        starting.append(_container("prepare", cpu + dice.choice([-40, 60, 200]), memory // 2))
    if dice.random() < 0.2:
        starting.append({**_container("beside", 30, 32), "restartPolicy": "Always"})
    if dice.random() < 0.15:
        starting.append(_container("check", dice.choice([20, 150]), 16))
    if starting:
        spec["initContainers"] = starting
    return spec


def _container(name: str, cpu: int, memory: int) -> dict[str, Any]:
    requests = {"cpu": f"{max(0, cpu)}m", "memory": f"{memory}Mi"}
    kept = {key: value for key, value in requests.items() if value[0] != "0"}
    return {"name": name, "image": "nothing.example/none", "resources": {"requests": kept}}


def _rules(dice: random.Random, spec: dict[str, Any], labels: Mapping[str, str]) -> None:
    if dice.random() < 0.035:
        group = labels["app"] if dice.random() < 0.85 else dice.choice(GROUPS)
        key = "app" if group == labels["app"] else "group"
        term = {
            "labelSelector": {"matchLabels": {key: group}},
            "topologyKey": "kubernetes.io/hostname",
        }
        spec["affinity"] = {"podAntiAffinity": {_REQUIRED: [term]}}
    if dice.random() < 0.12:
        spec["nodeSelector"] = {"disk": dice.choice(["fast", "fast", "fast", "slow"])}
    if dice.random() < 0.25:
        spec["tolerations"] = [{"key": "only", "operator": "Exists", "effect": "NoSchedule"}]
    if dice.random() < 0.03:
        spec["containers"][0]["ports"] = [{"containerPort": 80, "hostPort": 8000}]


def _mount(spec: dict[str, Any], labels: dict[str, str], claim: str) -> None:
    """A shared volume, with the company that the renderer writes into such pods."""
    spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
    label = f"health-install/volume-{claim}"
    labels[label] = "shared"
    term = {
        "labelSelector": {"matchLabels": {label: "shared"}},
        "topologyKey": "kubernetes.io/hostname",
    }
    spec.setdefault("affinity", {})["podAffinity"] = {_REQUIRED: [term]}


def pods(body: Mapping[str, Any], count: int, prefix: str = "") -> list[dict[str, Any]]:
    """So many pods of an object's template, as its controller would make them."""
    template = pod_template(body) or {}
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{prefix}{body['metadata']['name']}-{at}",
                "namespace": body["metadata"]["namespace"],
                "labels": dict(template["metadata"]["labels"]),
            },
            "spec": copy.deepcopy(template["spec"]),
        }
        for at in range(count)
    ]


def agent_pod(body: Mapping[str, Any], node: LiveNode) -> dict[str, Any]:
    """A DaemonSet's pod for one node, as the DaemonSet controller writes it."""
    (pod,) = pods(body, 1)
    pod["metadata"]["name"] = f"{body['metadata']['name']}-{node.name}"
    affinity = pod["spec"].setdefault("affinity", {})
    field_is = {"key": "metadata.name", "operator": "In", "values": [node.name]}
    affinity["nodeAffinity"] = {_REQUIRED: {"nodeSelectorTerms": [{"matchFields": [field_is]}]}}
    return pod
