"""Installing, planning and removing over a small world."""

from __future__ import annotations

from pathlib import Path

import pytest

from installer.engine.errors import ExitCode, InstallError, Parked, Temporary
from installer.engine.events import Ending, Outcome, Retrying, StepFailed, StepFinished
from installer.engine.order import in_order
from installer.engine.step import Context, Seen, StopFlag
from tests.engine.small_world import Run, Thing, World, chain


def test_an_installation_makes_everything_in_order_of_need(tmp_path: Path) -> None:
    world = World()
    result = Run(tmp_path, chain(world)).install()
    assert result.ending is Ending.DONE
    assert world.calls[0] == "ground"
    assert world.calls[-1] == "roof"
    assert sorted(world.calls) == ["ground", "left", "right", "roof"]


def test_a_second_run_changes_nothing_and_says_so(tmp_path: Path) -> None:
    world = World()
    Run(tmp_path, chain(world)).install()
    again = Run(tmp_path, chain(world)).install()
    assert again.ending is Ending.NOTHING_TO_DO
    assert again.exit_code == ExitCode.OK
    assert len(world.calls) == 4


def test_drift_is_shown_by_a_plan_and_repaired_by_an_installation(tmp_path: Path) -> None:
    world = World()
    Run(tmp_path, chain(world)).install()
    world.things["left"] = "drifted"
    plan = Run(tmp_path, chain(world))
    plan.runner.plan()
    finished = {e.step: e for e in plan.events if isinstance(e, StepFinished)}
    assert finished["left"].outcome is Outcome.WOULD_REPAIR
    assert finished["left"].words == "colour: blue -> red"
    assert world.things["left"] == "drifted"
    assert Run(tmp_path, chain(world)).install().changed == 1
    assert world.things["left"] != "drifted"


def test_a_plan_on_an_empty_world_says_that_all_would_be_made(tmp_path: Path) -> None:
    world = World()
    run = Run(tmp_path, chain(world))
    run.runner.plan()
    outcomes = [e.outcome for e in run.events if isinstance(e, StepFinished)]
    assert outcomes == [Outcome.WOULD_MAKE] * 4
    assert world.calls == []


def test_what_is_not_ours_stops_the_run_and_is_not_touched(tmp_path: Path) -> None:
    world = World(things={"left": "foreign"})
    result = Run(tmp_path, chain(world)).install()
    assert result.exit_code == ExitCode.NOT_OURS
    assert world.things["left"] == "foreign"
    assert "roof" not in world.things


def test_removal_leaves_what_is_not_ours(tmp_path: Path) -> None:
    world = World()
    Run(tmp_path, chain(world)).install()
    world.things["left"] = "foreign"
    Run(tmp_path, chain(world)).runner.destroy()
    assert world.things == {"left": "foreign"}


def test_removal_goes_in_reverse_and_ends_in_an_empty_world(tmp_path: Path) -> None:
    world = World()
    Run(tmp_path, chain(world)).install()
    run = Run(tmp_path, chain(world))
    result = run.runner.destroy()
    removed = [e.step for e in run.events if isinstance(e, StepFinished)]
    assert (removed[0], removed[-1]) == ("roof", "ground")
    assert world.things == {}
    assert result.changed == 4
    assert Run(tmp_path, chain(world)).runner.destroy().ending is Ending.NOTHING_TO_DO


class Stubborn(Thing):
    """Says it is removed, but is not."""

    def unmake(self, ctx: Context) -> None:
        pass


def test_removal_does_not_believe_itself(tmp_path: Path) -> None:
    world = World()
    Run(tmp_path, (Stubborn(world, "rock"),)).install()
    result = Run(tmp_path, (Stubborn(world, "rock"),)).runner.destroy()
    assert result.ending is Ending.FAILED
    assert result.error is not None
    assert "still there" in result.error.what


class Failing(Thing):
    """Fails with the errors it was given, one a time, then works."""

    def __init__(self, world: World, name: str, errors: list[Exception], *needs: str) -> None:
        super().__init__(world, name, *needs)
        self.errors = errors

    def make(self, ctx: Context, seen: Seen) -> None:
        if self.errors:
            raise self.errors.pop(0)
        super().make(ctx, seen)


def test_a_temporary_failure_is_tried_again_with_growing_pauses(tmp_path: Path) -> None:
    errors: list[Exception] = [Temporary("busy"), Temporary("busy", retry_after=30)]
    run = Run(tmp_path, (Failing(World(), "wall", errors),))
    assert run.install().ending is Ending.DONE
    assert [e.pause for e in run.events if isinstance(e, Retrying)] == [5.0, 30]


def test_a_temporary_failure_that_stays_ends_the_run(tmp_path: Path) -> None:
    errors: list[Exception] = [Temporary("busy") for _ in range(9)]
    run = Run(tmp_path, (Failing(World(), "wall", errors),))
    assert run.install().ending is Ending.FAILED
    assert len(errors) == 5


def test_a_permanent_failure_is_not_tried_again(tmp_path: Path) -> None:
    errors: list[Exception] = [InstallError("no", "because", "do this"), InstallError("no")]
    run = Run(tmp_path, (Failing(World(), "wall", errors), Thing(World(), "roof", "wall")))
    result = run.install()
    assert len(errors) == 1
    failed = [e for e in run.events if isinstance(e, StepFailed)]
    assert [(e.what, e.why, e.then) for e in failed] == [("no", "because", "do this")]
    assert result.exit_code == ExitCode.FAILED


def test_waiting_for_capacity_is_not_a_failure(tmp_path: Path) -> None:
    errors: list[Exception] = [Parked("no room", "", "later")]
    result = Run(tmp_path, (Failing(World(), "wall", errors),)).install()
    assert (result.ending, result.exit_code) == (Ending.PARKED, ExitCode.PARKED)


def test_a_mistake_of_ours_looks_like_one_and_shows_no_inner_text(tmp_path: Path) -> None:
    errors: list[Exception] = [KeyError("hunter2-inner-detail")]
    run = Run(tmp_path, (Failing(World(), "wall", errors),))
    result = run.install()
    assert result.exit_code == ExitCode.BUG
    assert "hunter2" not in str(run.events)


def test_a_request_to_stop_ends_before_the_next_step_and_is_resumed(tmp_path: Path) -> None:
    world = World()
    stop = StopFlag()
    world.after_create = lambda name: stop.request() if name == "ground" else None
    result = Run(tmp_path, chain(world), stop).install()
    assert (result.ending, result.exit_code) == (Ending.STOPPED, ExitCode.STOPPED)
    assert world.calls == ["ground"]
    world.after_create = lambda _name: None
    assert Run(tmp_path, chain(world)).install().ending is Ending.DONE
    assert sorted(world.calls) == ["ground", "left", "right", "roof"]


def test_a_stop_during_a_wait_parks_the_step(tmp_path: Path) -> None:
    stop = StopFlag()

    class Slow(Thing):
        def make(self, ctx: Context, seen: Seen) -> None:
            super().make(ctx, seen)
            ctx.wait("the paint", self._wet, every=1)

        def _wet(self) -> str:
            stop.request()
            return "still wet"

    run = Run(tmp_path, (Slow(World(), "wall"),), stop)
    assert run.install().ending is Ending.STOPPED


def test_a_wait_that_takes_too_long_names_what_it_waited_for(tmp_path: Path) -> None:
    class Never(Thing):
        def make(self, ctx: Context, seen: Seen) -> None:
            ctx.wait("the paint", lambda: "still wet", every=1, at_most=3)

    run = Run(tmp_path, (Never(World(), "wall"),))
    error = run.install().error
    assert error is not None
    assert "the paint" in error.what
    assert "still wet" in error.why


def test_steps_that_need_each_other_in_a_circle_are_refused() -> None:
    world = World()
    with pytest.raises(ValueError, match="circle"):
        in_order((Thing(world, "hen", "egg"), Thing(world, "egg", "hen")))


class Check(Thing):
    """Only looks."""

    checks_only = True


def test_a_step_that_only_checks_does_not_hinder_a_removal(tmp_path: Path) -> None:
    world = World(things={"account": "id-0"})
    steps = (Check(world, "account"), Thing(world, "wall", "account"))
    Run(tmp_path, steps).install()
    assert Run(tmp_path, steps).runner.destroy().ending is Ending.DONE
    assert world.things == {"account": "id-0"}


def test_a_check_that_was_made_again_is_not_counted_as_a_change(tmp_path: Path) -> None:
    run = Run(tmp_path, (Check(World(), "account"),))
    result = run.install()
    assert (result.ending, result.changed) == (Ending.NOTHING_TO_DO, 0)
    (finished,) = [each for each in run.events if isinstance(each, StepFinished)]
    assert finished.outcome is Outcome.CHECKED


class FarSighted(Thing):
    """Can look even when what it needs is gone."""

    looks_alone = True


def test_removal_finds_what_stands_on_something_that_was_removed_by_hand(tmp_path: Path) -> None:
    world = World()
    steps = (Thing(world, "ground"), FarSighted(world, "house", "ground"))
    Run(tmp_path, steps).install()
    del world.things["ground"]
    Run(tmp_path, steps).runner.destroy()
    assert world.things == {}
