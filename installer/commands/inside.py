"""What `status` says of pods, volumes and nodes."""

from __future__ import annotations

from collections.abc import Iterator

from installer.kube.contents import ClaimSeen, Contents, PodsOfModule
from installer.kube.usage import NodeUse

_GIB = 2**30


def inside_lines(seen: Contents, *, rehearsed: bool = False) -> Iterator[str]:
    """Pods by module, each volume, each node; a part of which there is nothing is left out."""
    for words in seen.unread:
        yield f"Not all could be read: {words}"
    if seen.pods:
        yield "Pods"
        for each in seen.pods:
            yield from _module(each)
    if seen.claims:
        yield "Volumes"
        for claim in seen.claims:
            yield f"  {_claim(claim)}"
    measured = not seen.nodes.unknown
    if seen.nodes.nodes or not measured:
        # Nothing runs in a rehearsal, and its figures must not pass for measured ones.
        made_up = rehearsed and measured
        yield "Nodes, said to use what their pods ask for" if made_up else "Nodes"
    for node in seen.nodes.nodes:
        yield f"  {_node(node, measured=measured)}"
    if seen.nodes.unknown:
        yield f"  {seen.nodes.unknown}"


def _module(each: PodsOfModule) -> Iterator[str]:
    pods = "pod" if each.wanted == 1 else "pods"
    count = f"{each.ready} of {each.wanted} {pods} ready" if each.wanted else "no pod runs"
    yield f"  {each.module}: {count}"
    for pod in each.troubled:
        yield f"    {pod.namespace}: {pod.words}"


def _claim(claim: ClaimSeen) -> str:
    line = f"{claim.namespace}/{claim.name}, {_gib(claim.size_bytes)} GiB"
    return f"{line}, {claim.words}" if claim.words else line


def _node(node: NodeUse, *, measured: bool) -> str:
    line = f"{node.name}{'' if node.ready else ' (not ready)'}: "
    if node.used_cpu is None or node.used_memory is None:
        room = (
            f"{node.cpu_milli / 1000:.2f} CPU and {_gib(node.memory_bytes)} GiB of memory for pods"
        )
        return line + room + (", use not measured yet" if measured else "")
    cpu = f"CPU {node.used_cpu / 1000:.2f} of {node.cpu_milli / 1000:.2f}"
    memory = f"memory {_gib(node.used_memory)} of {_gib(node.memory_bytes)} GiB"
    return (
        f"{line}{cpu}{_share(node.used_cpu, node.cpu_milli)}, "
        f"{memory}{_share(node.used_memory, node.memory_bytes)}"
    )


def _share(used: int, whole: int) -> str:
    """In per cent, where there is a whole: a node that only begins allots nothing yet."""
    return f" ({100 * used / whole:.0f} %)" if whole else ""


def _gib(amount: int) -> str:
    """With one digit behind the point where there is something to say by it."""
    return f"{amount / _GIB:.1f}".removesuffix(".0")
