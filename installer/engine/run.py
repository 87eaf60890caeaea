"""Walks the list of steps: to install, to see what would change, to remove.

Independent steps run side by side. After a failure nothing new starts, what is running ends in
its own time, and the first failure is the one reported.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from installer.engine.errors import (
    ExitCode,
    InstallError,
    NotOurs,
    Parked,
    Stopped,
    Temporary,
)
from installer.engine.events import (
    Ending,
    Event,
    Note,
    Outcome,
    Report,
    Retrying,
    RunFinished,
    RunStarted,
    StepFailed,
    StepFinished,
    StepLooked,
    StepStarted,
    Verb,
    masked,
)
from installer.engine.order import in_order, needed_by
from installer.engine.retrying import RetryPolicy
from installer.engine.state import Installation, State
from installer.engine.step import Condition, Context, Seen, Step, StopFlag

CHANGES = {Outcome.MADE, Outcome.REPAIRED, Outcome.REMOVED}
Trace = Callable[[str], None]


@dataclass(frozen=True)
class Result:
    """How a run ended; `seen` holds the last look of every step that was looked at."""

    ending: Ending
    exit_code: int
    changed: int
    error: InstallError | None
    seen: dict[str, Seen]


@dataclass
class _Progress:
    """What is known while the threads run; guarded by the runner's lock."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    error: InstallError | None = None


class Runner:
    """Runs a list of steps against one state. Each method is one complete run."""

    def __init__(
        self,
        steps: Sequence[Step],
        state: State,
        installation: Installation,
        report: Report,
        stop: StopFlag | None = None,
        pace: float = 1.0,
        policy: RetryPolicy | None = None,
        trace: Trace | None = None,
        workers: int = 6,
    ) -> None:
        self.steps = in_order(steps)
        self._state = state
        self._installation = installation
        self._guard = threading.Lock()
        self._listener = report
        self._stop = stop or StopFlag()
        self._pace = pace
        self._policy = policy or RetryPolicy()
        self._trace = trace or (lambda _text: None)
        self._workers = workers
        self._progress = _Progress()
        self._verb = Verb.PLAN

    # -- the three runs -----------------------------------------------------------------------

    def install(self) -> Result:
        """Make everything as wanted; a second run changes nothing and says so."""
        needs = {step.id: set(step.needs) for step in self.steps}
        return self._run(Verb.INSTALL, lambda: self._walk(self.steps, needs, self._ensure))

    def plan(self) -> Result:
        """Look at everything and change nothing."""
        needs = {step.id: set(step.needs) for step in self.steps}
        return self._run(Verb.PLAN, lambda: self._walk(self.steps, needs, self._inspect))

    def destroy(self) -> Result:
        """Remove what is ours, in reverse, then look again to prove that it is gone."""
        return self._run(Verb.DESTROY, self._destroy)

    def _destroy(self) -> None:
        needs = {step.id: set(step.needs) for step in self.steps}
        self._walk(self.steps, needs, self._find)
        if self._progress.error is None:
            self._walk(tuple(reversed(self.steps)), needed_by(self.steps), self._remove)
        if self._progress.error is None:
            self._walk(self.steps, needs, self._prove)

    def _run(self, verb: Verb, work: Callable[[], None]) -> Result:
        started = time.monotonic()
        self._progress = _Progress()
        self._verb = verb
        self._report(
            RunStarted(verb, self._installation.name, tuple(step.info() for step in self.steps))
        )
        work()
        result = self._result()
        words = _closing_words(verb, result)
        seconds = time.monotonic() - started
        self._report(
            RunFinished(verb, result.ending, words, result.changed, result.exit_code, seconds)
        )
        return result

    def _result(self) -> Result:
        progress = self._progress
        changed = sum(1 for outcome in progress.outcomes.values() if outcome in CHANGES)
        if progress.error is None:
            ending = Ending.DONE if changed else Ending.NOTHING_TO_DO
            return Result(ending, ExitCode.OK, changed, None, progress.seen)
        return Result(
            _ending_of(progress.error),
            progress.error.exit_code,
            changed,
            progress.error,
            progress.seen,
        )

    # -- walking the graph --------------------------------------------------------------------

    def _walk(
        self, steps: Sequence[Step], needs: dict[str, set[str]], work: Callable[[Step], None]
    ) -> None:
        """Run `work` on each step once all it needs is done, side by side where that allows."""
        waiting = list(steps)
        done: set[str] = set()
        running: dict[Future[None], str] = {}
        with ThreadPoolExecutor(self._workers, thread_name_prefix="step") as pool:
            while waiting or running:
                if self._may_start():
                    for step in [each for each in waiting if needs[each.id] <= done]:
                        waiting.remove(step)
                        running[pool.submit(self._guarded, step, work)] = step.id
                if not running:
                    break
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                done |= {running.pop(future) for future in finished}

    def _may_start(self) -> bool:
        if self._progress.error is not None:
            return False
        if self._stop.requested:
            self._progress.error = Stopped()
            return False
        return True

    def _guarded(self, step: Step, work: Callable[[Step], None]) -> None:
        """Run one piece of work; whatever it raises becomes the run's error."""
        started = time.monotonic()
        try:
            work(step)
        except InstallError as error:
            self._fail(step, error, time.monotonic() - started)
        except Exception as error:  # noqa: BLE001 - a bug of ours must end the run in order
            self._trace(traceback.format_exc())
            self._fail(step, _bug(error), time.monotonic() - started)

    def _fail(self, step: Step, error: InstallError, seconds: float) -> None:
        with self._guard:
            first = self._progress.error is None
            if first or isinstance(self._progress.error, Stopped):
                self._progress.error = error
        self._state.step_finished(step.id, type(error).__name__.lower(), error.what)
        self._report(
            StepFailed(step.id, error.what, error.why, error.then, int(error.exit_code), seconds)
        )

    # -- work on one step ---------------------------------------------------------------------

    def _ensure(self, step: Step) -> None:
        started = time.monotonic()
        self._report(StepStarted(step.id))
        self._state.step_started(step.id)
        outcome, words = self._with_retries(step, self._ensure_once)
        self._finish(step, outcome, words, started)

    def _ensure_once(self, step: Step, ctx: Context) -> tuple[Outcome, str]:
        seen = self._look(step, ctx)
        if seen.condition is Condition.AS_WANTED:
            return Outcome.UNCHANGED, seen.words
        ctx.checkpoint()
        step.make(ctx, seen)
        if step.checks_only:
            return Outcome.CHECKED, seen.in_short
        repaired = seen.condition is Condition.DIFFERENT
        return (Outcome.REPAIRED, "; ".join(seen.changes)) if repaired else (Outcome.MADE, "")

    def _look(self, step: Step, ctx: Context) -> Seen:
        seen = step.look(ctx)
        with self._guard:
            self._progress.seen[step.id] = seen
        acts = seen.condition in (Condition.ABSENT, Condition.DIFFERENT)
        self._report(StepLooked(step.id, seen.condition, seen.words, acts, seen.telling))
        if seen.condition is Condition.NOT_OURS:
            raise _in_the_way(step, seen)
        return seen

    def _with_retries(
        self, step: Step, work: Callable[[Step, Context], tuple[Outcome, str]]
    ) -> tuple[Outcome, str]:
        ctx = self._context(step)
        for attempt in range(1, self._policy.attempts + 1):
            try:
                return work(step, ctx)
            except Temporary as error:
                pause = self._policy.pause(error, attempt)
                if pause is None:
                    raise
                self._report(
                    Retrying(step.id, error.what, error.why, attempt, self._policy.attempts, pause)
                )
                ctx.pause(pause)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _inspect(self, step: Step) -> None:
        """Look only; what depends on something absent is absent too and cannot be asked."""
        started = time.monotonic()
        self._report(StepStarted(step.id))
        if self._is_out_of_sight(step, Condition.ABSENT, Condition.NOT_OURS):
            seen = Seen(Condition.ABSENT, "comes after something that is not there yet")
            with self._guard:
                self._progress.seen[step.id] = seen
        else:
            self._with_retries(step, self._look_once)
        seen = self._progress.seen[step.id]
        verdicts = {
            Condition.AS_WANTED: Outcome.UNCHANGED,
            Condition.ABSENT: Outcome.WOULD_MAKE,
            Condition.DIFFERENT: Outcome.WOULD_REPAIR,
            Condition.NOT_OURS: Outcome.LEFT,
        }
        words = seen.in_short
        self._finish(step, verdicts[seen.condition], words, started, durable=False)

    def _look_once(self, step: Step, ctx: Context) -> tuple[Outcome, str]:
        seen = step.look(ctx)
        with self._guard:
            self._progress.seen[step.id] = seen
        return Outcome.UNCHANGED, seen.words

    def _is_out_of_sight(self, step: Step, *missing: Condition) -> bool:
        """Whether the step cannot look, since something it needs is in such a condition."""
        if step.looks_alone:
            return False
        return any(self._progress.seen[need].condition in missing for need in step.needs)

    def _find(self, step: Step) -> None:
        """First pass of a removal: learn again what is there."""
        if self._is_out_of_sight(step, Condition.ABSENT):
            with self._guard:
                self._progress.seen[step.id] = Seen(Condition.ABSENT)
            return
        self._with_retries(step, self._look_once)

    def _remove(self, step: Step) -> None:
        started = time.monotonic()
        seen = self._progress.seen[step.id]
        self._report(StepStarted(step.id))
        if step.checks_only:
            self._finish(step, Outcome.CHECKED, "", started)
            return
        if seen.condition is Condition.NOT_OURS:
            self._report(Note(f"{step.title}: not ours, left alone. {seen.words}", step.id))
            self._finish(step, Outcome.LEFT, seen.words, started)
            return
        if seen.condition is Condition.ABSENT:
            self._state.forget(step.id)
            self._finish(step, Outcome.ABSENT, seen.words, started)
            return
        self._state.step_started(step.id)
        outcome, words = self._with_retries(step, self._remove_once)
        self._state.forget(step.id)
        self._finish(step, outcome, words, started)

    def _remove_once(self, step: Step, ctx: Context) -> tuple[Outcome, str]:
        step.unmake(ctx)
        return Outcome.REMOVED, ""

    def _prove(self, step: Step) -> None:
        """Last pass of a removal: nothing of ours may be seen any more."""
        if self._is_out_of_sight(step, Condition.ABSENT):
            with self._guard:
                self._progress.seen[step.id] = Seen(Condition.ABSENT)
            return
        self._with_retries(step, self._look_once)
        seen = self._progress.seen[step.id]
        there = seen.condition in (Condition.AS_WANTED, Condition.DIFFERENT)
        if there and not step.checks_only:
            raise InstallError(
                f"{step.title} is still there after its removal.",
                seen.words,
                "Run health-install destroy again; if it stays, remove it in the provider's "
                "console.",
            )

    def _finish(
        self, step: Step, outcome: Outcome, words: str, started: float, *, durable: bool = True
    ) -> None:
        with self._guard:
            self._progress.outcomes[step.id] = outcome
        if durable:
            self._state.step_finished(step.id, outcome, words)
        self._report(StepFinished(step.id, outcome, words, time.monotonic() - started))

    def _context(self, step: Step) -> Context:
        return Context(
            step.id,
            self._state,
            self._installation,
            self._report,
            self._stop,
            self._pace,
            removing=self._verb is Verb.DESTROY,
        )

    def _report(self, event: Event) -> None:
        # Listeners are simple and single-minded; they need not be thread-safe.
        with self._guard:
            self._listener(masked(event))


def _ending_of(error: InstallError) -> Ending:
    if isinstance(error, Stopped):
        return Ending.STOPPED
    return Ending.PARKED if isinstance(error, Parked) else Ending.FAILED


def _in_the_way(step: Step, seen: Seen) -> NotOurs:
    return NotOurs(
        f"{step.title}: something that is not ours is in the way.",
        seen.words,
        "Rename or remove it, or choose another installation name; we never change what does "
        "not carry our tag.",
    )


class _Bug(InstallError):
    exit_code = ExitCode.BUG


def _bug(error: Exception) -> InstallError:
    return _Bug(
        "health-install made a mistake of its own.",
        f"{type(error).__name__}",
        "The log holds the details; everything made so far is kept. Please report it.",
    )


def _closing_words(verb: Verb, result: Result) -> str:
    if result.error is not None:
        return result.error.what
    if verb is Verb.PLAN:
        waiting = sum(
            1 for seen in result.seen.values() if seen.condition is not Condition.AS_WANTED
        )
        return f"{waiting} steps would change something." if waiting else "Nothing would change."
    if verb is Verb.DESTROY:
        return "Everything that was ours is gone." if result.changed else "Nothing was there."
    if result.changed:
        return f"Done: {result.changed} steps changed something."
    return "Nothing changed: everything is as wanted."
