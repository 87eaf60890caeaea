"""The dated files in `assets/limits/`: what is free, what the rest costs, what a node has left.

Every figure carries the day it was read (`as_of`) and where (`source`). Nothing here is a constant
of the program: a new allowance is a new file.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AliasChoices, BeforeValidator, Field, model_validator

from installer.modules.closed import Closed, read_closed
from installer.modules.problems import ModulesInvalid, Problem

DEFAULT_ENVELOPE = "always-free-2026"


def _no_float(value: object) -> object:
    if isinstance(value, float):
        raise ValueError("write the amount in quotes, so that it stays exact")
    return value


Money = Annotated[Decimal, BeforeValidator(_no_float), Field(ge=0)]
Count = Annotated[int, Field(ge=0, strict=True)]


class Sourced(Closed):
    """A figure with its day and its place of origin."""

    as_of: datetime.date
    source: str = Field(min_length=10)
    confidence: Literal["high", "medium", "low"]


class Hours(Sourced):
    """Hours a month is billed with."""

    hours: Count


class Price(Sourced):
    """What one unit costs in US dollars; None where that is not known well enough to add up."""

    title: str
    per: str
    usd: Money | None


class Prices(Closed):
    """The price of everything a plan can ask for."""

    a1_ocpu_hour: Price
    a1_memory_gb_hour: Price
    enhanced_cluster_hour: Price
    block_storage_gb_month: Price
    block_performance_unit_month: Price
    flexible_balancer_hour: Price
    flexible_balancer_mbps_hour: Price
    fixed_balancer_hour: Price
    network_balancer_hour: Price


class PriceFile(Closed):
    """`assets/limits/oracle-prices-*.yaml`."""

    kind: Literal["prices"]
    name: str
    currency: Literal["USD"]
    hours_per_month: Hours
    prices: Prices


class CpuReserved(Sourced):
    """Millicores a node keeps: one entry per CPU count, then a step in microcores."""

    kube_milli: Annotated[tuple[Count, ...], Field(min_length=1)]
    further_micro: Count
    system_milli: Count


class MemoryBand(Closed):
    """A percentage of the memory between the band before and `up_to_gb` (None: without end)."""

    up_to_gb: Count | None
    percent: Annotated[int, Field(ge=0, le=100)]


class MemoryReserved(Sourced):
    """Memory a node keeps: the bands' sum in whole GiB, the system's part and the eviction line."""

    bands: Annotated[tuple[MemoryBand, ...], Field(min_length=1)]
    system_mib: Count
    eviction_mib: Count

    @model_validator(mode="after")
    def _rising_and_open_ended(self) -> MemoryReserved:
        *bounded, last = [band.up_to_gb for band in self.bands]
        known = [bound for bound in bounded if bound is not None]
        if last is not None or len(known) < len(bounded):
            raise ValueError("the last memory band, and only it, has no end")
        if any(low >= high for low, high in pairwise(known)):
            raise ValueError("the memory bands must rise")
        return self


class UnseenMemory(Sourced):
    """Memory of the shape that the operating system never sees."""

    fixed_mib: Count
    per_gb_mib: Count


class MeasuredNode(Sourced):
    """Allocatable CPU and memory read from a live node of just this shape."""

    ocpus: Count
    memory_gb: Count
    cpu_milli: Count
    memory_kib: Count


class SystemPod(Sourced):
    """What one of Oracle's own pods requests, on each node or once in the cluster."""

    name: str
    per: Literal["node", "cluster"]
    cpu_milli: Count
    memory_mib: Count


class NodeLimits(Sourced):
    """Other limits of a node: pods, attached volumes, its disk."""

    pods: Count
    volumes: Count
    ephemeral_gib: Count
    boot_minimum_gb: Count


class ImageDisk(Sourced):
    """How much of a node's root disk images may fill."""

    gib: Count


class VolumeRule(Sourced):
    """How the storage driver sizes a volume."""

    floor_gib: Count
    step_gib: Annotated[int, Field(ge=1)]
    largest_gib: Count
    performance_units_per_gb: Count


class NodeFile(Closed):
    """`assets/limits/oke-nodes-*.yaml`."""

    kind: Literal["nodes"]
    name: str
    cpu_reserved: CpuReserved
    memory_reserved: MemoryReserved
    unseen_memory: UnseenMemory
    measured: tuple[MeasuredNode, ...]
    system_pods: tuple[SystemPod, ...]
    node: NodeLimits
    image_disk: ImageDisk
    volume: VolumeRule


class FreeA1(Sourced):
    """A1 use a month without charge."""

    ocpu_hours: Count
    memory_gb_hours: Count


class FreeBlockStorage(Sourced):
    """Boot and block volumes together without charge."""

    gb: Count


class FreeBalancers(Sourced):
    """Balancers without charge."""

    network: Count
    flexible: Count
    flexible_mbps: Count


class AllowanceFile(Closed):
    """`assets/limits/always-free-*.yaml`."""

    kind: Literal["allowance"]
    name: str
    title: str
    since: datetime.date | None = Field(validation_alias=AliasChoices("from"))
    until: datetime.date | None
    nodes: str
    prices: str
    a1: FreeA1
    block_storage: FreeBlockStorage
    balancers: FreeBalancers


class Envelope(Closed):
    """One allowance with the prices and the node facts that belong to it."""

    allowance: AllowanceFile
    nodes: NodeFile
    prices: Prices
    hours_per_month: int

    @property
    def name(self) -> str:
        """The name of the allowance file, such as `always-free-2026`."""
        return self.allowance.name

    @property
    def title(self) -> str:
        """The allowance in words."""
        return self.allowance.title


def envelope_names() -> tuple[str, ...]:
    """Every allowance there is, newest first."""
    names = (entry.name for entry in files("assets").joinpath("limits").iterdir())
    found = [name.removesuffix(".yaml") for name in names if name.startswith("always-free-")]
    return tuple(sorted(found, reverse=True))


@lru_cache(maxsize=8)
def load_envelope(name: str = DEFAULT_ENVELOPE) -> Envelope:
    """The allowance called `name` with its prices and node facts.

    Raises ModulesInvalid, naming what there is, when no such allowance exists or a file is wrong.
    """
    if name not in envelope_names():
        raise ModulesInvalid(
            [Problem(name, f"no such allowance; there are {', '.join(envelope_names())}")]
        )
    folder = files("assets").joinpath("limits")
    allowance = read_closed(
        AllowanceFile, folder.joinpath(f"{name}.yaml"), f"assets/limits/{name}.yaml"
    )
    nodes, prices = allowance.nodes, allowance.prices
    price_file = read_closed(
        PriceFile, folder.joinpath(f"{prices}.yaml"), f"assets/limits/{prices}.yaml"
    )
    return Envelope(
        allowance=allowance,
        nodes=read_closed(
            NodeFile, folder.joinpath(f"{nodes}.yaml"), f"assets/limits/{nodes}.yaml"
        ),
        prices=price_file.prices,
        hours_per_month=price_file.hours_per_month.hours,
    )
