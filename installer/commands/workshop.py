"""The engine room: opens state, lock, log and the world, and runs the steps.

Everything that touches a network starts here; both SDKs are loaded by the rooms it calls.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from installer.answers.model import Answers
from installer.answers.sources import Gathered
from installer.answers.writing import write_answers
from installer.commands.conclusion import conclude
from installer.commands.going_back import keep_what_worked
from installer.commands.rehearsal import RehearsalWorld
from installer.commands.remembering import images_remembered, with_images
from installer.commands.secrets import try_all
from installer.commands.sources import Case, in_our_words
from installer.conversation import Conclusion, Finding
from installer.engine.errors import NotOurs, Stopped, Temporary
from installer.engine.events import Event, Note, Outcome, Report
from installer.engine.lock import Lock
from installer.engine.log import Log
from installer.engine.places import prepare
from installer.engine.retrying import RetryPolicy
from installer.engine.run import Result, Runner
from installer.engine.state import Installation, State, remembered
from installer.engine.step import Context, StopFlag
from installer.modules.images import IMAGES
from installer.plan import Plan, Surroundings
from installer.smoke.trying import Finding as Tried

if TYPE_CHECKING:
    from installer.commands.pulling import Found, ImageNow, Pulls
    from installer.commands.requested import JobTold, JobWanted
    from installer.commands.target import Target
    from installer.kube.contents import Contents
    from installer.oracle.doctor import Diagnosis
    from installer.steps.secrets import Secrets

T = TypeVar("T")


@dataclass(frozen=True)
class Bench:
    """What one run works with; open while the lock is held."""

    state: State
    log: Log
    target: Target


class Workshop:
    """Works on one installation. A context manager: a rehearsal stays open between calls."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._open = ExitStack()
        self._world: RehearsalWorld | None = None
        self._pulls: Pulls | None = None
        self._looked = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the rehearsal, if there is one."""
        self._open.close()
        self._world = None
        self._pulls = None
        self._looked = False

    def unfinished(self) -> str:
        """A sentence about an earlier run that can be continued; empty when there is none."""
        with remembered(self.case.home.state) as state:
            steps = state.steps() if state else {}
        cut_off = [step for step in steps.values() if step.status == "started"]
        if cut_off:
            return f"An earlier run was cut off in step {cut_off[0].id}; it will go on there."
        if steps:
            return f"Installation {self.case.name} exists already; only differences are changed."
        return ""

    def _known(self) -> Installation | None:
        """The installation, where this machine knows one."""
        with remembered(self.case.home.state) as state:
            if state is None or not state.has_identity:
                return None
            return state.installation(self.case.name)

    # -- runs ---------------------------------------------------------------------------------

    def save_answers(self, gathered: Gathered[Answers]) -> str:
        """Write the file that repeats these answers; returns its path."""
        home = self.case.home
        prepare(home)
        # Not while another run works from them.
        with Lock(home.lock):
            return str(in_our_words(lambda: write_answers(gathered, home.answers)))

    def survey(
        self, answers: Answers, stop: StopFlag, *, patient: bool = True
    ) -> tuple[Surroundings, tuple[Finding, ...]]:
        """Look at the account or the cluster before a run; changes nothing.

        Who is not `patient` is told at once what may pass by itself. Raises Locked when another
        run is at work.
        """
        stop_if_asked(stop)
        self._who_is_at_work()
        with ExitStack() as open_now:
            target = self._looking_at(answers, open_now)
            known = self._known()
            if patient:
                seen, findings = patiently(lambda: target.survey(known), stop, target.pace)
            else:
                seen, findings = target.survey(known)
        return with_images(seen, images_remembered(self.case)), findings

    def examine(self, plan: Plan) -> Iterator[Diagnosis]:
        """Everything the installation depends on, as it is looked at; changes nothing."""
        with ExitStack() as open_now:
            yield from self._looking_at(plan.answers, open_now).examine(plan)
            yield from self._images(plan.answers).examine(plan)

    def find_images(self, plan: Plan, stop: StopFlag, *, patient: bool = False) -> Found:
        """Look up the images of a plan that are not known; changes nothing.

        Who is `patient` looks again after what passes by itself, and gets it as an error when it
        does not pass; otherwise it is among the findings like the rest.
        """
        stop_if_asked(stop)
        with ExitStack() as open_now:
            pace = self._looking_at(plan.answers, open_now).pace
            images = self._images(plan.answers)
            if not patient:
                return images.find(plan)
            return patiently(lambda: images.find_or_wait(plan), stop, pace)

    def images_now(self, plan: Plan) -> tuple[ImageNow, ...]:
        """Every image of a plan as its registry has it at this moment; changes nothing."""
        with ExitStack() as open_now:
            self._looking_at(plan.answers, open_now)
            return self._images(plan.answers).now(plan)

    def refresh_images(self, plan: Plan) -> tuple[ImageNow, ...]:
        """Remember what every tag is at this moment; the next run takes it. Returns what was."""
        from installer.commands.pulling import newest_of

        with ExitStack() as open_now:
            bench = self._bench(plan.answers, open_now)
            told = self._images(plan.answers).now(plan)
            for known in newest_of(told):
                bench.state.remember(IMAGES, known.reference, known.text)
            return told

    def _images(self, answers: Answers) -> Pulls:
        """Kept from call to call, so that nothing is asked twice; a world must be there first."""
        from installer.commands.pulling import Pulls

        if self._pulls is None or not self._pulls.fits(answers):
            endpoint = self._world.address.registry if self._world else ""
            self._pulls = Pulls(answers, endpoint)
        return self._pulls

    def install(self, plan: Plan, report: Report, stop: StopFlag) -> Conclusion:
        """Make everything as planned."""
        result = self._run(plan, report, stop, lambda runner: runner.install(), first=try_all)
        keep_what_worked(self.case.home, result.ending)
        return conclude(self.case, plan, result)

    def try_out(self, plan: Plan, stop: StopFlag) -> Iterator[Tried]:
        """Try what is installed, as it is tried; changes nothing but what using it changes."""
        from installer.steps.smoke import SMOKE, Smoke

        with ExitStack() as open_now:
            bench = self._bench(plan.answers, open_now)
            installation = self._identity(bench, lambda _event: None, stop)
            step = next(one for one in bench.target.steps(plan) if isinstance(one, Smoke))
            context = Context(
                SMOKE, bench.state, installation, lambda _event: None, stop, bench.target.pace
            )
            yield from step.findings(context)

    def secret_value(self, plan: Plan, namespace: str, name: str, key: str) -> str:
        """One value of a Secret in the cluster; empty when it is not there."""
        with ExitStack() as open_now:
            context, step = self._inside(plan, open_now)
            seen = step.cluster(context).secret(namespace, name)
            return seen.values.get(key, "") if seen else ""

    def contents(self, plan: Plan) -> Contents:
        """What is ours in the cluster at this moment; only where there is a cluster to ask."""
        with ExitStack() as open_now:
            context, step = self._inside(plan, open_now)
            return step.cluster(context).contents(step.stamp(context))

    def run_job(self, plan: Plan, wanted: JobWanted) -> JobTold:
        """A job of the cluster, run now to its end."""
        from installer.commands.requested import run_now

        with ExitStack() as open_now:
            context, step = self._inside(plan, open_now)
            return run_now(step.cluster(context), step.stamp(context), context, wanted)

    def _inside(self, plan: Plan, open_now: ExitStack) -> tuple[Context, Secrets]:
        """A step that knows the cluster, and what it works with."""
        from installer.steps.secrets import SECRETS, Secrets

        stop = StopFlag()
        bench = self._bench(plan.answers, open_now)
        installation = self._identity(bench, lambda _event: None, stop)
        step = next(one for one in bench.target.steps(plan) if isinstance(one, Secrets))
        pace = bench.target.pace
        context = Context(SECRETS, bench.state, installation, lambda _event: None, stop, pace)
        return context, step

    def destroy(self, plan: Plan, report: Report, stop: StopFlag) -> Result:
        """Remove everything that is ours."""
        result = self._run(plan, report, stop, lambda runner: runner.destroy())
        if result.error is None:
            self._forget()
        return result

    def look(self, plan: Plan, report: Report, stop: StopFlag) -> Result:
        """Look at every step and change nothing."""
        return self._run(plan, report, stop, lambda runner: runner.plan())

    def _run(
        self,
        plan: Plan,
        report: Report,
        stop: StopFlag,
        work: Callable[[Runner], Result],
        first: Callable[[Plan], None] = lambda _plan: None,
    ) -> Result:
        """`first` is done before anything is made, in a run that comes before all Secrets."""
        with ExitStack() as open_now:
            bench = self._bench(plan.answers, open_now)
            # Later runs find the Secrets in the cluster and need no reference any more.
            if not _has_secrets(bench.state):
                first(plan)
            installation = self._identity(bench, report, stop)

            def listen(event: Event) -> None:
                bench.log.event(event)
                report(event)

            runner = Runner(
                bench.target.steps(plan),
                bench.state,
                installation,
                listen,
                stop,
                pace=bench.target.pace,
                trace=bench.log.write,
            )
            result = work(runner)
            self._leave_kubeconfig(bench.target)
            return result

    def _leave_kubeconfig(self, target: Target) -> None:
        """Beside the state and never merged into the person's own file; holds no secret."""
        document = target.kubeconfig(self.case.name)
        if document is not None:
            self.case.home.kubeconfig.write_text(json.dumps(document, indent=2) + "\n")
            self.case.home.kubeconfig.chmod(0o600)

    def _identity(self, bench: Bench, report: Report, stop: StopFlag) -> Installation:
        """This installation; found again by its tags when this machine does not know it."""
        name = self.case.name
        if not bench.state.has_identity:
            earlier = patiently(lambda: bench.target.earlier(name), stop, bench.target.pace)
            if len(earlier) > 1:
                raise _ambiguous(name, earlier)
            if earlier:
                bench.state.adopt(earlier[0])
                report(Note(f"An installation {name} is there already; going on with it."))
        return bench.state.installation(name)

    def _bench(self, answers: Answers, open_now: ExitStack) -> Bench:
        home = self.case.home
        prepare(home)
        open_now.enter_context(Lock(home.lock))
        state = State(home.state)
        open_now.callback(state.close)
        log = Log(home.log)
        open_now.callback(log.close)
        return Bench(state, log, self._target(answers, open_now))

    def _looking_at(self, answers: Answers, open_now: ExitStack) -> Target:
        """The target for those who only look. A rehearsed world belongs to one run at a time, so
        that whoever else is at work is named instead of starting it twice."""
        if self.case.rehearsal:
            self._who_is_at_work()
        return self._target(answers, open_now)

    def _who_is_at_work(self) -> None:
        """Raises Locked when another run holds the installation; asked once, before it is looked
        at: what a run is changing is half of what it will be. Makes no folder for a real one that
        nobody has begun."""
        if self._looked:
            return
        self._looked = True
        if self.case.rehearsal:
            prepare(self.case.home)
        if self.case.rehearsal or self.case.home.lock.exists():
            with Lock(self.case.home.lock):
                pass

    def _target(self, answers: Answers, open_now: ExitStack) -> Target:
        if self.case.rehearsal and self._world is None:
            prepare(self.case.home)
            # The world gets ready while this process loads the SDKs.
            self._world = self._open.enter_context(
                RehearsalWorld(self.case.home, self.case.speed, self.case.weather, self.case.region)
            )
        # Here and not above: it loads both SDKs, and a screen is drawn before that.
        from installer.commands.target import open_target

        pulls = self._images(answers)
        return open_now.enter_context(open_target(answers, self._world, pulls))

    def _forget(self) -> None:
        """After a proven removal: the next installation of this name is a new one."""
        with remembered(self.case.home.state) as state:
            if state is not None:
                state.forget_everything()


def _has_secrets(state: State) -> bool:
    from installer.steps.secrets import SECRETS

    step = state.steps().get(SECRETS)
    return step is not None and step.status in (Outcome.MADE, Outcome.UNCHANGED, Outcome.REPAIRED)


def _ambiguous(name: str, found: tuple[str, ...]) -> NotOurs:
    return NotOurs(
        f"There are {len(found)} installations named {name}.",
        f"Their ids are {', '.join(found)}, and this machine does not know which one is meant.",
        "Choose another name for a new one, or run on the machine that holds the state.",
    )


def patiently(look: Callable[[], T], stop: StopFlag, pace: float) -> T:
    """Look again after what passes by itself, as the engine does between its steps."""
    policy = RetryPolicy()
    for attempt in range(1, policy.attempts + 1):
        try:
            return look()
        except Temporary as error:
            pause = policy.pause(error, attempt)
            if pause is None:
                raise
            stop.sleep(pause * pace)
            stop_if_asked(stop)
    raise AssertionError("unreachable: the last attempt returns or raises")


def stop_if_asked(stop: StopFlag) -> None:
    """Raises Stopped when the person asked to stop before anything began."""
    if stop.requested:
        raise Stopped()
