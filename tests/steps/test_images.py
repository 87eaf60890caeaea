"""The step that looks images up: what it asks, remembers and refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from installer.engine.errors import AnswersError, ExitCode
from installer.engine.events import Ending, Event, Note
from installer.engine.run import Result, Runner
from installer.engine.state import State
from installer.modules.images import IMAGES, KnownImage, Origin, PlannedImage, known_images
from installer.registry.resolving import Resolution, Resolved
from installer.registry.troubles import Kind, RegistryTrouble
from installer.steps.images import LONGEST_WAIT_SECONDS, ImagesCanBePulled, not_known, refusal

ARM, BOTH = ("linux/arm64",), ("linux/arm64", "linux/amd64")
DIGEST, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def image(tagged: str, digest: str = DIGEST) -> PlannedImage:
    return PlannedImage(tagged, "m", Origin.LOCK, tagged, f"{tagged}@{digest}", digest)


def trouble(kind: Kind, after: float | None = None) -> RegistryTrouble:
    return RegistryTrouble(kind, "quay.io/a/b:1", "so it is", host="quay.io", retry_after=after)


@dataclass
class Registry:
    """Has what is put in; `asked` is every image it was asked for."""

    has: dict[str, str]
    troubles: list[RegistryTrouble] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def look_up(self, images: Sequence[PlannedImage]) -> Resolution:
        self.asked += [each.tagged for each in images]
        found = [
            Resolved(each.tagged, self.has[each.tagged], ARM, (("linux/arm64", 5),))
            for each in images
            if each.tagged in self.has
        ]
        troubles = [self.troubles.pop(0) for each in images if each.tagged not in self.has]
        return Resolution(tuple(found), tuple(troubles))


@dataclass
class Run:
    """One run of the step alone on the state in a folder."""

    folder: Path
    registry: Registry
    events: list[Event] = field(default_factory=list)

    def __call__(self, *images: PlannedImage, verb: str = "install") -> Result:
        state = State(self.folder / "state.sqlite")
        step = ImagesCanBePulled(images, ARM, self.registry.look_up)
        try:
            identity = state.installation("health")
            runner = Runner([step], state, identity, self.events.append, pace=0.0)
            result: Result = getattr(runner, verb)()
            return result
        finally:
            state.close()

    def remembered(self) -> tuple[KnownImage, ...]:
        state = State(self.folder / "state.sqlite")
        try:
            return known_images(state.facts(IMAGES))
        finally:
            state.close()


def test_an_image_is_looked_up_once_and_remembered(tmp_path: Path) -> None:
    registry = Registry({"quay.io/a/b:1": DIGEST})
    run = Run(tmp_path, registry)
    assert run(image("quay.io/a/b:1")).ending is Ending.NOTHING_TO_DO
    (known,) = run.remembered()
    assert (known.reference, known.digest) == ("quay.io/a/b:1", DIGEST)
    # Nobody is asked again, not even when the tag has moved or the registry is gone.
    registry.has.clear()
    assert run(image("quay.io/a/b:1")).ending is Ending.NOTHING_TO_DO
    assert registry.asked == ["quay.io/a/b:1"]


def test_a_removal_asks_nobody(tmp_path: Path) -> None:
    registry = Registry({})
    assert Run(tmp_path, registry)(image("quay.io/a/b:1"), verb="destroy").error is None
    assert registry.asked == []


def test_one_that_nobody_has_named_is_not_looked_up(tmp_path: Path) -> None:
    registry = Registry({})
    unnamed = replace(image("x"), tagged="image-not-chosen.invalid/etl-engine:none")
    assert Run(tmp_path, registry)(unnamed).error is None
    assert registry.asked == []


def test_what_is_not_as_planned_is_neither_applied_nor_remembered(tmp_path: Path) -> None:
    run = Run(tmp_path, Registry({"quay.io/a/b:1": OTHER}))
    result = run(image("quay.io/a/b:1"))
    assert result.exit_code == ExitCode.FAILED
    assert result.error is not None
    assert "Run the same command again" in result.error.then
    assert run.remembered() == ()


def test_what_passes_is_waited_for_and_what_does_not_is_refused(tmp_path: Path) -> None:
    passing = [trouble(Kind.UNREACHABLE), trouble(Kind.RATE_LIMITED, 1.0)]
    registry = Registry({}, [*passing, trouble(Kind.NO_VERSION)])
    result = Run(tmp_path, registry)(image("quay.io/a/b:1"))
    assert len(registry.asked) == 3
    assert result.exit_code == ExitCode.ANSWERS
    assert isinstance(result.error, AnswersError)
    assert "1 of 1 container images" in result.error.what


def test_nobody_is_kept_waiting_for_hours() -> None:
    soon = refusal(Resolution((), (trouble(Kind.RATE_LIMITED, LONGEST_WAIT_SECONDS),)), 1)
    late = refusal(Resolution((), (trouble(Kind.RATE_LIMITED, LONGEST_WAIT_SECONDS + 1),)), 1)
    assert soon is not None
    assert late is not None
    assert (soon.exit_code, late.exit_code) == (ExitCode.UNREACHABLE, ExitCode.UNREACHABLE)
    assert getattr(soon, "retry_after", None) == LONGEST_WAIT_SECONDS
    assert not hasattr(late, "retry_after")
    assert "Run again in 11 minutes" in late.then


def test_other_machines_or_another_digest_must_be_looked_up_again() -> None:
    wanted = image("quay.io/a/b:1")
    known = KnownImage("quay.io/a/b:1", DIGEST, date(2026, 11, 1), (("linux/arm64", 5),))
    assert not_known([wanted], [known], ARM) == ()
    assert not_known([wanted], [known], ()) == ()
    assert not_known([wanted], [known], BOTH) == (wanted,)
    assert not_known([wanted], [replace(known, digest=OTHER)], ARM) == (wanted,)


def test_one_that_can_be_pulled_but_is_given_up_by_its_makers_is_told(tmp_path: Path) -> None:
    old = "docker.io/grafana/promtail:3"
    run = Run(tmp_path, Registry({old: DIGEST}))
    assert run(image(old)).error is None
    notes = [each.words for each in run.events if isinstance(each, Note)]
    assert any("alloy" in words for words in notes)
