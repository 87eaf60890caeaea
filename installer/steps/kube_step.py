"""What every step inside the cluster has in common: its cluster, our stamp, and patient waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from installer.engine.errors import ClusterError
from installer.engine.step import Context, Step
from installer.kube.cluster import Cluster
from installer.kube.objects import Ref
from installer.kube.readiness import Readiness
from installer.kube.stamp import Stamp

Body = Mapping[str, Any]
# Opens the cluster, or gives the one that is open; only called once everything needed is there.
Connect = Callable[[Context], Cluster]

_POLL = 3.0
_AT_MOST = 2400.0


class KubeStep(Step):
    """A step that looks and acts inside the cluster."""

    group = "Platform"

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    def cluster(self, ctx: Context) -> Cluster:
        """The cluster, open."""
        return self._connect(ctx)

    def stamp(self, ctx: Context) -> Stamp:
        """Our mark for this installation."""
        return Stamp(ctx.installation.id, ctx.installation.name)


class ReadinessWatch:
    """Follows objects until all are ready; gives up on states that do not pass by themselves."""

    def __init__(self, cluster: Cluster, stamp: Stamp, ctx: Context, refs: Sequence[Ref]) -> None:
        self._cluster = cluster
        self._stamp = stamp
        self._ctx = ctx
        self._pending = list(refs)
        self._stuck_since: dict[Ref, float] = {}
        self._began = time.monotonic()

    def wait(self, usually: float) -> None:
        """Return when all are ready. Raises ClusterError with the reason, and Stopped."""
        while found := self._read():
            first = next(iter(found))
            self._ctx.wait(
                first.words,
                lambda ref=first: self._reason(ref),  # type: ignore[misc]
                every=_POLL,
                usually=usually,
                # Our own deadline comes first and knows the reason.
                at_most=2 * _AT_MOST,
            )

    def _reason(self, ref: Ref) -> str | None:
        found = self._read()
        if ref not in found:
            return None
        others = len(found) - 1
        more = f" ({others} more to come)" if others else ""
        return f"{found[ref].words}{more}"

    def _read(self) -> dict[Ref, Readiness]:
        answer = self._cluster.readiness_of(self._pending, self._stamp)
        found = {ref: one for ref, one in answer.items() if not one.done}
        self._pending = list(found)
        for ref, one in found.items():
            self._judge(ref, one)
        return found

    def _judge(self, ref: Ref, one: Readiness) -> None:
        if one.failed:
            raise self._hopeless(ref, one, f"It {one.words}.")
        if self._lasts(self._began, _AT_MOST):
            minutes = f"{_AT_MOST / 60:.0f} minutes"
            raise self._hopeless(ref, one, f"Even after {minutes} it stays like this: {one.words}.")
        if one.hopeless_after is None:
            self._stuck_since.pop(ref, None)
            return
        since = self._stuck_since.setdefault(ref, time.monotonic())
        if self._lasts(since, one.hopeless_after):
            raise self._hopeless(ref, one, f"It stays like this: {one.words}.")

    def _lasts(self, since: float, seconds: float) -> bool:
        return (time.monotonic() - since) / self._ctx.pace > seconds

    def _hopeless(self, ref: Ref, one: Readiness, why: str) -> ClusterError:
        if one.log is not None:
            tail = self._cluster.log_tail(one.log, self._stamp)
            if tail:
                why += f"\nThe last lines of its log:\n{tail}"
        place = f"-n {ref.namespace} " if ref.namespace else ""
        return ClusterError(
            f"{ref.words} does not become ready.",
            why,
            f"See more with: kubectl {place}describe {ref.kind.lower()} {ref.name}. Remove the "
            "cause, then run the same command again; it goes on from here.",
        )
