"""The plan: what the answers come to, before anything is made.

Pure and quick, so that a screen can think one through for every key that is pressed. What must be
asked of the world (a live cluster's nodes, what the tenancy already holds) comes in as
`Surroundings`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from installer.answers.model import Answers
from installer.budget.advice import Advice, Change, advise
from installer.budget.billing import NOTHING_THERE, AlreadyThere, spare_node_hours
from installer.budget.demand import Demand, measure
from installer.budget.envelope import DEFAULT_ENVELOPE, Envelope, load_envelope
from installer.budget.lowering import changed, possible_changes
from installer.budget.pins import pins_of
from installer.budget.room import NOT_LOOKED_AT, LiveEnvelope, NodeShape
from installer.budget.storage import plan_volumes
from installer.budget.verdict import BudgetRow, Verdict, affordable, judge, tally
from installer.modules import (
    Allowance,
    ClusterFacts,
    Module,
    ModulesInvalid,
    Rendered,
    RenderedObject,
    VolumePlan,
    catalogue,
    claims,
    enabled,
)
from installer.modules.addresses import NOT_KNOWN, Addresses
from installer.modules.choices import (
    image_choice,
    images_to_bring,
    notices,
    options,
    planned_images,
)
from installer.modules.hosts import is_late, public_domain
from installer.modules.images import KnownImage, PlannedImage
from installer.modules.pinning import PLACE_LABEL, Pin, pinned
from installer.modules.rendering import completed, gives_way, render_objects
from installer.modules.stamping import Identity

PLAN_VERSION = 1
ORACLE_STORAGE_CLASS = "oci-bv"
A1_ARCHITECTURE = "arm64"
SHARING_OPTION = "storage_sharing"


@dataclass(frozen=True)
class Surroundings:
    """What was read from the world; the defaults stand for "not asked yet".

    `architectures` are those of all nodes, `architecture` the one they have in common. `images` is
    what registries said of images, now or when they were first looked up.
    """

    live: LiveEnvelope | None = None
    already: AlreadyThere = NOTHING_THERE
    architecture: str = ""
    addresses: Addresses = NOT_KNOWN
    served_by_others: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    images: tuple[KnownImage, ...] = ()


NOT_ASKED = Surroundings()


@dataclass(frozen=True)
class Decision:
    """Something a person has yet to decide; `then` says how. Nothing is installed without a
    `mandatory` one."""

    words: str
    then: str
    mandatory: bool = False


@dataclass(frozen=True)
class Plan:
    """Everything that follows from the answers, and the verdict on it.

    `decisions` are open, `notices` are what a person should know about the choices made. `images`
    are those the objects name, `platforms` what they must be made for, as far as that is known.
    """

    answers: Answers
    modules: tuple[Module, ...]
    volumes: VolumePlan
    facts: ClusterFacts
    rendered: Rendered
    verdict: Verdict
    pins: Mapping[Identity, Pin] = field(default_factory=dict)
    allowance: str = DEFAULT_ENVELOPE
    decisions: tuple[Decision, ...] = ()
    notices: tuple[str, ...] = ()
    images: tuple[PlannedImage, ...] = ()
    platforms: tuple[str, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """Places that some machine must carry in its label PLACE_LABEL; none when nothing is
        pinned."""
        seats = self.verdict.placement.seats
        return tuple(seat.node.name for seat in seats) if self.pins else ()

    @property
    def spare_hours(self) -> int:
        """Hours a month for which one machine more is free, as while one is being replaced."""
        shape = node_shape(self.answers)
        return spare_node_hours(load_envelope(self.allowance), [shape], shape)

    def spare_words(self) -> str:
        """The same for people."""
        return f"one machine more, as while one is replaced, is free for {self.spare_hours} hours"

    def document(self) -> str:
        """The plan for programs: the same answers give the same bytes, whoever asked."""
        return json.dumps(self.as_data(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"

    def as_data(self) -> dict[str, Any]:
        """The plan as plain values; holds no secret, since nothing rendered does."""
        return {
            "version": PLAN_VERSION,
            "installation": self.answers.name,
            "target": self.answers.target,
            "allowance": self.allowance if on_oracle(self.answers) else "",
            "modules": [module.name for module in self.modules],
            "cluster": self._cluster(),
            "volumes": [_volume_data(volume) for volume in self.volumes.volumes],
            "budget": [_row_data(row) for row in self.verdict.rows],
            "bill": [line.words() for line in self.verdict.bill.lines],
            "spare_machine_hours": self.spare_hours if on_oracle(self.answers) else None,
            "monthly_usd": str(self.verdict.bill.monthly_usd),
            "fits": self.verdict.fits,
            "judged": self.verdict.judged,
            "placement": _placement_data(self.pins),
            "costs_money": self.verdict.costs_money,
            "reasons": list(self.verdict.reasons),
            "decisions": [_decision_data(one) for one in self.decisions],
            "notices": list(self.notices),
            "images": [_image_data(image) for image in self.images],
            "objects": [_object_data(entry) for entry in self.rendered.objects],
            "secrets": sorted(f"{spec.namespace}/{spec.name}" for spec in self.rendered.secrets),
        }

    def _cluster(self) -> dict[str, Any]:
        if not on_oracle(self.answers):
            return {"storage_class": self.facts.storage_class}
        cluster = self.answers.cluster
        return {
            "kubernetes_version": cluster.kubernetes_version,
            "nodes": cluster.nodes,
            "node_ocpus": cluster.node_ocpus,
            "node_memory_gb": cluster.node_memory_gb,
            "boot_volume_gb": cluster.boot_volume_gb,
            "storage_class": self.facts.storage_class,
        }

    def text(self) -> str:
        """The plan for people."""
        return "\n".join(_paragraphs(self)) + "\n"


def on_oracle(answers: Answers) -> bool:
    """Whether a cluster is made in an Oracle tenancy, a real or a rehearsed one."""
    return answers.target in ("oke", "rehearsal")


def node_shape(answers: Answers) -> NodeShape:
    """The machines of the node pool."""
    cluster = answers.cluster
    return NodeShape(
        ocpus=cluster.node_ocpus,
        memory_gb=cluster.node_memory_gb,
        boot_volume_gb=cluster.boot_volume_gb,
        count=cluster.nodes,
    )


def make_plan(
    answers: Answers,
    surroundings: Surroundings = NOT_ASKED,
    modules: tuple[Module, ...] | None = None,
    against: str = DEFAULT_ENVELOPE,
) -> Plan:
    """Think the answers through, against the allowance of that name.

    Raises ModulesInvalid when modules contradict each other or no such allowance exists.
    """
    everything = catalogue() if modules is None else modules
    envelope = load_envelope(against)
    thought = _thought(answers, surroundings, everything, envelope)
    volumes, facts = thought.volumes, thought.facts
    rendered = completed(thought.objects, answers, facts, everything)
    demand = measure(thought.objects)
    verdict = _judge(answers, demand, thought, envelope, surroundings)
    pins = _pins(answers, demand, verdict)
    if pins:
        rendered = pinned(rendered, pins)
    chosen = enabled(answers, everything)
    platforms = platforms_of(answers, surroundings)
    return Plan(
        answers,
        chosen,
        volumes,
        facts,
        rendered,
        verdict,
        pins,
        against,
        open_decisions(answers, chosen, platforms),
        (*notices(answers, chosen), *_left_out(chosen, facts)),
        thought.images,
        platforms,
    )


def _left_out(chosen: Sequence[Module], facts: ClusterFacts) -> tuple[str, ...]:
    return tuple(
        f"{module.title} is left out: the cluster has its own, which serves "
        f"{module.file.gives_way_to}."
        for module in chosen
        if gives_way(module, facts)
    )


def open_decisions(
    answers: Answers, chosen: Sequence[Module], platforms: Sequence[str] = ()
) -> tuple[Decision, ...]:
    """What the answers leave open: images nobody publishes, and the public name.

    Images are to be made for `platforms`, or for the usual two where these are not known.
    """
    missing = images_to_bring(answers, chosen)
    found = [
        Decision(
            f"The image {name} is published by nobody, and none is named.",
            f"Build it and name it: images.overrides.{name}; or go without what needs it: "
            f"{switch}: false.{_by_command(name, chosen, platforms)}",
            # The rehearsal's machines run no image, so that any name will do there.
            mandatory=answers.target != "rehearsal",
        )
        for name, switch in missing.items()
    ]
    if is_late(public_domain(answers)):
        found.append(
            Decision(
                "No domain is given, so the public names follow from the public address.",
                "Passkeys are bound to the name and lost with it: give access.domain if you own "
                "one.",
            )
        )
    return tuple(found)


def _by_command(name: str, chosen: Sequence[Module], platforms: Sequence[str]) -> str:
    locked = next(module.images[name] for module in chosen if name in module.images)
    command = locked.build_command(platforms)
    return f" Docker builds it from its source: {command}" if command else ""


def platforms_of(answers: Answers, surroundings: Surroundings) -> tuple[str, ...]:
    """What images must be made for, like linux/arm64; empty before a cluster was looked at."""
    if on_oracle(answers):
        return (f"linux/{A1_ARCHITECTURE}",)
    return tuple(f"linux/{each}" for each in sorted(surroundings.architectures))


@dataclass(frozen=True)
class _Thought:
    """What follows from answers before anything is weighed."""

    volumes: VolumePlan
    facts: ClusterFacts
    objects: tuple[RenderedObject, ...]
    images: tuple[PlannedImage, ...]


def _thought(
    answers: Answers,
    surroundings: Surroundings,
    everything: tuple[Module, ...],
    envelope: Envelope,
) -> _Thought:
    chosen = enabled(answers, everything)
    volumes = _volumes(answers, chosen, everything, envelope)
    facts = _facts(answers, surroundings, envelope)
    objects = render_objects(answers, volumes, facts, everything)
    choice = image_choice(answers, surroundings.images)
    named = frozenset[str]().union(*(entry.images for entry in objects))
    images = planned_images(chosen, choice, named, platforms_of(answers, surroundings))
    return _Thought(volumes, facts, objects, images)


def advice_for(
    plan: Plan,
    surroundings: Surroundings = NOT_ASKED,
    modules: tuple[Module, ...] | None = None,
    against: str = DEFAULT_ENVELOPE,
) -> tuple[Advice, ...]:
    """What to change so that the plan fits and costs nothing nobody agreed to, the best first.

    Each change is an answer: `changed(plan.answers, advice.changes)` are the answers to plan with.
    """
    everything = catalogue() if modules is None else modules
    envelope = load_envelope(against)

    def asked(changes: Sequence[Change]) -> tuple[Answers, Demand, _Thought] | None:
        try:
            answers = changed(plan.answers, changes)
            thought = _thought(answers, surroundings, everything, envelope)
        except ModulesInvalid:
            return None
        return answers, measure(thought.objects), thought

    def evaluate(changes: Sequence[Change]) -> Verdict | None:
        if not _affordable(changed(plan.answers, changes), surroundings, everything, envelope):
            return None
        found = asked(changes)
        return found and _judge(*found, envelope, surroundings)

    def sums(changes: Sequence[Change]) -> dict[str, int] | None:
        found = asked(changes)
        return found and _tally(*found, envelope, surroundings)

    machines = envelope if on_oracle(plan.answers) else None
    possible = possible_changes(plan.answers, everything, machines)
    return advise(plan.verdict, possible, evaluate, sums)


def _affordable(
    answers: Answers,
    surroundings: Surroundings,
    everything: tuple[Module, ...],
    envelope: Envelope,
) -> bool:
    """Whether the answers could cost no more than was agreed to, as far as that can be said without
    rendering anything."""
    if not on_oracle(answers):
        return True
    try:
        volumes = _volumes(answers, enabled(answers, everything), everything, envelope)
    except ModulesInvalid:
        return False
    consent, already = answers.money.accept_monthly_usd, surroundings.already
    return affordable(volumes, node_shape(answers), envelope, consent, already)


def _pins(answers: Answers, demand: Demand, verdict: Verdict) -> dict[Identity, Pin]:
    """On several machines of ours every workload is pinned to its own; on one there is no choice.

    In a cluster that exists nothing is pinned: its room changes from run to run, and a pod whose
    data lies on one node must not be sent to another by a later plan.
    """
    if not on_oracle(answers) or not verdict.fits or len(verdict.placement.seats) < 2:
        return {}
    return pins_of(demand, verdict.placement, PLACE_LABEL)


def _volumes(
    answers: Answers,
    chosen: tuple[Module, ...],
    everything: tuple[Module, ...],
    envelope: Envelope,
) -> VolumePlan:
    """One volume for all claims that share, one each for those that do not."""
    apart = {
        module.name
        for module in chosen
        if dict(options(answers, module)).get(SHARING_OPTION) == "separate"
    }
    floor = envelope.nodes.volume.floor_gib if on_oracle(answers) else 0
    return plan_volumes(claims(answers, everything), sharing=True, floor_gib=floor, apart=apart)


def _facts(answers: Answers, surroundings: Surroundings, envelope: Envelope) -> ClusterFacts:
    addresses, others = _addresses(answers, surroundings), surroundings.served_by_others
    if not on_oracle(answers):
        storage_class, architecture = answers.cluster.storage_class, surroundings.architecture
        return ClusterFacts(
            storage_class, architecture, None, addresses, others, surroundings.images
        )
    return ClusterFacts(
        answers.cluster.storage_class or ORACLE_STORAGE_CLASS,
        A1_ARCHITECTURE,
        _allowance(answers, envelope),
        addresses,
        others,
        surroundings.images,
    )


def _addresses(answers: Answers, surroundings: Surroundings) -> Addresses:
    """In subnets of our own the machines' addresses are known before there is any machine."""
    if not on_oracle(answers):
        return surroundings.addresses
    ours = not answers.place.subnet_nodes
    nodes = (answers.cluster.vcn_cidr,) if ours else ()
    return Addresses(nodes=nodes, pods=(answers.cluster.pods_cidr,))


def _allowance(answers: Answers, envelope: Envelope) -> Allowance:
    free, prices = envelope.allowance, envelope.prices
    units = envelope.nodes.volume.performance_units_per_gb
    space, speed = prices.block_storage_gb_month.usd, prices.block_performance_unit_month.usd
    volume = None if space is None or speed is None else space + speed * units
    return Allowance(
        title=envelope.title,
        hours=envelope.hours_per_month,
        ocpu_hours=free.a1.ocpu_hours,
        memory_gb_hours=free.a1.memory_gb_hours,
        volume_gb=free.block_storage.gb,
        volume_floor_gb=envelope.nodes.volume.floor_gib,
        boot_volume_gb=answers.cluster.boot_volume_gb,
        ocpu_hour_usd=_as_text(prices.a1_ocpu_hour.usd),
        memory_gb_hour_usd=_as_text(prices.a1_memory_gb_hour.usd),
        volume_gb_month_usd=_as_text(volume),
    )


def _as_text(usd: Decimal | None) -> str:
    return "" if usd is None else f"{usd.normalize():f}"


def _judge(
    answers: Answers,
    demand: Demand,
    thought: _Thought,
    envelope: Envelope,
    surroundings: Surroundings,
) -> Verdict:
    consent, already = answers.money.accept_monthly_usd, surroundings.already
    node, limits = _limits(answers, envelope, surroundings)
    volumes, images = thought.volumes, thought.images
    return judge(demand, volumes, node, limits, consent, already=already, images=images)


def _tally(
    answers: Answers,
    demand: Demand,
    thought: _Thought,
    envelope: Envelope,
    surroundings: Surroundings,
) -> dict[str, int]:
    node, limits = _limits(answers, envelope, surroundings)
    already, volumes, images = surroundings.already, thought.volumes, thought.images
    return tally(demand, volumes, node, limits, already=already, images=images)


def _limits(
    answers: Answers, envelope: Envelope, surroundings: Surroundings
) -> tuple[NodeShape | None, Envelope | LiveEnvelope]:
    """Oracle's allowance and our machines, or the cluster that exists."""
    if on_oracle(answers):
        return node_shape(answers), envelope
    return None, surroundings.live or NOT_LOOKED_AT


def _decision_data(decision: Decision) -> dict[str, Any]:
    return {"words": decision.words, "then": decision.then, "mandatory": decision.mandatory}


def _image_data(image: PlannedImage) -> dict[str, Any]:
    return {
        "name": image.name,
        "module": image.module,
        "reference": image.reference,
        "from": str(image.origin),
        "compressed_bytes": image.compressed,
    }


def _volume_data(volume: Any) -> dict[str, Any]:
    return {
        "namespace": volume.namespace,
        "name": volume.name,
        "size_gib": volume.size_gib,
        "claims": [claim.name for claim in volume.claims],
    }


def _placement_data(pins: Mapping[Identity, Pin]) -> dict[str, list[str]]:
    """Object -> the nodes it is pinned to; empty where nothing is."""
    return {" ".join((k, f"{s}/{n}")): list(pin.values) for (k, s, n), pin in pins.items()}


def _row_data(row: Any) -> dict[str, Any]:
    return {
        "resource": row.resource,
        "used": str(row.used),
        "passing": str(row.passing),
        "limit": None if row.limit is None else str(row.limit),
        "unit": row.unit,
        "over": row.over,
        "unknown": row.unknown,
        "words": row.words,
        "promised": str(row.promised),
        "promise": row.promise,
        "modules": {name: str(amount) for name, amount in row.share_by_module},
    }


def _object_data(entry: RenderedObject) -> dict[str, Any]:
    body = json.dumps(entry.body, sort_keys=True, ensure_ascii=False)
    metadata = entry.body["metadata"]
    return {
        "module": entry.module,
        "source": entry.source,
        "wave": entry.wave,
        "kind": entry.body["kind"],
        "namespace": metadata.get("namespace", ""),
        "name": metadata["name"],
        "sha256": hashlib.sha256(body.encode()).hexdigest(),
    }


def _paragraphs(plan: Plan) -> list[str]:
    verdict = plan.verdict
    lines = [f"Plan for installation {plan.answers.name} (target {plan.answers.target})"]
    if plan.allowance != DEFAULT_ENVELOPE:
        lines.append(f"judged by {load_envelope(plan.allowance).title}, which is not in force")
    lines.append("")
    lines += ["Modules"]
    lines += [f"  {module.name}: {module.title}" for module in plan.modules]
    lines += ["", "Budget"]
    for row in verdict.rows:
        lines.append(f"  {_standing(row, verdict)}{row.words}")
        lines += [f"        {row.promise}"] if row.promise else []
    lines += ["", "Volumes"]
    for volume in plan.volumes.volumes:
        held = ", ".join(f"{claim.name} ({claim.what})" for claim in volume.claims)
        lines.append(f"  {volume.namespace}/{volume.name}, {volume.size_gib} GiB: {held}")
    if plan.pins:
        lines += ["", "Nodes", *_node_lines(plan)]
    lines += ["", "Monthly bill"]
    lines += [f"  {line.words()}" for line in verdict.bill.lines]
    lines.append(f"  total: {verdict.bill.words()}")
    if on_oracle(plan.answers):
        lines.append(f"  {plan.spare_words()}")
    if plan.decisions:
        lines += ["", "Open decisions"]
        lines += [f"  {one.words} {one.then}" for one in plan.decisions]
    if plan.notices:
        lines += ["", "To know", *(f"  {words}" for words in plan.notices)]
    lines += ["", f"Objects: {_counted(plan)}"]
    return [*lines, "", *_ending(verdict)]


def _standing(row: BudgetRow, verdict: Verdict) -> str:
    if row.over:
        return "OVER  "
    if row.unknown:
        return "open  "
    return "fits  " if verdict.judged else "asks  "


def _ending(verdict: Verdict) -> list[str]:
    if verdict.reasons:
        return ["In the way", *(f"  {reason}" for reason in verdict.reasons)]
    if not verdict.judged:
        return ["Whether it fits is not known: the cluster has not been looked at (--live does)."]
    if len(verdict.placement.seats) > 1 and verdict.bill.lines == ():
        return [
            "There is room for all of it. Which node a pod gets is left to your cluster, so that"
            " data stays where it is."
        ]
    return ["It fits."]


def _node_lines(plan: Plan) -> list[str]:
    held: dict[str, list[str]] = {}
    for (kind, namespace, name), pin in plan.pins.items():
        for node in pin.values:
            held.setdefault(node, []).append(f"{kind} {namespace}/{name}")
    return [f"  {node}: {', '.join(sorted(there))}" for node, there in sorted(held.items())]


def _counted(plan: Plan) -> str:
    counts: dict[str, int] = {}
    for entry in plan.rendered.objects:
        kind = entry.body["kind"]
        counts[kind] = counts.get(kind, 0) + 1
    counts["Secret"] = len(plan.rendered.secrets)
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
