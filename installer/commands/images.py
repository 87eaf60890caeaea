"""`health-install images`: every image of the plan as its registry has it, and newer ones."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from installer.budget.quantities import show_bytes
from installer.commands.ending import say
from installer.commands.remembering import not_asked, with_images
from installer.commands.sources import Case, case, in_our_words
from installer.commands.workshop import Workshop
from installer.engine.errors import ExitCode
from installer.engine.step import StopFlag
from installer.modules.images import PlannedImage
from installer.plan import Plan, make_plan, on_oracle

if TYPE_CHECKING:
    from installer.commands.pulling import ImageNow

_BESIDE = " " * 4


def run(asked: argparse.Namespace) -> int:
    """Check or refresh; ends with 0 when every image can be pulled, else with 4."""
    meant = case(asked, asked.answers)
    with Workshop(meant) as workshop:
        plan = _plan(meant, workshop)
        if asked.verb == "refresh":
            return _refresh(workshop, plan)
        told = workshop.images_now(plan)
        return _check(plan, told)


def _plan(meant: Case, workshop: Workshop) -> Plan:
    """A plan that knows the machines: our own need no look at a cluster."""
    answers = meant.gathered().answers
    surroundings = not_asked(meant)
    if not on_oracle(answers):
        seen, _ = workshop.survey(answers, StopFlag())
        surroundings = with_images(seen, surroundings.images)
    return in_our_words(lambda: make_plan(answers, surroundings))


def _check(plan: Plan, told: Sequence[ImageNow]) -> int:
    for each in told:
        say("\n".join(_lines(each)))
    missing = [image for image in plan.images if not image.chosen]
    for image in missing:
        say(f"{image.name}: nobody publishes it; name yours: images.overrides.{image.name}")
    bad = sum(not _good(each) for each in told)
    newer = sum(bool(each.newer) for each in told)
    say(f"\n{len(told)} images, {bad or 'none'} of them out of reach, {newer or 'none'} moved on.")
    if newer:
        say("What is pinned stays until you take newer ones: health-install images refresh")
    return ExitCode.ANSWERS if bad or missing else ExitCode.OK


def _refresh(workshop: Workshop, plan: Plan) -> int:
    told = workshop.refresh_images(plan)
    changed = [each for each in told if each.newer]
    for each in told:
        if not _good(each):
            say("\n".join(_lines(each)))
    for each in changed:
        say(f"{each.image.name}: {each.image.tagged}")
        say(f"{_BESIDE}was {each.image.digest}\n{_BESIDE}now {each.newer}")
    bad = sum(not _good(each) for each in told)
    say(f"\n{len(told)} images, {len(changed) or 'none'} of them newer than before.")
    if changed:
        say("The next installation takes them: health-install plan --live shows what would change.")
    return ExitCode.ANSWERS if bad else ExitCode.OK


def _good(told: ImageNow) -> bool:
    from installer.registry.resolving import Resolved

    return isinstance(told.pulled, Resolved)


def _lines(told: ImageNow) -> list[str]:
    from installer.registry.remedies import remedy
    from installer.registry.resolving import Resolved
    from installer.registry.vanished import vanished

    image = told.image
    lines = [f"{image.name}: {image.tagged}", f"{_BESIDE}{_whence(image)}"]
    if isinstance(told.pulled, Resolved):
        lines.append(f"{_BESIDE}{told.pulled.digest}")
        lines += [
            f"{_BESIDE}{platform}, {show_bytes(size, up=True)} to download"
            for platform, size in told.pulled.compressed
        ]
        if entry := vanished(image.tagged):
            lines.append(f"{_BESIDE}{entry.words()}")
    else:
        lines += [f"{_BESIDE}BAD   {told.pulled.why}.", f"{_BESIDE}next: {remedy(told.pulled)}"]
    if told.newer:
        lines.append(f"{_BESIDE}its tag is now {told.newer}")
    return lines


def _whence(image: PlannedImage) -> str:
    words = f"from the {image.origin}" if image.origin == "lock file" else f"from {image.origin}"
    if image.locked:
        return f"{words}, pinned there on {image.seen}"
    if image.seen:
        return f"{words}, pinned since {image.seen}"
    return f"{words}, pinned by the answers" if image.digest else f"{words}, not pinned yet"
