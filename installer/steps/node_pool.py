"""Makes sure of the machines that carry the platform."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from installer.engine.errors import ClusterError, InstallError, Parked
from installer.engine.step import Context, Seen
from installer.oracle.capacity import CapacityRadar
from installer.oracle.errors import OutOfCapacity, Throttled
from installer.oracle.images import Image, choose_image
from installer.oracle.instances import Delivered, delivered, is_ended
from installer.oracle.leftovers import Leftovers
from installer.oracle.limits import LimitsReader, Needs
from installer.oracle.node_failures import LimitReached, nodes_failed
from installer.oracle.node_pool import NO_OLD_METADATA, Node, NodePool, NodePools, NodePoolWanted
from installer.oracle.placement import Outlook, Placement, in_order_of_hope, placements
from installer.oracle.resource import Life, Started
from installer.oracle.wanted import NodePlan
from installer.steps.cluster import CLUSTER, VERSION_FACT
from installer.steps.draining import Draining
from installer.steps.launch_turns import HourSpent, LaunchTurns, Search
from installer.steps.oracle_resource import COMPARTMENT, OpenAccount, OracleResource
from installer.steps.security_group import group_of
from installer.steps.subnet import subnet_id

NODE_POOL = "node-pool"
# A healthy pool takes three minutes. With bad network rules it failed after 24 and after 71.
_SUSPICIOUS_SECONDS = 15 * 60.0
_PATIENCE = 80 * 60.0
# The fact that keeps the ids of machines that are not as planned and stay all the same.
_KEPT = "earlier_size"
# The fact that keeps the ids of machines that this user could look at.
_SEEN = "seen"
# Why a machine is replaced from which nothing can be moved any more.
_LOST = "somebody ended it, and nothing runs on it any more"
# The answer by which a person lets machines that run be replaced.
CONSENT = "cluster.replace_machines"


@dataclass(frozen=True)
class _Outdated:
    """A line about a machine to replace; from one that is `lost` nothing can be moved any more."""

    line: str
    lost: bool


class Machines(OracleResource[NodePool]):
    """One pool with the machines of the plan; tries every place of the region for them."""

    id = NODE_POOL
    title = "Machines"
    group = "Cluster"
    needs = (CLUSTER,)
    usually = 180.0
    noun = "node pool"
    kind = "nodepool"
    suffix = "nodes"
    every = 5.0
    at_most = _PATIENCE
    removal_usually = 120.0

    def __init__(self, account: OpenAccount, plan: NodePlan, draining: Draining) -> None:
        super().__init__(account)
        self._plan = plan
        self._draining = draining
        self._place = Placement("")
        self._since = 0.0
        self._warned = False

    def places(self) -> tuple[str, ...]:
        """It is only found in its cluster."""
        return (COMPARTMENT, CLUSTER)

    def get(self, ctx: Context, resource_id: str) -> NodePool | None:  # noqa: ARG002
        """By id, with its machines."""
        return self._all().get(resource_id)

    def named(self, ctx: Context, name: str) -> Sequence[NodePool]:
        """In the cluster."""
        return self._all().named(self.compartment(ctx), self._cluster(ctx), name)

    # -- making it --------------------------------------------------------------------------------

    def make(self, ctx: Context, seen: Seen) -> None:
        """As usual; but a pool that has machines is changed in place, whatever some of them say."""
        found, _ = self._find(ctx)
        if found is not None and found.count(Life.THERE) and self.differences(ctx, found):
            self._remember(ctx, found)
            self.repair(ctx, found)
            return
        try:
            self._make_somewhere(ctx, seen)
        except OutOfCapacity as error:
            raise Parked(error.what, error.why, error.then) from error

    def _make_somewhere(self, ctx: Context, seen: Seen) -> None:
        """A pool that an interrupted run left in a full place does not end the search."""
        try:
            super().make(ctx, seen)
        except OutOfCapacity:
            if self._find(ctx)[0] is None:
                raise
            super().make(ctx, seen)

    def start(self, ctx: Context) -> str:
        """Try one place after the other, each once; raises Parked when none of them has room."""
        search = Search()
        for place in self._places(ctx):
            if search.is_hopeless(place):
                continue
            ctx.checkpoint()
            self._place = place
            try:
                return self._start_there(ctx)
            except OutOfCapacity as error:
                search.full(place, error)
                ctx.note(f"No free machine in {place.words()}.")
            except LimitReached as error:
                search.limited(place, error)
                ctx.note(f"The account may have no such machine in {place.availability_domain}.")
            except HourSpent as error:
                search.spent(error)
        raise search.verdict()

    def _start_there(self, ctx: Context) -> str:
        """Begin a pool in the current place and see it through; a full place leaves nothing."""
        made = ""
        try:
            made = super().start(ctx)
            self._ready(ctx, made)
        except (OutOfCapacity, LimitReached):
            found = self.get(ctx, made) if made else None
            if found is not None:
                self.remove(ctx, found)
            # The next place is another request, so it needs a token of its own.
            with ctx.intend(self.kind, self.name(ctx)) as intent:
                intent.made("")
            raise
        return made

    def create(self, ctx: Context, name: str, retry_token: str) -> Started:
        """In the current place, with the newest image for the cluster's version."""
        self._since, self._warned = time.monotonic(), False
        version = self._version(ctx)
        wanted = NodePoolWanted(
            compartment=self.compartment(ctx),
            cluster=self._cluster(ctx),
            name=name,
            version=version,
            image=self._image(ctx, version),
            subnet=ctx.recall("id", subnet_id("nodes")) or "",
            place=self._place,
            plan=self._plan,
            tags=self.tags(ctx),
            groups=group_of(ctx, "nodes"),
        )
        turns = LaunchTurns(ctx)
        turns.take(self._place.availability_domain)
        try:
            return self._all().create(wanted, retry_token)
        except Throttled as error:
            pause = turns.throttled(error.retry_after or 0.0)
            raise Throttled(error.what, error.why, error.then, pause) from error

    def _image(self, ctx: Context, version: str) -> Image:
        offered = self._all().images(self.compartment(ctx), version, self._plan.shape)
        image = choose_image(offered, version, shape=self._plan.shape)
        ctx.remember("image", image.name)
        return image

    def _places(self, ctx: Context) -> tuple[Placement, ...]:
        account = self.account()
        domains = account.availability_domains()
        faults = {domain: account.fault_domains(domain) for domain in domains}
        bound = self._bound_to(ctx)
        places = placements(domains, faults, bound)
        said = CapacityRadar(account).read(places, self._plan)
        roomy = self._roomy(domains) if not bound else domains
        if said and all(each.outlook >= Outlook.FULL for each in said.values()):
            ctx.note("Oracle's capacity report shows no free machine; trying all the same.")
        return in_order_of_hope(places, said, set(domains) - set(roomy))

    def _roomy(self, domains: Sequence[str]) -> Sequence[str]:
        """Those whose limits leave room for the machines; asked only where there is a choice."""
        if len(domains) < 2:
            return domains
        plan = self._plan
        needs = Needs(
            ocpus=plan.ocpus * plan.nodes, memory_gb=plan.memory_gb * plan.nodes, storage_gb=0
        )
        return LimitsReader(self.account()).domains_with_room(needs)

    def _bound_to(self, ctx: Context) -> str:
        """The domain of data volumes that exist already; a machine elsewhere cannot use them."""
        volumes = Leftovers(self.account()).volumes(self.compartment(ctx))
        ours = (each for each in volumes if each.is_of(ctx.installation.id))
        return next((each.availability_domain for each in ours), "")

    def not_ready(self, ctx: Context, found: NodePool) -> str | None:
        """Reads work request and machines; a pool that is ACTIVE may still have none."""
        work = self._work(ctx.recall("work_request") or "")
        ready = found.count(Life.THERE)
        if found.state == "ACTIVE" and ready >= found.size and (work is None or work.ended):
            return None
        troubles = [node.trouble for node in found.nodes if node.trouble]
        if found.life is Life.BROKEN or troubles or (work is not None and work.failed):
            said = self._requests().errors(self.compartment(ctx), work.id) if work else ()
            raise self.failure(ctx, found, [*said, *troubles])
        self._suspect(ctx)
        states = ", ".join(f"{node.name or 'machine'} {node.state}" for node in found.nodes)
        return f"{ready} of {found.size} machines are ready" + (f" ({states})" if states else "")

    def _suspect(self, ctx: Context) -> None:
        if self._since == 0.0:
            self._since = time.monotonic()
        waited = (time.monotonic() - self._since) / ctx.pace
        if waited > _SUSPICIOUS_SECONDS and not self._warned:
            self._warned = True
            ctx.note(
                "This takes unusually long. It is nearly always about network rules: the machine "
                "must reach ports 6443 and 12250 of the API subnet and Oracle's services on 443. "
                "Oracle gives up after 24 to 75 minutes; we wait for its verdict."
            )

    def failure(self, ctx: Context, found: NodePool | None, said: Sequence[str]) -> InstallError:  # noqa: ARG002
        """Capacity, limit and network are told apart."""
        return nodes_failed([*said, *([found.details] if found else [])])

    # -- drift ------------------------------------------------------------------------------------

    def differences(self, ctx: Context, found: NodePool) -> tuple[str, ...]:
        """Number, size, labels and settings of the machines, and what was delivered."""
        outdated = self._outdated(ctx, found).values()
        return (*self._settings(ctx, found), *(each.line for each in outdated))

    def _settings(self, ctx: Context, found: NodePool) -> tuple[str, ...]:
        plan = self._plan
        compared = (
            ("machines", found.size, plan.nodes),
            ("OCPUs each", found.ocpus, plan.ocpus),
            ("GB memory each", found.memory_gb, plan.memory_gb),
            ("Kubernetes", found.version, self._version(ctx) or found.version),
            ("SSH key", _short(found.ssh_public_key), _short(plan.ssh_public_key)),
        )
        lines = [f"{what}: {now} instead of {then}" for what, now, then in compared if now != then]
        lines += [
            f"label {key}={value}"
            for key, value in plan.labels.items()
            if found.labels.get(key) != value
        ]
        if not NO_OLD_METADATA.items() <= found.metadata.items():
            lines.append("switch the old metadata service off")
        return (*lines, *self._absentees(found))

    def _absentees(self, found: NodePool) -> tuple[str, ...]:
        if found.size != self._plan.nodes:
            return ()
        broken = found.count(Life.BROKEN)
        if broken:
            return (f"{broken} machines failed",)
        missing = self._plan.nodes - found.count(Life.THERE)
        return (f"{missing} machines are not ready",) if missing > 0 else ()

    def _outdated(self, ctx: Context, found: NodePool) -> dict[str, _Outdated]:
        """Machines to replace, by id; those that may stay are left out.

        Of another size than the plan's, whether they were made before it or came so; or of another
        version than the control plane.
        """
        outdated: dict[str, _Outdated] = {}
        for node in found.nodes:
            if node.life is not Life.THERE or not node.id:
                continue
            real = delivered(self.account(), node.id)
            lost = self._is_lost(ctx, node, real)
            why = _LOST if lost else self._what_is_wrong(ctx, found, node, real)
            if why:
                outdated[node.id] = _Outdated(f"replace machine {node.name}: {why}", lost)
        return outdated

    def _kept(self, ctx: Context) -> Collection[str]:
        """Machines that were left as they are, for want of the person's consent."""
        return () if self._plan.replace else (ctx.recall(_KEPT) or "").split()

    def _what_is_wrong(
        self, ctx: Context, found: NodePool, node: Node, real: Delivered | None
    ) -> str:
        plan, version = self._plan, self._version(ctx)
        if node.id in self._kept(ctx):
            return ""
        if node.version and version and node.version != version:
            return f"it runs Kubernetes {node.version} instead of {version}{self._price()}"
        if real is None or (real.ocpus, real.memory_gb) == (plan.ocpus, plan.memory_gb):
            return ""
        runs = node.id in (ctx.recall(_KEPT) or "").split()
        if runs or (real.ocpus, real.memory_gb) == (found.ocpus, found.memory_gb):
            return f"it is {real.words}{self._price()}"
        return f"Oracle delivered another machine than was ordered, {real.words}"

    def _is_lost(self, ctx: Context, node: Node, real: Delivered | None) -> bool:
        """Oracle does not tell a machine that is gone from one we may not see. So only one that we
        could see before counts, and only once the cluster, from which it goes as well, has it no
        more.
        """
        seen = (ctx.recall(_SEEN) or "").split()
        if real is None:
            return node.id in seen and not self._draining.has_joined(ctx, node.id)
        if node.id not in seen:
            ctx.remember(_SEEN, " ".join((*seen, node.id)))
        return real.ended

    def _price(self) -> str:
        """What replacing a machine that runs takes, in words."""
        if not self._plan.replace:
            return f" (only once {CONSENT} is yes: {self._absence()})"
        return f" ({self._absence()})"

    def _absence(self) -> str:
        if self._plan.nodes > 1:
            return "one machine after the other, what it carries moves for about 10 minutes"
        return (
            "the platform is away for about 10 minutes, or until Oracle has a free machine again; "
            "its data stays"
        )

    def _version(self, ctx: Context) -> str:
        return ctx.recall(VERSION_FACT, CLUSTER) or ""

    def repair(self, ctx: Context, found: NodePool) -> None:
        """Change the pool in place, then replace its machines that are not as it orders them."""
        outdated = self._outdated(ctx, found)
        if self._settings(ctx, found):
            self._change(ctx, found)
        for node_id, machine in outdated.items():
            self._replace(ctx, found, node_id, machine)
        again = self.get(ctx, found.id) if outdated else None
        if again is not None and (wrong := self._outdated(ctx, again)):
            raise _wrong_machine("; ".join(each.line for each in wrong.values()), self._plan)

    def _replace(self, ctx: Context, found: NodePool, node_id: str, machine: _Outdated) -> None:
        """Emptied, ended, seen gone, and only then made anew: never one machine more than planned.

        One that carries something goes only with the person's consent; one that is lost carries
        nothing.
        """
        pool_id = found.id
        if not (machine.lost or self._plan.replace) and self._draining.carried(ctx, node_id):
            ctx.remember(_KEPT, " ".join((ctx.recall(_KEPT) or "", node_id)).strip())
            ctx.note(f"Not done, since the platform runs on it: {machine.line}.")
            return
        ctx.note(f"Now: {machine.line}.")
        if not machine.lost:
            self._require_a_free_one(ctx, found.domain)
            self._draining.drain(ctx, node_id)
        ctx.checkpoint()
        work_request = self._all().let_go(pool_id, node_id)
        ctx.remember("work_request", work_request)
        ctx.wait(
            "the end of the machine",
            lambda: self._not_ended(pool_id, node_id, work_request),
            every=self.every,
            usually=90.0,
            at_most=self.at_most,
        )
        now = self.get(ctx, pool_id)
        if now is not None:
            self._change(ctx, now)

    def _require_a_free_one(self, ctx: Context, domain: str) -> None:
        """Raises Parked before anything runs no more, when there seems to be nothing to put in its
        place. Elsewhere the report refuses no attempt; here an attempt ends what runs.
        """
        LaunchTurns(ctx).require(domain)
        place = Placement(domain)
        said = CapacityRadar(self.account()).read([place], self._plan).get(place)
        if said is not None and said.outlook >= Outlook.FULL:
            raise Parked(
                "The machine that runs is kept: there seems to be none to put in its place.",
                f"Oracle's capacity report shows no free machine of that size in {domain}.",
                "Run the same command again later, or take back what the answers ask for "
                f"({CONSENT} set to no keeps the machine as it is). Everything runs meanwhile.",
            )

    def _not_ended(self, pool_id: str, node_id: str, work_request: str) -> str | None:
        work = self._work(work_request)
        if work is not None and not work.ended:
            return work.words
        found = self._all().get(pool_id)
        gone = found is None or all(
            node.life is Life.GONE for node in found.nodes if node.id == node_id
        )
        return None if gone and is_ended(self.account(), node_id) else "it is being ended"

    def _change(self, ctx: Context, found: NodePool) -> None:
        if found.domain and found.count(Life.THERE) < self._plan.nodes:
            LaunchTurns(ctx).take(found.domain)
        labels = {**found.labels, **self._plan.labels}
        version, newer = self._version(ctx), None
        if version and version != found.version:
            newer = version, self._image(ctx, version)
        ctx.remember("work_request", self._all().change(found.id, self._plan, labels, newer))
        self._since, self._warned = time.monotonic(), False
        self._ready(ctx, found.id)

    def delete(self, ctx: Context, found: NodePool) -> str:  # noqa: ARG002
        """Its machines and their boot volumes go with it."""
        return self._all().delete(found.id)

    def told(self, ctx: Context, found: NodePool) -> str:
        """How many and how large, and how many of them are not so yet."""
        told = f"{found.size} × {found.ocpus:g} OCPU, {found.memory_gb:g} GB, {found.version}"
        kept = set(self._kept(ctx)) & {node.id for node in found.nodes}
        if kept:
            told += f"; {len(kept)} of them as made before, until {CONSENT} is yes"
        return told

    def _cluster(self, ctx: Context) -> str:
        return ctx.recall("id", CLUSTER) or ""

    def _all(self) -> NodePools:
        return NodePools(self.account())


def _wrong_machine(lines: str, plan: NodePlan) -> ClusterError:
    return ClusterError(
        "Oracle delivers machines of another size than was ordered.",
        f"Ordered: {plan.shape} with {plan.ocpus:g} OCPU and {plan.memory_gb:g} GB. Still to be "
        f"done: {lines}.",
        "Run the same command again: it replaces the machine once more. If it stays so, tell "
        "Oracle's support.",
    )


def _short(key: str) -> str:
    """Enough of an SSH key to tell two apart, without its comment."""
    return "".join(key.split()[1:2])[-12:]
