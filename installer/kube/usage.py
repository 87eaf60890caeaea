"""What nodes use of what they allot to pods, where somebody measures it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from installer.engine.errors import InstallError
from installer.kube.faults import Refusal, as_error
from installer.kube.nodes import is_ready
from installer.kube.objects import Document, at
from installer.kube.quantities import milli, whole
from installer.kube.reading import Reading
from installer.kube.wire import Request

Body = Mapping[str, Any]
_FIGURES = "/apis/metrics.k8s.io/v1beta1/nodes"
_NOBODY = (
    "Nobody measures what nodes use, since nothing serves metrics.k8s.io here; "
    "modules.metrics-server.enabled: true brings a server that does."
)


@dataclass(frozen=True)
class NodeUse:
    """One node: CPU in thousandths and memory in bytes, used and allotted; `used_` None where
    there is no figure."""

    name: str
    ready: bool
    cpu_milli: int
    memory_bytes: int
    used_cpu: int | None = None
    used_memory: int | None = None


@dataclass(frozen=True)
class NodesUse:
    """The nodes by name, and a sentence where their use is not known."""

    nodes: tuple[NodeUse, ...] = ()
    unknown: str = ""


async def use_of_nodes(reading: Reading) -> NodesUse:
    """Two requests side by side; whatever is not told becomes a sentence."""
    nodes, figures = await asyncio.gather(_nodes(reading), _figures(reading))
    if isinstance(nodes, str):
        return NodesUse(unknown=nodes)
    if isinstance(figures, str):
        return NodesUse(_used(nodes, []), figures)
    return NodesUse(_used(nodes, figures))


async def _nodes(reading: Reading) -> list[Document] | str:
    try:
        return await reading.all_of("v1", "Node")
    except InstallError as error:
        return f"The nodes are not known. {error.what} {error.why}"


async def _figures(reading: Reading) -> list[Document] | str:
    # Asked without discovery and once: where nobody serves it, every look would have to wait.
    request = Request("GET", _FIGURES, "read what nodes use", patient=False)
    try:
        answer = await reading.wire.attempt(request)
    except Refusal as refusal:
        return _unknown(refusal)
    except InstallError as error:
        return f"What nodes use is not known. {error.what} {error.why}"
    return list(answer.get("items") or [])


def _unknown(refusal: Refusal) -> str:
    if refusal.status == 404:
        return _NOBODY
    error = as_error(refusal, "read what nodes use")
    if refusal.is_worth_repeating:
        said = "What nodes use is not known: whoever measures it does not answer."
        return f"{said} {error.why} Look with: kubectl get apiservices v1beta1.metrics.k8s.io"
    return f"What nodes use is not known. {error.what} {error.why}"


def _used(nodes: Sequence[Body], figures: Sequence[Body]) -> tuple[NodeUse, ...]:
    usage = {at(each, "metadata", "name"): at(each, "usage", default={}) for each in figures}
    ordered = sorted(nodes, key=lambda node: str(node["metadata"]["name"]))
    return tuple(_use(node, usage.get(node["metadata"]["name"], {})) for node in ordered)


def _use(node: Body, usage: Body) -> NodeUse:
    offered = at(node, "status", "allocatable", default={})
    cpu, memory = usage.get("cpu"), usage.get("memory")
    return NodeUse(
        name=str(node["metadata"]["name"]),
        ready=is_ready(node),
        cpu_milli=milli(offered.get("cpu", 0)),
        memory_bytes=whole(offered.get("memory", 0)),
        used_cpu=None if cpu is None else milli(cpu),
        used_memory=None if memory is None else whole(memory),
    )
