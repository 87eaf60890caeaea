"""Namespaces with their levels, and in which order everything in the cluster starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from installer.engine.order import in_order
from installer.engine.step import Step
from installer.plan import Plan
from installer.steps.wave import FOLLOWED, Wave, WaveReady

ENFORCED = "pod-security.kubernetes.io/enforce"


def order_lines(plan: Plan) -> tuple[str, ...]:
    """Told from the steps an installation walks and the objects it applies; asks nobody."""
    # Here and not above: it loads both SDKs.
    from installer.commands.target import steps_inside

    return (
        "Namespaces and their Pod Security level",
        *_namespace_lines(plan),
        "",
        "Order of start inside the cluster; what does not wait for each other runs side by side",
        *_step_lines(in_order(steps_inside(plan))),
    )


def _namespace_lines(plan: Plan) -> list[str]:
    reasons = {
        entry.name: entry.reason for module in plan.modules for entry in module.file.namespaces
    }
    lines = []
    for entry in plan.rendered.objects:
        if entry.body["kind"] == "Namespace":
            metadata = entry.body["metadata"]
            name, level = metadata["name"], metadata["labels"][ENFORCED]
            why = reasons.get(name, "")
            lines.append(f"  {name} ({entry.module}): {level}" + (f"; {why}" if why else ""))
    return lines


def _step_lines(steps: Sequence[Step]) -> list[str]:
    titles = {step.id: step.title for step in steps}
    lines = []
    for number, step in enumerate(steps, start=1):
        lines.append(f"  {number}. {step.title}")
        if isinstance(step, WaveReady):
            lines += _wave_lines(step.wave)
        if step.needs:
            waited = "; ".join(titles[need] for need in step.needs)
            lines.append(f"     begins after: {waited}")
    return lines


def _wave_lines(wave: Wave) -> list[str]:
    """What it starts by name, and everything else by its number."""
    started = [_named(body) for body in wave.objects if body["kind"] in FOLLOWED]
    counts: dict[str, int] = {}
    for body in wave.objects:
        if body["kind"] not in FOLLOWED:
            counts[body["kind"]] = counts.get(body["kind"], 0) + 1
    rest = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    lines = [f"     starts: {', '.join(started)}"] if started else []
    lines += [f"     applies: {rest}"] if rest else []
    ends = "all that is started is ready, and jobs are done" if started else "all is applied"
    return [*lines, f"     ends when: {ends}"]


def _named(body: Mapping[str, object]) -> str:
    metadata = body["metadata"]
    assert isinstance(metadata, dict)
    return f"{body['kind']} {metadata['namespace']}/{metadata['name']}"
