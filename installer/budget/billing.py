"""The monthly bill of a plan, to the cent.

Amounts are exact decimals. A line is rounded up to the next cent, so that nothing that costs
money is ever shown as 0.00; the sum is the sum of the lines as shown. Months are counted with the
744 hours of a long one. A line whose price is not known has no amount, and the bill is not exact.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from installer.budget.demand import Balancer
from installer.budget.envelope import Envelope, Price
from installer.budget.room import NodeShape

CENT = Decimal("0.01")


@dataclass(frozen=True)
class BillLine:
    """One resource a month: how much, how much of it free, what the rest costs (None: unknown)."""

    resource: str
    quantity: int
    free: int
    unit: str
    price: Decimal | None
    usd: Decimal | None
    price_as_of: datetime.date
    source: str

    @property
    def billed(self) -> int:
        """Units beyond what is free."""
        return max(0, self.quantity - self.free)

    def words(self) -> str:
        """For people: `A1 OCPUs: 1,488 OCPU-hours, 1,500 free: 0.00 USD`."""
        start = f"{self.resource}: {self.quantity:,} {self.unit}, {self.free:,} free"
        if self.billed == 0:
            return f"{start}: 0.00 USD"
        if self.usd is None:
            return f"{start}: price not known ({self.source}, {self.price_as_of})"
        return (
            f"{start}, {self.billed:,} at {self.price} USD:"
            f" {self.usd:,} USD (price of {self.price_as_of})"
        )


@dataclass(frozen=True)
class Bill:
    """A month's bill; `monthly_usd` is the sum of the known lines.

    A bill that is not `known` is that of a cluster we order nothing for: it has no lines.
    """

    lines: tuple[BillLine, ...] = ()
    known: bool = True

    @property
    def monthly_usd(self) -> Decimal:
        """Sum of all lines whose price is known."""
        return sum((line.usd for line in self.lines if line.usd is not None), Decimal("0.00"))

    @property
    def unknown(self) -> tuple[BillLine, ...]:
        """Lines that cost something we cannot name."""
        return tuple(line for line in self.lines if line.usd is None)

    @property
    def exact(self) -> bool:
        """Whether the sum is the whole truth."""
        return not self.unknown

    def words(self) -> str:
        """The sum for people, never more certain than it is."""
        if not self.known:
            return (
                "0.00 USD a month ordered from Oracle; what your own cluster costs is not counted"
            )
        if self.exact:
            return f"{self.monthly_usd:,} USD a month"
        names = ", ".join(line.resource for line in self.unknown)
        return f"at least {self.monthly_usd:,} USD a month; the price of {names} is not known"


@dataclass(frozen=True)
class AlreadyThere:
    """What the tenancy holds apart from this plan; it uses up the allowance first."""

    ocpu_hours: int = 0
    memory_gb_hours: int = 0
    block_gb: int = 0
    network_balancers: int = 0
    flexible_balancers: int = 0


NOTHING_THERE = AlreadyThere()


def bill(
    envelope: Envelope,
    *,
    nodes: Sequence[NodeShape] = (),
    volumes_gib: Iterable[int] = (),
    balancers: Sequence[Balancer] = (),
    already: AlreadyThere = NOTHING_THERE,
    extra_node_hours: int = 0,
    enhanced_cluster: bool = False,
) -> Bill:
    """The bill of a month with these nodes, data volumes (GiB each) and balancers.

    `extra_node_hours` are hours in which one more node of the first shape exists, for example
    while a node is replaced.
    """
    lines = [
        *_a1_lines(envelope, nodes, extra_node_hours, already),
        *_block_lines(envelope, storage_gb(nodes, volumes_gib), already),
        *_balancer_lines(envelope, balancers, already),
    ]
    if enhanced_cluster:
        price = envelope.prices.enhanced_cluster_hour
        lines.append(_line(price, envelope.hours_per_month, 0, "cluster-hours"))
    return Bill(tuple(lines))


def storage_gb(nodes: Sequence[NodeShape], volumes_gib: Iterable[int]) -> int:
    """Billed GB of boot and data volumes; Oracle's GB of a volume is a GiB."""
    return sum(shape.boot_volume_gb * shape.count for shape in nodes) + sum(volumes_gib)


def spare_node_hours(envelope: Envelope, nodes: Sequence[NodeShape], extra: NodeShape) -> int:
    """Whole hours a month for which one `extra` node beside `nodes` stays free of charge."""
    free = envelope.allowance.a1
    hours = envelope.hours_per_month
    ocpus = free.ocpu_hours - sum(s.ocpus * s.count for s in nodes) * hours
    memory = free.memory_gb_hours - sum(s.memory_gb * s.count for s in nodes) * hours
    return max(0, min(ocpus // extra.ocpus, memory // extra.memory_gb))


def _a1_lines(
    envelope: Envelope, nodes: Sequence[NodeShape], extra_hours: int, already: AlreadyThere
) -> list[BillLine]:
    hours, free, prices = envelope.hours_per_month, envelope.allowance.a1, envelope.prices
    first = nodes[0] if nodes else NodeShape(0, 0)
    ocpu_hours = sum(s.ocpus * s.count for s in nodes) * hours + first.ocpus * extra_hours
    gb_hours = sum(s.memory_gb * s.count for s in nodes) * hours + first.memory_gb * extra_hours
    return [
        _line(
            prices.a1_ocpu_hour,
            ocpu_hours,
            max(0, free.ocpu_hours - already.ocpu_hours),
            "OCPU-hours",
        ),
        _line(
            prices.a1_memory_gb_hour,
            gb_hours,
            max(0, free.memory_gb_hours - already.memory_gb_hours),
            "GB-hours",
        ),
    ]


def _block_lines(envelope: Envelope, gb: int, already: AlreadyThere) -> list[BillLine]:
    units = envelope.nodes.volume.performance_units_per_gb
    free = max(0, envelope.allowance.block_storage.gb - already.block_gb)
    return [
        _line(envelope.prices.block_storage_gb_month, gb, free, "GB"),
        _line(
            envelope.prices.block_performance_unit_month,
            gb * units,
            free * units,
            "performance units",
        ),
    ]


def _balancer_lines(
    envelope: Envelope, balancers: Sequence[Balancer], already: AlreadyThere
) -> list[BillLine]:
    hours, free, prices = envelope.hours_per_month, envelope.allowance.balancers, envelope.prices
    by_kind = {kind: [b for b in balancers if b.kind == kind] for kind in _BALANCER_KINDS}
    lines = []
    if by_kind["network"]:
        left = max(0, free.network - already.network_balancers)
        count = len(by_kind["network"])
        lines.append(_line(prices.network_balancer_hour, count * hours, left * hours, _HOURS))
    if by_kind["flexible"]:
        left = max(0, free.flexible - already.flexible_balancers)
        count = len(by_kind["flexible"])
        mbps = sum(balancer.mbps for balancer in by_kind["flexible"])
        lines.append(_line(prices.flexible_balancer_hour, count * hours, left * hours, _HOURS))
        lines.append(
            _line(
                prices.flexible_balancer_mbps_hour,
                mbps * hours,
                left * free.flexible_mbps * hours,
                "Mbps-hours",
            )
        )
    if by_kind["fixed"]:
        count = len(by_kind["fixed"])
        lines.append(_line(prices.fixed_balancer_hour, count * hours, 0, _HOURS))
    return lines


_HOURS = "balancer-hours"
_BALANCER_KINDS = ("network", "flexible", "fixed")


def _line(price: Price, quantity: int, free: int, unit: str) -> BillLine:
    billed = max(0, quantity - free)
    usd: Decimal | None = Decimal("0.00")
    if billed:
        usd = None if price.usd is None else to_the_cent(billed * price.usd)
    return BillLine(price.title, quantity, free, unit, price.usd, usd, price.as_of, price.source)


def to_the_cent(amount: Decimal) -> Decimal:
    """Rounded up to the next whole cent."""
    return amount.quantize(CENT, rounding=ROUND_CEILING)
