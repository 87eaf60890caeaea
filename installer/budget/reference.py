"""The reference's own sizes, planned: what its report states, and what is true.

Its workloads are made into manifests and go through the same reckoning as ours: the scheduler's
rule, the storage driver's rule, the free allowance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import Field

from installer.budget.demand import Demand, measure
from installer.budget.envelope import Envelope
from installer.budget.quantities import GIB, milli, show_bytes, show_cpu, whole
from installer.budget.room import NodeShape
from installer.budget.storage import plan_volumes
from installer.budget.verdict import Verdict, judge
from installer.modules.claims import Claim, VolumePlan
from installer.modules.closed import Closed, read_closed

REFERENCE = "reference-2025"

Counted = Literal["stated", "deployed", "everything"]
_ORDER: tuple[Counted, ...] = ("stated", "deployed", "everything")


class Sizes(Closed):
    """Kubernetes quantities, as stated."""

    cpu: str
    memory: str
    storage: str


class ReferenceNodes(Closed):
    """Machines of one shape."""

    ocpus: int
    memory_gb: int
    count: int


class ReferenceWorkload(Closed):
    """Requests of one pod. `counted` is the first of the reference's sums that has it."""

    name: str
    cpu: str
    memory: str
    replicas: int = 1
    per_node: bool = False
    counted: Counted = "stated"


class ReferenceClaim(Closed):
    """A volume of its own."""

    name: str
    size: str


class ReferencePart(Closed):
    """One of the reference's modules."""

    name: str
    title: str
    stated: Sizes
    workloads: tuple[ReferenceWorkload, ...]
    claims: tuple[ReferenceClaim, ...]


class ReferenceOption(Closed):
    """A way out that the report offers, with the result it promises."""

    name: str
    title: str
    stated: str
    without: tuple[str, ...] = ()
    claims: dict[str, str] = Field(default_factory=dict)
    one_replica: bool = False
    percent: int = 100


class Reference(Closed):
    """`assets/limits/reference-2025.yaml`."""

    kind: Literal["reference"]
    name: str
    title: str
    as_of: date
    source: str
    nodes: tuple[ReferenceNodes, ...]
    stated: Sizes
    limits: Sizes
    parts: tuple[ReferencePart, ...]
    options: tuple[ReferenceOption, ...]

    @property
    def shapes(self) -> tuple[NodeShape, ...]:
        """Its machines."""
        return tuple(NodeShape(n.ocpus, n.memory_gb, count=n.count) for n in self.nodes)

    @property
    def machines(self) -> int:
        """How many of them."""
        return sum(node.count for node in self.nodes)


@lru_cache(maxsize=1)
def load_reference() -> Reference:
    """The sizes from their file. Raises ModulesInvalid when it is wrong."""
    name = f"{REFERENCE}.yaml"
    return read_closed(Reference, files("assets").joinpath("limits", name), f"assets/limits/{name}")


@dataclass(frozen=True)
class Reckoning:
    """One sum: requests, asked and billed storage, and the verdict on it."""

    cpu_milli: int
    memory_bytes: int
    asked_gib: int
    billed_gb: int
    verdict: Verdict = field(repr=False)

    def words(self, reference: Reference) -> str:
        """For people, with shares of what the reference counts as its limits."""
        limits = reference.limits
        cpu = _percent(self.cpu_milli, milli(limits.cpu))
        memory = _percent(self.memory_bytes, whole(limits.memory))
        asked = _percent(self.asked_gib, whole(limits.storage) // GIB)
        billed = _percent(self.billed_gb, whole(limits.storage) // GIB)
        return (
            f"CPU {show_cpu(self.cpu_milli)} ({cpu}),"
            f" memory {show_bytes(self.memory_bytes, up=True)} ({memory}),"
            f" storage {self.asked_gib} GiB ({asked}),"
            f" billed with boot volumes {self.billed_gb} GB ({billed})"
        )


def reckon(
    reference: Reference,
    envelope: Envelope,
    counted: Counted = "stated",
    parts: Sequence[str] = (),
    option: ReferenceOption | None = None,
) -> Reckoning:
    """Plan these parts (all when none is named), as the reference counted or deploys them."""
    chosen = [part for part in reference.parts if not parts or part.name in parts]
    demand = measure(_objects(chosen, counted, option))
    claims = [claim for part in chosen for claim in _claims(part, option)]
    floor = envelope.nodes.volume.floor_gib
    volumes = plan_volumes(claims, sharing=False, floor_gib=floor)
    running = demand.running(reference.machines)
    return Reckoning(
        running.cpu_milli,
        running.memory_bytes,
        sum(claim.size_bytes for claim in claims) // GIB,
        _billed(volumes, reference),
        _judged(demand, volumes, reference, envelope),
    )


def _billed(volumes: VolumePlan, reference: Reference) -> int:
    boot = sum(shape.boot_volume_gb * shape.count for shape in reference.shapes)
    return boot + sum(volume.size_gib for volume in volumes.volumes)


def _judged(
    demand: Demand, volumes: VolumePlan, reference: Reference, envelope: Envelope
) -> Verdict:
    return judge(demand, volumes, reference.shapes, envelope)


@dataclass(frozen=True)
class _Object:
    module: str
    source: str
    body: Mapping[str, Any]


def _objects(
    parts: Sequence[ReferencePart], counted: Counted, option: ReferenceOption | None
) -> list[_Object]:
    included = _ORDER[: _ORDER.index(counted) + 1]
    left_out = option.without if option else ()
    return [
        _Object(part.name, f"assets/limits/{REFERENCE}.yaml", _body(load, option))
        for part in parts
        for load in part.workloads
        if load.counted in included and load.name not in left_out
    ]


def _body(load: ReferenceWorkload, option: ReferenceOption | None) -> dict[str, Any]:
    percent = option.percent if option else 100
    requests = {
        "cpu": f"{milli(load.cpu) * percent // 100}m",
        "memory": str(whole(load.memory) * percent // 100),
    }
    spec: dict[str, Any] = {"containers": [{"name": "main", "resources": {"requests": requests}}]}
    body: dict[str, Any] = {"template": {"spec": spec}}
    if not load.per_node:
        body["replicas"] = 1 if option and option.one_replica else load.replicas
    kind = "DaemonSet" if load.per_node else "StatefulSet"
    return {"kind": kind, "metadata": {"name": load.name, "namespace": "reference"}, "spec": body}


def _claims(part: ReferencePart, option: ReferenceOption | None) -> list[Claim]:
    sizes = option.claims if option else {}
    left_out = option.without if option else ()
    return [
        Claim(
            part.name,
            part.name,
            claim.name,
            whole(sizes.get(claim.name, claim.size)),
            f"the data of {claim.name}",
        )
        for claim in part.claims
        if claim.name not in left_out
    ]


def report(envelope: Envelope, today: Envelope) -> tuple[str, ...]:
    """The stated sums beside the true ones, the options, and what today's allowance makes of it.

    `envelope` is the allowance the reference was written for.
    """
    reference = load_reference()
    composed = reckon(reference, envelope)
    lines = [f"{reference.title} ({reference.source}, {reference.as_of})", "", "By part"]
    for part in reference.parts:
        if part.name != "surroundings":
            lines += _part_lines(reference, envelope, part)
    lines += ["", "All of it", f"  stated: {_stated(reference.stated)}"]
    lines += [f"  as counted: {composed.words(reference)}"]
    lines.append(f"  as deployed: {reckon(reference, envelope, 'deployed').words(reference)}")
    around = reckon(reference, envelope, "everything")
    lines.append(f"  with all around it: {around.words(reference)}")
    lines += ["", f"On its machines, by {envelope.title}", *_judgement(composed)]
    lines += ["", "The ways out it offers"]
    for option in reference.options:
        found = reckon(reference, envelope, option=option)
        lines += [
            f"  {option.name}. stated: {option.stated}",
            f"     {option.title}, true: {found.words(reference)}",
            f"     {_ending(found)}",
        ]
    now = reckon(reference, today)
    return (*lines, "", f"By {today.title}", f"  {_of_today(now, today)}", *_judgement(now))


def _of_today(found: Reckoning, today: Envelope) -> str:
    """The share of a free machine that runs all month."""
    hours, free = today.hours_per_month, today.allowance.a1
    ocpus, memory_gb = free.ocpu_hours // hours, free.memory_gb_hours // hours
    return (
        f"of {ocpus} OCPUs and {memory_gb} GB:"
        f" CPU {_percent(found.cpu_milli, ocpus * 1000)},"
        f" memory {_percent(found.memory_bytes, memory_gb * GIB)}"
    )


def _part_lines(reference: Reference, envelope: Envelope, part: ReferencePart) -> list[str]:
    found = reckon(reference, envelope, parts=[part.name])
    deployed = reckon(reference, envelope, "deployed", [part.name])
    lines = [
        f"  {part.title}: stated {_stated(part.stated)}",
        f"    true {show_cpu(found.cpu_milli)}, {_gib(found.memory_bytes)}, {found.asked_gib} GiB",
    ]
    if deployed.cpu_milli != found.cpu_milli:
        lines.append(
            f"    as deployed {show_cpu(deployed.cpu_milli)}, {_gib(deployed.memory_bytes)}"
        )
    return lines


def _stated(sizes: Sizes) -> str:
    storage = whole(sizes.storage) // GIB
    return f"{show_cpu(milli(sizes.cpu))}, {_gib(whole(sizes.memory))}, {storage} GiB"


def _gib(amount: int) -> str:
    return f"{amount / GIB:.2f} GiB"


def _judgement(found: Reckoning) -> list[str]:
    rows = [f"  {'OVER  ' if row.over else 'fits  '}{row.words}" for row in found.verdict.rows]
    return [*rows, f"  {_ending(found)}"]


def _ending(found: Reckoning) -> str:
    fits = "It fits its machines" if found.verdict.fits else "It does not fit its machines"
    return f"{fits} and costs {found.verdict.bill.words()}."


def _percent(part: int, of: int) -> str:
    hundredths = part * 10000 // of
    return f"{hundredths / 100:g} %"
