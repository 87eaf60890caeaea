"""A world small enough to see all of: names that exist, and steps that make them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from installer.engine.events import Event
from installer.engine.retrying import RetryPolicy
from installer.engine.run import Result, Runner
from installer.engine.state import State
from installer.engine.step import Condition, Context, Seen, Step, StopFlag


class Killed(BaseException):
    """Stands for kill -9: nothing of ours may catch it."""


@dataclass
class World:
    """What exists, by name; every creating call is counted."""

    things: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    before_create: Callable[[str], None] = lambda _name: None
    after_create: Callable[[str], None] = lambda _name: None

    def create(self, name: str, retry_token: str) -> str:
        """Make a thing; the same token gives the same thing, as the providers promise."""
        self.before_create(name)
        made = self.tokens.setdefault(retry_token, f"id-{len(self.tokens)}-{name}")
        self.calls.append(name)
        self.things[name] = made
        self.after_create(name)
        return made


class Thing(Step):
    """Makes sure that one name exists in the world."""

    group = "World"

    def __init__(self, world: World, name: str, *needs: str) -> None:
        self.world = world
        self.id = name
        self.title = f"Thing {name}"
        self.needs = needs

    def look(self, ctx: Context) -> Seen:
        found = self.world.things.get(self.id)
        if found is None:
            return Seen(Condition.ABSENT)
        if found.startswith("foreign"):
            return Seen(Condition.NOT_OURS, f"{self.id} belongs to somebody else")
        ctx.remember("id", found)
        if found.startswith("drifted"):
            return Seen(Condition.DIFFERENT, "", ("colour: blue -> red",))
        return Seen(Condition.AS_WANTED)

    def make(self, ctx: Context, seen: Seen) -> None:
        with ctx.intend("thing", self.id) as intent:
            intent.made(self.world.create(self.id, intent.retry_token))

    def unmake(self, ctx: Context) -> None:
        self.world.things.pop(self.id, None)


def chain(world: World) -> tuple[Step, ...]:
    """Four steps, two of which may run side by side."""
    return (
        Thing(world, "ground"),
        Thing(world, "left", "ground"),
        Thing(world, "right", "ground"),
        Thing(world, "roof", "left", "right"),
    )


class Run:
    """One process' view: a state file, a runner, and the events it told."""

    def __init__(self, folder: Path, steps: Sequence[Step], stop: StopFlag | None = None) -> None:
        self.events: list[Event] = []
        self.state = State(folder / "state.sqlite")
        self.stop = stop or StopFlag()
        self.runner = Runner(
            steps,
            self.state,
            self.state.installation("test"),
            self.events.append,
            self.stop,
            pace=0.0001,
            policy=RetryPolicy(attempts=4),
        )

    def install(self) -> Result:
        return self.runner.install()

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]
