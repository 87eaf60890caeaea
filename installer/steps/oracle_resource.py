"""What every step has in common that makes sure of one thing at Oracle.

Found by the id in our state, then by our tag and its name, so that a lost state is found again. A
namesake without our tag is never touched.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, TypeVar

from installer.engine.errors import InstallError, NotOurs, Temporary
from installer.engine.step import Condition, Context, Seen, Step
from installer.oracle.account import Account
from installer.oracle.errors import TokenSpent
from installer.oracle.resource import Life, Resource, Started, tags_for
from installer.oracle.work_requests import WorkRequest, WorkRequests

R = TypeVar("R", bound=Resource)
OpenAccount = Callable[[], Account]

COMPARTMENT = "compartment"
# What was just made may not be found for a while; within this time (seconds) "not found" of an id
# we hold means "not yet" rather than "removed by somebody".
FRESH_SECONDS = 300.0
# So often may a thing look alive after its removal was asked for.
PATIENT_LOOKS = 5
# Oracle is asked at least this often (seconds) about what we wait for.
LONGEST_SILENCE = 30.0


class Sparingly:
    """Asks seldom while the usual end is far off, then every time; in between repeats the answer.

    What takes minutes would otherwise cost hundreds of calls. `usually` is in seconds, as passed
    by the clock of the world (`pace`).
    """

    def __init__(self, ask: Callable[[], str | None], usually: float, pace: float) -> None:
        self._ask = ask
        self._usually = usually
        self._pace = pace
        self._begun = time.monotonic()
        self._next = 0.0
        self._said: str | None = None

    def __call__(self) -> str | None:
        elapsed = (time.monotonic() - self._begun) / self._pace
        if elapsed >= self._next:
            self._said = self._ask()
            self._next = elapsed + min(LONGEST_SILENCE, max(0.0, self._usually - elapsed) / 6)
        return self._said


class OracleResource(Step, Generic[R]):
    """One thing at Oracle, found, made, repaired and removed.

    `noun` is how people call it; `suffix` ends its display name. Times are in seconds.
    """

    noun: ClassVar[str]
    suffix: str
    kind: ClassVar[str]
    group = "Network"
    every: float = 2.0
    at_most: float = 1800.0
    removal_usually: float = 5.0
    looks_alone = True

    def __init__(self, account: OpenAccount) -> None:
        self.account = account
        self._came_back = 0

    # -- what each kind says for itself ---------------------------------------------------------

    @abstractmethod
    def get(self, ctx: Context, resource_id: str) -> R | None:
        """By id; None when absent."""

    @abstractmethod
    def named(self, ctx: Context, name: str) -> Sequence[R]:
        """All of that name where ours would be; without those that are gone."""

    @abstractmethod
    def create(self, ctx: Context, name: str, retry_token: str) -> Started:
        """The creating call."""

    @abstractmethod
    def delete(self, ctx: Context, found: R) -> str:
        """The removing call; returns the work request's id where there is one."""

    def differences(self, ctx: Context, found: R) -> tuple[str, ...]:  # noqa: ARG002
        """One line for each thing that is not as wanted."""
        return ()

    def repair(self, ctx: Context, found: R) -> None:
        """Make it as wanted again."""

    def learned(self, ctx: Context, found: R) -> None:
        """Remember facts that other steps need."""

    def failure(self, ctx: Context, found: R | None, said: Sequence[str]) -> InstallError:  # noqa: ARG002
        """The error for a creation that failed; `said` are Oracle's sentences."""
        reasons = "; ".join([*said, *([found.details] if found and found.details else [])])
        return InstallError(
            f"{self.title}: Oracle could not make it.",
            f"Oracle says: {reasons or 'nothing more'}",
            "Run the same command again: it removes what failed and makes a new one.",
        )

    # -- names and places -------------------------------------------------------------------------

    def name(self, ctx: Context) -> str:
        """The display name at Oracle."""
        return f"{ctx.installation.name}-{self.suffix}"

    def tags(self, ctx: Context) -> dict[str, str]:
        """The freeform tags on it."""
        return tags_for(ctx.installation.id, ctx.installation.name)

    def compartment(self, ctx: Context) -> str:
        """OCID of the compartment all is in; "" while there is none."""
        return ctx.recall("id", COMPARTMENT) or ""

    def stands_on(self, ctx: Context) -> bool:
        """Whether what it needs exists, so that it can exist at all."""
        return all(ctx.recall("id", need) for need in self.places())

    def places(self) -> tuple[str, ...]:
        """Ids of the steps without whose things this one cannot be asked for."""
        return (COMPARTMENT,)

    # -- look -------------------------------------------------------------------------------------

    def look(self, ctx: Context) -> Seen:
        """Find it again, whatever our state says, and compare."""
        if not self.stands_on(ctx):
            return Seen(Condition.ABSENT, "what it stands on is not there yet")
        found, strangers = self._find(ctx)
        if found is None and strangers:
            return Seen(Condition.NOT_OURS, self._in_the_way(strangers[0]))
        if found is None:
            self._remember_nothing(ctx)
            return Seen(Condition.ABSENT)
        self._remember(ctx, found)
        return self._compared(ctx, found)

    def _compared(self, ctx: Context, found: R) -> Seen:
        told = f"{self.noun} {found.name} {found.life}"
        if found.life is Life.COMING:
            return Seen(Condition.DIFFERENT, told, (f"wait for the {self.noun} to be ready",))
        if found.life is Life.GOING:
            return Seen(Condition.DIFFERENT, told, (f"make a new {self.noun} once it is gone",))
        if found.life is Life.BROKEN:
            return Seen(Condition.DIFFERENT, told, (f"replace the failed {self.noun}",))
        changes = self.differences(ctx, found)
        condition = Condition.DIFFERENT if changes else Condition.AS_WANTED
        return Seen(condition, self.told(ctx, found), changes)

    def told(self, ctx: Context, found: R) -> str:  # noqa: ARG002
        """A word or two on what is there."""
        return found.name

    def _find(self, ctx: Context) -> tuple[R | None, Sequence[R]]:
        """Ours, or the namesakes that are not."""
        known = ctx.recall("id") or ctx.made(self.kind)
        if known:
            found = self.get(ctx, known)
            if found is None:
                self._refuse_to_forget(ctx)
            elif found.life is not Life.GONE and found.is_of(ctx.installation.id):
                return found, ()
        namesakes = self.named(ctx, self.name(ctx))
        ours = [each for each in namesakes if each.is_of(ctx.installation.id)]
        # Of several, one that is there before one that is on its way out.
        ours.sort(key=lambda each: (each.life is Life.GOING, each.life is Life.BROKEN, each.id))
        if not ours:
            return None, namesakes
        return self.get(ctx, ours[0].id) or ours[0], ()

    def _refuse_to_forget(self, ctx: Context) -> None:
        """A thing made a moment ago and not found is not yet known everywhere."""
        made_at = float(ctx.recall("made_at") or 0)
        if time.time() - made_at < FRESH_SECONDS * ctx.pace:
            raise Temporary(
                f"{self.title}: Oracle does not show yet what it has just made.",
                "New things are not known everywhere at once.",
                "Run the same command again in some minutes.",
            )

    def _in_the_way(self, stranger: R) -> str:
        return f"A {self.noun} named {stranger.name} is there already; {stranger.owner}: " + (
            stranger.id
        )

    def _remember(self, ctx: Context, found: R) -> None:
        ctx.remember("id", found.id)
        if ctx.made(self.kind) != found.id:
            with ctx.intend(self.kind, self.name(ctx)) as intent:
                intent.made(found.id)
        self.learned(ctx, found)

    def _remember_nothing(self, ctx: Context) -> None:
        if ctx.recall("id"):
            ctx.remember("id", "")

    # -- make -------------------------------------------------------------------------------------

    def make(self, ctx: Context, seen: Seen) -> None:
        """Bring it to what is wanted, from wherever in its life it is."""
        # The look was a moment ago; only of what is there the latest state matters.
        absent = seen.condition is Condition.ABSENT
        found, strangers = (None, ()) if absent else self._find(ctx)
        if found is None and strangers:
            raise NotOurs(
                f"{self.title}: something that is not ours is in the way.",
                self._in_the_way(strangers[0]),
                "Rename or remove it, or choose another installation name.",
            )
        if found is not None and found.life in (Life.GOING, Life.BROKEN):
            self.remove(ctx, found)
            found = None
        ready = self._ready(ctx, found.id if found else self.start(ctx))
        self._remember(ctx, ready)
        if self.differences(ctx, ready):
            self.repair(ctx, ready)

    def start(self, ctx: Context) -> str:
        """Make the creating call, intent before and id after it; returns the id."""
        name = self.name(ctx)
        ctx.remember("made_at", f"{time.time():.3f}")
        with ctx.intend(self.kind, name) as intent:
            try:
                started = self.create(ctx, name, intent.retry_token)
            except TokenSpent:
                # What that token once made is gone again; the next attempt takes a new one.
                intent.made("")
                raise
            ctx.remember("work_request", started.work_request)
            made = started.id or self._id_from(ctx, started.work_request)
            intent.made(made)
        ctx.remember("id", made)
        return made

    def _id_from(self, ctx: Context, work_request: str) -> str:
        """The id of what a work request makes; it knows within seconds."""
        found: list[str] = []

        def check() -> str | None:
            work = self._work(work_request)
            found.extend(each for each in work.resources if self._is_mine(each)) if work else None
            # What failed before we asked has a name all the same, by which it is removed.
            if not found and work is not None and work.failed:
                said = self._requests().errors(self.compartment(ctx), work.id)
                raise self.failure(ctx, None, said)
            return None if found else "the work request does not name it yet"

        ctx.wait(f"the id of the {self.noun}", check, every=1.0, usually=2.0, at_most=300.0)
        return found[0]

    def _is_mine(self, ocid: str) -> bool:
        return ocid.startswith(f"ocid1.{self.kind}.")

    def _ready(self, ctx: Context, resource_id: str) -> R:
        """Wait until it is there; raises when Oracle could not make it."""
        latest: list[R] = []

        def ask() -> str | None:
            if (working := self.still_working(ctx)) is not None:
                return working
            found = self.get(ctx, resource_id)
            if found is None:
                return "Oracle does not show it yet"
            latest[:] = [found]
            return self.not_ready(ctx, found)

        check = Sparingly(ask, self.usually, ctx.pace)

        ctx.wait(
            f"the {self.noun} {self.name(ctx)}",
            check,
            every=self.every,
            usually=self.usually,
            at_most=self.at_most,
        )
        return latest[0]

    def still_working(self, ctx: Context) -> str | None:  # noqa: ARG002
        """What is going on while the thing itself need not be asked yet; None when it must be."""
        return None

    def not_ready(self, ctx: Context, found: R) -> str | None:
        """Why it is not usable yet; None when it is. Raises when it never will be."""
        if found.life is Life.THERE:
            return None
        work = self._work(ctx.recall("work_request") or "")
        if found.life in (Life.BROKEN, Life.GONE) or (work is not None and work.failed):
            said = self._requests().errors(self.compartment(ctx), work.id) if work else ()
            raise self.failure(ctx, found, said)
        return f"it is {found.state}" + (f", {work.words}" if work else "")

    def _requests(self) -> WorkRequests:
        return WorkRequests(self.account())

    def _work(self, work_request: str) -> WorkRequest | None:
        return self._requests().get(work_request) if work_request else None

    # -- unmake -----------------------------------------------------------------------------------

    def unmake(self, ctx: Context) -> None:
        """Remove it, if it is ours; returns when it is really gone."""
        found, _ = self._find(ctx)
        if found is not None:
            self.remove(ctx, found)

    def remove(self, ctx: Context, found: R) -> None:
        """Ask for the removal where nobody did yet, and wait for its end."""
        work_request = ""
        self._came_back = 0
        if found.life is not Life.GOING:
            work_request = self.delete(ctx, found)
            ctx.remember("removal", work_request)
        ctx.wait(
            f"the end of the {self.noun} {found.name}",
            lambda: self.not_gone(ctx, found, work_request or ctx.recall("removal") or ""),
            every=self.every,
            usually=self.removal_usually,
            at_most=self.at_most,
        )
        self._remember_nothing(ctx)
        ctx.remember("made_at", "0")

    def not_gone(self, ctx: Context, found: R, work_request: str) -> str | None:
        """Why it is not gone yet; None when it is. Raises when Oracle gave up."""
        now = self.get(ctx, found.id)
        if now is None or now.life is Life.GONE:
            return None
        work = self._work(work_request)
        if work is not None and work.failed:
            said = self._requests().errors(self.compartment(ctx), work.id)
            raise self.stays(now, said)
        if now.life is Life.THERE and not work_request:
            self._stayed(now)
        return f"it is {now.state}"

    def _stayed(self, now: R) -> None:
        """A part that something still uses returns to its old state without a word."""
        self._came_back += 1
        if self._came_back > PATIENT_LOOKS:
            raise Temporary(
                f"The {self.noun} {now.name} is still in use.",
                "Oracle took the request to remove it and then kept it: the address of a machine "
                "or a balancer in it is not free yet.",
                "Run the same command again in some minutes.",
            )

    def stays(self, found: R, said: Sequence[str]) -> InstallError:
        """The error for a removal that failed."""
        reasons = "; ".join(said) or "nothing more"
        return InstallError(
            f"The {self.noun} {found.name} could not be removed.",
            f"Oracle says: {reasons}",
            "Something that still uses it has to go first; then run the same command again.",
        )
