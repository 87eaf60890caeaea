"""What a check is, what it may ask for, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum

from installer.engine.errors import ClusterError


class Ended(StrEnum):
    """How a check ended. Of what an image cannot do the installation is not to blame."""

    GOOD = "good"
    BAD = "bad"
    IMAGE = "the image's fault"
    NOT_TRIED = "not tried"


@dataclass(frozen=True)
class Finding:
    """One thing tried; `words` say what was seen."""

    title: str
    ended: Ended
    words: str


@dataclass(frozen=True)
class Health:
    """A port that must answer, as a module describes it."""

    title: str
    namespace: str
    service: str
    port: int
    path: str = ""


@dataclass(frozen=True)
class Near:
    """The near end of a way to a service: an address on this machine."""

    host: str
    port: int


Reach = Callable[[str, str, int], AbstractContextManager[Near]]


@dataclass(frozen=True)
class World:
    """The installation as the checks see it.

    `reach(namespace, service, port)` opens a way; `secret(namespace, name, key)` reads from the
    cluster and must never be shown. `options` has those of every module that is on, by module.
    `pause(seconds)` waits, and raises when somebody asks to stop.
    """

    reach: Reach
    secret: Callable[[str, str, str], str]
    pause: Callable[[float], None]
    domain: str = ""
    address: str = ""
    health: tuple[Health, ...] = ()
    options: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def has(self, *modules: str) -> bool:
        """Whether all of them are installed."""
        return all(module in self.options for module in modules)

    def option(self, module: str, name: str, default: object = None) -> object:
        """One option of a module, or the default where the module or the option is not there."""
        return self.options.get(module, {}).get(name, default)

    def eventually(self, look: Callable[[], str], seconds: float, every: float = 3.0) -> str:
        """Look until it answers with an empty text; the last complaint when that never comes."""
        for _ in range(max(1, round(seconds / every))):
            complaint = look()
            if not complaint:
                return ""
            self.pause(every)
        return look()


class NothingRuns(Exception):
    """The cluster runs no containers, so that nothing can be tried."""


class NotAsExpected(Exception):
    """Something answered, but not what it should; the text says what was seen."""


@dataclass(frozen=True)
class Check:
    """One thing to try, for installations with all the modules it `needs`."""

    title: str
    needs: tuple[str, ...]
    run: Callable[[World], Iterator[Finding]]


def try_everything(checks: tuple[Check, ...], world: World) -> Iterator[Finding]:
    """Every check that applies, one after the other; a failure of one does not stop the others.

    Raises NothingRuns where nothing can be tried.
    """
    for check in checks:
        if not world.has(*check.needs):
            continue
        try:
            yield from check.run(world)
        except NotAsExpected as error:
            yield Finding(check.title, Ended.BAD, str(error))
        except (OSError, TimeoutError) as error:
            yield Finding(check.title, Ended.BAD, f"The connection broke: {error}.")
        except ClusterError as error:
            yield Finding(check.title, Ended.BAD, f"{error.what} {error.why}".strip())
