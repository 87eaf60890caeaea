"""The judgement over a plan: what it takes, what there is, whether it fits, what it costs.

"Fits" is said only when every pod that runs all the time has a node, and room is left for each
job and each rollout in turn. Money is judged apart: a plan may fit and still need consent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from operator import attrgetter

from installer.budget.amounts import Amounts
from installer.budget.billing import NOTHING_THERE, AlreadyThere, Bill, bill, storage_gb
from installer.budget.ceilings import Ceiling, Ceilings, promise_words
from installer.budget.demand import Demand, Workload
from installer.budget.envelope import Envelope
from installer.budget.image_disk import ImageSum, image_sizes, image_sum
from installer.budget.placement import Placement, place, unknown_rules
from installer.budget.quantities import GIB, show_bytes, show_cpu
from installer.budget.room import LiveEnvelope, NodeShape, Room, disk_counted, room_of
from installer.budget.storage import split_evenly, volume_gib
from installer.modules.claims import VolumePlan
from installer.modules.images import PlannedImage

CLUSTER = "cluster"
"""The owner of what no module asks for: boot volumes, nodes."""

Amount = int | Decimal


@dataclass(frozen=True)
class Part:
    """One number in a row's sum, down to the object and the file it comes from."""

    module: str
    what: str
    amount: Amount


@dataclass(frozen=True)
class BudgetRow:
    """One resource: `used` all the time, `passing` more for a while, `limit` (None: none known).

    `at_most` is what `used` may grow to when autoscalers go to their end; it need not fit.
    Units are millicores, bytes, GB, counts and USD; `parts` add up to `used`. `how` says where the
    limit comes from, where that is other than for most rows; `unknown` counts what nobody could
    say the size of, so that `used` is not all of it. `promised` is what containers may take at most
    by their limits, the `promises` add up to it, and `promised_words` say it.
    """

    resource: str
    used: Amount
    limit: Amount | None
    unit: str
    parts: tuple[Part, ...]
    over: bool
    words: str
    passing: Amount = 0
    at_most: Amount = 0
    how: tuple[str, ...] = ()
    unknown: int = 0
    promised: Amount = 0
    promises: tuple[Part, ...] = ()
    promised_words: str = ""

    @property
    def promise(self) -> str:
        """What containers may take at most, for people; empty for what has no such limits."""
        if self.limit is None or not self.promises or self.promised <= self.limit:
            return self.promised_words
        beyond = _show(int(self.promised - self.limit), self.unit, up=True)
        return f"{self.promised_words}, {beyond} more than there is"

    @property
    def share_by_module(self) -> tuple[tuple[str, Amount], ...]:
        """Each module's part of `used`; they add up to it."""
        shares: dict[str, Amount] = {}
        for part in self.parts:
            shares[part.module] = shares.get(part.module, 0) + part.amount
        return tuple(shares.items())

    @property
    def excess(self) -> Amount:
        """How much too much, 0 when within the limit."""
        return 0 if self.limit is None else max(0, self.used + self.passing - self.limit)


@dataclass(frozen=True)
class Verdict:
    """Whether the plan runs and what it costs, with every reason.

    `how` explains the room on the nodes, `free` the allowance, with sources and days.
    What was not `judged`, because the cluster has not been looked at, does not stand in the way:
    `fits` then says only that nothing is known against it.
    """

    rows: tuple[BudgetRow, ...]
    bill: Bill
    fits: bool
    costs_money: bool
    consented: bool
    reasons: tuple[str, ...]
    placement: Placement
    how: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    judged: bool = True

    def row(self, resource: str) -> BudgetRow:
        """The row of that name; raises KeyError when there is none."""
        for row in self.rows:
            if row.resource == resource:
                return row
        raise KeyError(resource)


def judge(
    demand: Demand,
    volumes: VolumePlan,
    node: NodeShape | Sequence[NodeShape] | None,
    envelope: Envelope | LiveEnvelope,
    consent: Decimal = Decimal(0),
    *,
    already: AlreadyThere = NOTHING_THERE,
    images: Sequence[PlannedImage] = (),
) -> Verdict:
    """Judge a demand and its volumes against nodes of these shapes, or against a live cluster.

    `node` is None for a LiveEnvelope, whose nodes exist. `consent` is the monthly sum in US
    dollars the person agreed to. Without `images` nothing is said of them.
    """
    disks = _disks(demand, volumes, envelope)
    if isinstance(envelope, LiveEnvelope) and not envelope.seen:
        return _not_judged(demand, envelope.room, disks, consent, images)
    weighed = _weighed(demand, disks, _shapes(node), envelope, consent, already, images)
    found = _verdict(demand, weighed, consent)
    return found if isinstance(envelope, LiveEnvelope) else replace(found, free=_free(envelope))


def tally(
    demand: Demand,
    volumes: VolumePlan,
    node: NodeShape | Sequence[NodeShape] | None,
    envelope: Envelope | LiveEnvelope,
    *,
    already: AlreadyThere = NOTHING_THERE,
    images: Sequence[PlannedImage] = (),
) -> dict[str, int]:
    """What the rows of the verdict add up to, by resource: whole units with what passes, and cents.

    No sentence is written and no placement looked for, which takes most of a verdict's time.
    """
    disks = _disks(demand, volumes, envelope)
    shapes = () if isinstance(envelope, LiveEnvelope) else _shapes(node)
    room, account = _room_and_bill(demand, disks, shapes, envelope, already)
    found = _pod_tally(demand, room)
    found["storage"] = storage_gb(shapes, (disk.gib for disk in disks))
    found["volumes"] = len(disks)
    if images:
        found["images"] = image_sum(images).used
    found["money"] = in_cents(account.monthly_usd)
    return found


def in_cents(usd: Amount) -> int:
    """Whole cents."""
    return int(usd * 100)


def _pod_tally(demand: Demand, room: Room) -> dict[str, int]:
    running = [(load, _running(load, room)) for load in demand.workloads]
    coming = [(load, load.passing) for load in demand.passing]
    found = {"pods": sum(n for _, n in running) + max((n for _, n in coming), default=0)}
    for resource, amount in _AMOUNTS.items():
        used = sum(amount(load.pod) * count for load, count in running)
        passing = max((amount(load.pod) * count for load, count in coming), default=0)
        if used or passing or resource != "disk":
            found[resource] = used + passing
    return found


_AMOUNTS: Mapping[str, Callable[[Amounts], int]] = {
    "CPU": attrgetter("cpu_milli"),
    "memory": attrgetter("memory_bytes"),
    "disk": attrgetter("disk_bytes"),
}


def affordable(
    volumes: VolumePlan,
    node: NodeShape,
    envelope: Envelope,
    consent: Decimal = Decimal(0),
    already: AlreadyThere = NOTHING_THERE,
) -> bool:
    """Whether machines and volumes alone cost no more than was agreed to.

    Where they do, no verdict on the same can be better: what manifests ask for beside them only
    adds to the bill.
    """
    floor = envelope.nodes.volume.floor_gib
    sizes = [max(volume.size_gib, floor) for volume in volumes.volumes]
    return _consented(bill(envelope, nodes=(node,), volumes_gib=sizes, already=already), consent)


@dataclass(frozen=True)
class _Weighed:
    room: Room
    account: Bill
    rows: tuple[BudgetRow, ...]


def _shapes(node: NodeShape | Sequence[NodeShape] | None) -> tuple[NodeShape, ...]:
    return (node,) if isinstance(node, NodeShape) else tuple(node or ())


def _weighed(
    demand: Demand,
    disks: Sequence[_Disk],
    shapes: tuple[NodeShape, ...],
    envelope: Envelope | LiveEnvelope,
    consent: Decimal,
    already: AlreadyThere,
    images: Sequence[PlannedImage],
) -> _Weighed:
    room, account = _room_and_bill(demand, disks, shapes, envelope, already)
    storage_limit = None
    if not isinstance(envelope, LiveEnvelope):
        storage_limit = max(0, envelope.allowance.block_storage.gb - already.block_gb)
    rows = (
        *_pod_rows(demand, room),
        _storage_row(shapes, disks, storage_limit),
        _volume_row(disks, room),
        *_image_rows(images, *_image_limit(envelope)),
        _money_row(account, consent),
    )
    return _Weighed(room, account, rows)


def _room_and_bill(
    demand: Demand,
    disks: Sequence[_Disk],
    shapes: tuple[NodeShape, ...],
    envelope: Envelope | LiveEnvelope,
    already: AlreadyThere,
) -> tuple[Room, Bill]:
    if isinstance(envelope, LiveEnvelope):
        return envelope.room, Bill(known=False)
    account = bill(
        envelope,
        nodes=shapes,
        volumes_gib=[disk.gib for disk in disks],
        balancers=demand.balancers,
        already=already,
    )
    return room_of(shapes, envelope), account


def _free(envelope: Envelope) -> tuple[str, ...]:
    """What is free and how volumes are rounded, each with its source and day."""
    block, a1, rule = (
        envelope.allowance.block_storage,
        envelope.allowance.a1,
        envelope.nodes.volume,
    )
    return (
        f"{block.gb:,} GB of boot and block volumes ({block.source}, {block.as_of})",
        f"{a1.ocpu_hours:,} OCPU-hours and {a1.memory_gb_hours:,} GB-hours of A1 a month"
        f" ({a1.source}, {a1.as_of})",
        f"a volume is billed as {rule.floor_gib} GB at least ({rule.source}, {rule.as_of})",
    )


def _verdict(demand: Demand, weighed: _Weighed, consent: Decimal) -> Verdict:
    room, rows, account = weighed.room, weighed.rows, weighed.account
    hard = [row.words for row in rows if row.over and row.resource in _HARD]
    placement = place(demand, room) if not hard else Placement(problems=tuple(hard))
    problems = list(placement.problems)
    if placement.complete:
        problems += unknown_rules(demand, len(room.nodes))
    consented = _consented(account, consent)
    return Verdict(
        rows=rows,
        bill=account,
        fits=not problems,
        costs_money=_costs(account),
        consented=consented,
        reasons=tuple(problems) + _money_reasons(account, consented),
        placement=placement,
        how=room.how,
    )


def _costs(account: Bill) -> bool:
    return account.monthly_usd > 0 or not account.exact


def _consented(account: Bill, consent: Decimal) -> bool:
    """Whether it costs nothing, or a sum that is known and was agreed to."""
    return not _costs(account) or (account.exact and account.monthly_usd <= consent)


def _not_judged(
    demand: Demand,
    room: Room,
    disks: tuple[_Disk, ...],
    consent: Decimal,
    images: Sequence[PlannedImage],
) -> Verdict:
    """What is asked of a cluster nobody has looked at: every number, and no limit."""
    account = Bill(known=False)
    rows = (
        *(_without_limit(row) for row in _pod_rows(demand, room)),
        _storage_row((), disks, None),
        _without_limit(_volume_row(disks, room)),
        *_image_rows(images, None, ()),
        _money_row(account, consent),
    )
    return Verdict(rows, account, True, False, True, (), Placement(), room.how, judged=False)


def _without_limit(row: BudgetRow) -> BudgetRow:
    asked = _show(int(row.used), row.unit, up=True)
    words = f"{row.resource} {asked} asked for; the cluster has not been looked at"
    return replace(row, limit=None, over=False, words=words)


_HARD = ("CPU", "memory", "disk", "pods", "volumes", "images")


def _money_reasons(account: Bill, consented: bool) -> tuple[str, ...]:
    over = [line.words() for line in account.lines if line.billed]
    if over and not consented:
        over.append(
            f"the plan costs {account.words()}, and money.accept_monthly_usd does not allow that"
            if account.exact
            else f"the plan costs {account.words()}; a sum that is not known cannot be agreed to"
        )
    return tuple(over)


def _pod_rows(demand: Demand, room: Room) -> tuple[BudgetRow, ...]:
    free = room.free
    rows = [
        _row("CPU", "m", _sum_of(demand, room, "cpu_milli"), free.cpu_milli, room.left_by),
        _row(
            "memory",
            "bytes",
            _sum_of(demand, room, "memory_bytes"),
            free.memory_bytes,
            room.left_by,
        ),
        _row("pods", "pods", _sum_of(demand, room, None), room.pods, room.left_by),
    ]
    rows[:2] = (_promised(row, demand, room) for row in rows[:2])
    disk = _sum_of(demand, room, "disk_bytes")
    if disk.used or disk.passing:
        rows.insert(2, _row("disk", "bytes", disk, free.disk_bytes, room.left_by))
    return tuple(rows)


def _promised(row: BudgetRow, demand: Demand, room: Room) -> BudgetRow:
    """The row with what its pods may take, autoscaled to the end."""
    of = _CEILINGS[row.resource]
    counted = [
        (load.origin, max(_running(load, room), load.most), of(load.most_each))
        for load in demand.workloads
    ]
    promises = tuple(
        Part(origin.module, f"{count} x {origin.words()}", each.amount * count)
        for origin, count, each in counted
        if each.amount * count
    )
    total = sum(int(part.amount) for part in promises)
    ceilings = (each for _, _, each in counted)
    words = promise_words(row.resource, ceilings, _show(total, row.unit, up=True))
    return replace(row, promised=total, promises=promises, promised_words=words)


_CEILINGS: Mapping[str, Callable[[Ceilings], Ceiling]] = {
    "CPU": attrgetter("cpu"),
    "memory": attrgetter("memory"),
}


@dataclass(frozen=True)
class _Sum:
    parts: tuple[Part, ...]
    used: int
    passing: int
    passing_what: str
    at_most: int


def _sum_of(demand: Demand, room: Room, attribute: str | None) -> _Sum:
    parts = []
    most, what, grown = 0, "", 0
    for load in demand.workloads:
        each = 1 if attribute is None else int(getattr(load.pod, attribute))
        count = _running(load, room)
        grown += each * max(count, load.most)
        if count:
            parts.append(Part(load.origin.module, f"{count} x {load.origin.words()}", each * count))
        if each * load.passing > most:
            most = each * load.passing
            what = _passing_what(load)
    return _Sum(tuple(parts), sum(int(part.amount) for part in parts), most, what, grown)


def _running(load: Workload, room: Room) -> int:
    if not load.per_node:
        return load.replicas
    return sum(load.rules.takes(node.name, node.labels, node.taints) for node in room.nodes)


def _passing_what(load: Workload) -> str:
    return f"{load.passing_words} ({load.origin.kind} {load.origin.name})"


def _row(resource: str, unit: str, asked: _Sum, limit: int, left_by: str) -> BudgetRow:
    excess = asked.used + asked.passing - limit
    words = (
        f"{resource} {_show(asked.used, unit, up=True)} of {_show(limit, unit)} left by {left_by}"
    )
    if asked.passing:
        words += f", {_show(asked.passing, unit, up=True)} more during {asked.passing_what}"
    if asked.at_most > asked.used:
        words += f", up to {_show(asked.at_most, unit, up=True)} when autoscaled"
    # What asks for nothing is never refused, whatever a crowded node has left.
    over = excess > 0 and asked.used + asked.passing > 0
    if over:
        words += f": {_show(excess, unit, up=True)} too much"
    return BudgetRow(
        resource, asked.used, limit, unit, asked.parts, over, words, asked.passing, asked.at_most
    )


def _show(amount: int, unit: str, *, up: bool = False) -> str:
    if unit == "m":
        return show_cpu(amount)
    return show_bytes(amount, up=up) if unit == "bytes" else f"{amount:,}"


@dataclass(frozen=True)
class _Disk:
    """A billed volume and the claims in it: (module, what it holds, bytes)."""

    title: str
    gib: int
    claims: tuple[tuple[str, str, int], ...]


def _disks(
    demand: Demand, volumes: VolumePlan, envelope: Envelope | LiveEnvelope
) -> tuple[_Disk, ...]:
    """The planned volumes, and any the manifests ask for beside the plan."""
    floor = (
        envelope.floor_gib
        if isinstance(envelope, LiveEnvelope)
        else envelope.nodes.volume.floor_gib
    )
    planned = {(volume.namespace, volume.name) for volume in volumes.volumes}
    asked = {(wish.namespace, wish.name): wish for wish in demand.volumes}
    disks = []
    for volume in volumes.volumes:
        wish = asked.get((volume.namespace, volume.name))
        size = max(volume.size_gib, floor, volume_gib(wish.size_bytes, floor) if wish else 0)
        held = tuple((c.module, f"{c.name}: {c.what}", c.size_bytes) for c in volume.claims)
        disks.append(_Disk(f"{volume.namespace}/{volume.name}", size, held))
    for key, wish in asked.items():
        if key not in planned:
            held = ((wish.origin.module, wish.origin.words(), wish.size_bytes),)
            size = volume_gib(wish.size_bytes, floor)
            disks.append(_Disk(f"{wish.namespace}/{wish.name}", size, held))
    return tuple(disks)


def _storage_row(
    shapes: Sequence[NodeShape], disks: Sequence[_Disk], limit: int | None
) -> BudgetRow:
    parts = [
        Part(CLUSTER, f"{shape.count} x boot volume", shape.boot_volume_gb * shape.count)
        for shape in shapes
    ]
    for disk in disks:
        shares = split_evenly(disk.gib, [size for _, _, size in disk.claims])
        parts += [
            Part(module, f"{what} (volume {disk.title}, {disk.gib} GB)", share)
            for (module, what, _), share in zip(disk.claims, shares, strict=True)
        ]
    used = sum(int(part.amount) for part in parts)
    over = limit is not None and used > limit
    words = f"storage {used:,} GB"
    if limit is not None:
        words += f" of {limit:,} GB free of charge, boot volumes included"
        words += f": {used - limit:,} GB too much" if over else ""
    return BudgetRow("storage", used, limit, "GB", tuple(parts), over, words)


def _volume_row(disks: Sequence[_Disk], room: Room) -> BudgetRow:
    parts = tuple(
        Part(
            max(disk.claims, key=lambda claim: claim[2])[0] if disk.claims else CLUSTER,
            disk.title,
            1,
        )
        for disk in disks
    )
    over = len(disks) > room.volumes
    words = f"volumes {len(disks)} of {room.volumes} that the nodes can attach"
    words += f": {len(disks) - room.volumes} too many" if over else ""
    return BudgetRow("volumes", len(disks), room.volumes, "volumes", parts, over, words)


def _image_limit(envelope: Envelope | LiveEnvelope) -> tuple[int | None, tuple[str, ...]]:
    """Bytes that images may take on a machine (None: not known), and how that comes about.

    Any pod may have to start on any machine again, so that the smallest decides.
    """
    if isinstance(envelope, LiveEnvelope):
        disks = [node.free.disk_bytes for node in envelope.room.nodes]
        counted = [size for size in disks if disk_counted(size)]
        return (max(0, min(counted)) if counted else None), envelope.room.how
    disk = envelope.nodes.image_disk
    return disk.gib * GIB, (f"{disk.gib} GiB for images ({disk.source.strip()}, {disk.as_of})",)


def _image_rows(
    images: Sequence[PlannedImage], limit: int | None, how: tuple[str, ...]
) -> tuple[BudgetRow, ...]:
    if not images:
        return ()
    total = image_sum(images)
    parts = tuple(Part(module, name, size) for module, name, size in total.known)
    over = limit is not None and total.used > limit
    words = f"images {total.words}{_image_end(total, limit)}"
    explained = (*how, *image_sizes().words(), *(f"size not known: {n}" for n in total.unknown))
    row = BudgetRow("images", total.used, limit, "bytes", parts, over, words)
    return (replace(row, how=explained, unknown=len(total.unknown)),)


def _image_end(total: ImageSum, limit: int | None) -> str:
    if limit is None:
        return ""
    words = f"; a machine's root disk has {show_bytes(limit)} for them"
    if total.used > limit:
        words += f": about {show_bytes(total.used - limit, up=True)} too much"
    return words


def _money_row(account: Bill, consent: Decimal) -> BudgetRow:
    parts = tuple(
        Part(CLUSTER, line.words(), line.usd) for line in account.lines if line.usd is not None
    )
    monthly = account.monthly_usd
    over = monthly > consent or not account.exact
    words = f"money {account.words()}, {consent:,.2f} USD agreed to"
    words += f": {monthly - consent:,} USD too much" if monthly > consent else ""
    return BudgetRow("money", monthly, consent, "USD", parts, over, words)
