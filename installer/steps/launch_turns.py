"""Whose turn it is to ask for a machine: holds every run, however quick, to a decent pace."""

from __future__ import annotations

import math
import time

from installer.engine.errors import InstallError, Parked
from installer.engine.step import Context
from installer.oracle.node_failures import LimitReached
from installer.oracle.pace import HOUR, MOST_AN_HOUR, Pace
from installer.oracle.placement import Placement

_KEY = "attempts"


class HourSpent(Parked):
    """The attempts of this hour are used up in an availability domain."""


class Search:
    """What became of the places that were tried for a machine, up to the verdict."""

    def __init__(self) -> None:
        self._full: list[str] = []
        self._limited: set[str] = set()
        self._parked: Parked | None = None
        self._limit: LimitReached | None = None

    def is_hopeless(self, place: Placement) -> bool:
        """Whether the limit was met in that domain; its fault domains are no different."""
        return place.availability_domain in self._limited

    def full(self, place: Placement, error: Parked) -> None:
        """No machine is free there."""
        self._full.append(place.words())
        self._parked = error

    def limited(self, place: Placement, error: LimitReached) -> None:
        """The account may have none there."""
        self._limited.add(place.availability_domain)
        self._limit = error

    def spent(self, error: HourSpent) -> None:
        """It was asked often enough in that domain."""
        self._parked = self._parked or error

    def verdict(self) -> InstallError:
        """Why there is no machine; waiting helps if one place at least was only full."""
        last = self._parked or self._limit
        if last is None:
            return InstallError(
                "There is no place to try for a machine.",
                "The region shows no availability domain that holds this installation's data "
                "volumes.",
                "Check that place.region is the region in which the installation was made.",
            )
        tried = f"Tried: {', '.join(self._full)}. " if self._full else ""
        return type(last)(last.what, f"{tried}{last.why}", last.then)


class LaunchTurns:
    """The attempts of one installation, kept in its state."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    @property
    def _now(self) -> float:
        """Seconds of the world that the attempts are made in; a rehearsal's go faster."""
        return time.time() / self._ctx.pace

    @property
    def _pace(self) -> Pace:
        return Pace.from_text(self._ctx.recall(_KEY))

    def take(self, domain: str) -> None:
        """Return when an attempt may be made, and count it. Raises HourSpent, Stopped."""
        self.require(domain)
        self._wait_for_gap()
        self._keep(self._pace.attempted(domain, self._now))

    def require(self, domain: str) -> None:
        """Raises HourSpent when no attempt may be made in this hour any more."""
        spent = self._pace.spent(domain, self._now)
        if spent:
            minutes = math.ceil(spent / 60)
            raise HourSpent(
                "Oracle had no free machine, and asking more often would get the account blocked.",
                f"{MOST_AN_HOUR} attempts were made in {domain} within an hour, which is as many "
                f"as we make. The next is possible in {minutes} minutes.",
                "Everything made so far is kept and costs nothing. Run the same command again "
                "later.",
            )

    def throttled(self, asked: float) -> float:
        """Keep that Oracle asked for a pause; returns its length in seconds."""
        now = self._now
        pace = self._pace.throttled(now, asked)
        self._keep(pace)
        return pace.gap(now)

    def _wait_for_gap(self) -> None:
        def check() -> str | None:
            seconds = self._pace.gap(self._now)
            return f"Oracle is asked again in {math.ceil(seconds)} s" if seconds > 0 else None

        self._ctx.wait(
            "the next attempt at a machine", check, every=5.0, usually=75.0, at_most=2 * HOUR
        )

    def _keep(self, pace: Pace) -> None:
        self._ctx.remember(_KEY, pace.text())
