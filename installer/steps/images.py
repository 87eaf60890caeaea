"""Makes sure that every image can be pulled before anything is made; remembers which it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from installer.engine.errors import (
    AnswersError,
    ExitCode,
    InstallError,
    Temporary,
    Unreachable,
)
from installer.engine.step import Condition, Context, Seen, Step
from installer.modules.images import IMAGES, KnownImage, PlannedImage, known_images
from installer.registry.remedies import lines, remedies
from installer.registry.resolving import Resolution, Resolved
from installer.registry.vanished import vanished

# Somebody who asks to wait for longer than that is left in peace, not waited for.
LONGEST_WAIT_SECONDS = 600.0

LookUp = Callable[[Sequence[PlannedImage]], Resolution]


class ImagesCanBePulled(Step):
    """Looks up what is not known yet; the digests are facts of this step, by reference."""

    id = IMAGES
    title = "Container images"
    group = "Images"
    usually = 5.0
    checks_only = True

    def __init__(
        self,
        images: Sequence[PlannedImage],
        platforms: Sequence[str],
        look_up: LookUp,
        needs: Sequence[str] = (),
    ) -> None:
        """`platforms` may be empty where machines are not known; then any will do."""
        self._images = tuple(image for image in images if image.chosen)
        self._platforms = tuple(platforms)
        self._look_up = look_up
        self.needs = tuple(needs)
        self._refusal: InstallError | None = None

    def look(self, ctx: Context) -> Seen:
        """Ask registries for what is not known; raises Temporary where waiting may help."""
        if ctx.removing:
            return Seen(Condition.AS_WANTED, "not asked for a removal")
        facts = {image.tagged: ctx.recall(image.tagged) for image in self._images}
        known = known_images({tagged: text for tagged, text in facts.items() if text})
        unknown = not_known(self._images, known, self._platforms)
        if not unknown:
            return Seen(Condition.AS_WANTED, f"{len(self._images)} images, looked up before")
        found = self._look_up(unknown)
        self._refusal = refusal(found, len(self._images))
        if self._refusal is not None:
            if isinstance(self._refusal, Temporary):
                raise self._refusal
            told = lines(found.troubles)
            return Seen(Condition.DIFFERENT, f"{len(told)} images cannot be pulled", told)
        changed = _not_as_planned(unknown, found)
        if changed:
            self._refusal = _planned_without(changed)
            return Seen(
                Condition.DIFFERENT, "images were found that the plan did not know", changed
            )
        for each in learned(found):
            ctx.remember(each.reference, each.text)
        for words in warnings(self._images):
            ctx.note(words)
        return Seen(Condition.AS_WANTED, f"{len(self._images)} images can be pulled")

    def make(self, ctx: Context, seen: Seen) -> None:  # noqa: ARG002 - there is nothing to make
        """Only reached when an image cannot be pulled; raises before any write."""
        assert self._refusal is not None
        raise self._refusal

    def unmake(self, ctx: Context) -> None:
        """Nothing was made."""


# -- what is known ------------------------------------------------------------------------------


def learned(found: Resolution) -> tuple[KnownImage, ...]:
    """What registries said just now, by reference without our digest."""
    today = datetime.now(UTC).date()
    return tuple(
        KnownImage(each.reference, each.digest, today, each.compressed) for each in found.found
    )


def not_known(
    images: Sequence[PlannedImage], known: Sequence[KnownImage], platforms: Sequence[str]
) -> tuple[PlannedImage, ...]:
    """The images that must be looked up: of other digests than remembered, or other machines."""
    by_reference = {each.reference: each for each in known}
    return tuple(
        image
        for image in images
        if image.chosen
        and not (
            (there := by_reference.get(image.tagged)) is not None
            and there.digest == image.digest
            and there.covers(platforms)
        )
    )


def warnings(images: Sequence[PlannedImage]) -> tuple[str, ...]:
    """Images that can be pulled and yet should not be, with what to take instead."""
    told = ((image, vanished(image.tagged)) for image in images)
    return tuple(f"Image {image.tagged}: {entry.words()}" for image, entry in told if entry)


# -- what is wrong ------------------------------------------------------------------------------


class _NotNow(InstallError):
    exit_code = ExitCode.UNREACHABLE


def refusal(found: Resolution, count: int) -> InstallError | None:
    """One error for all images that cannot be pulled; Temporary where all may pass soon."""
    troubles = found.troubles
    if not troubles:
        return None
    what = f"{len(troubles)} of {count} container images cannot be pulled."
    why = "\n".join(lines(troubles))
    then = "\n".join(remedies(troubles))
    if not all(each.kind.passing for each in troubles):
        return AnswersError(what, why, f"{then}\n{_WITHOUT}")
    wait = max((each.retry_after or 0.0 for each in troubles), default=0.0)
    if wait > LONGEST_WAIT_SECONDS:
        minutes = -int(-wait // 60)
        return _NotNow(what, why, f"Run again in {minutes} minutes. {then}")
    return Unreachable(what, why, then, retry_after=wait or None)


_WITHOUT = "What uses an image you cannot have may be switched off under modules."


def _not_as_planned(images: Sequence[PlannedImage], found: Resolution) -> tuple[str, ...]:
    by_reference: Mapping[str, Resolved] = {each.reference: each for each in found.found}
    return tuple(
        f"{image.tagged} is {by_reference[image.tagged].digest} now"
        for image in images
        if by_reference[image.tagged].digest != image.digest
    )


def _planned_without(changed: Sequence[str]) -> InstallError:
    """What is applied must name what was looked up, or the next run would change it again."""
    return InstallError(
        "Some images were found only after the plan had been made, or moved meanwhile.",
        "\n".join(changed),
        "Run the same command again: then they are part of the plan. Nothing was made.",
    )
