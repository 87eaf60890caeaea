"""Makes sure that one wave of a module's objects is applied and ready."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from installer.engine.step import Condition, Context, Seen
from installer.kube.objects import ref_of
from installer.kube.removal import Owned
from installer.steps.front_door import PublicName
from installer.steps.kube_step import Body, Connect, KubeStep, ReadinessWatch
from installer.steps.revisions import Revisions

_SERVERS = ("Deployment", "StatefulSet", "DaemonSet")
FOLLOWED = (*_SERVERS, "Job")
"""Kinds that take their time to become ready, so that a wave waits for them."""


@dataclass(frozen=True)
class Wave:
    """Objects of one module that are applied side by side; `number` is their turn."""

    module: str
    title: str
    number: int
    objects: tuple[Body, ...]
    words: str = ""

    @property
    def id(self) -> str:
        """The id of its step."""
        return wave_id(self.module, self.number)

    @property
    def contents(self) -> str:
        """What it brings: in the module's words, or else told from the kinds."""
        if self.words:
            return self.words
        kinds = {body["kind"] for body in self.objects}
        if kinds & set(_SERVERS):
            return "services"
        if "Job" in kinds:
            return "preparation"
        if "PersistentVolumeClaim" in kinds or "ConfigMap" in kinds:
            return "settings and volumes"
        return "accounts and rights"

    @property
    def is_followed(self) -> bool:
        """Whether something in it takes its time to become ready."""
        return any(body["kind"] in FOLLOWED for body in self.objects)


def wave_id(module: str, number: int) -> str:
    """The id of the step for one wave."""
    return f"{module}-{number}"


class WaveReady(KubeStep):
    """One wave: applied without force, then followed until everything in it is ready."""

    def __init__(
        self,
        connect: Connect,
        wave: Wave,
        needs: Sequence[str],
        public: PublicName,
        revisions: Revisions,
    ) -> None:
        super().__init__(connect)
        self.id = wave.id
        self.title = f"{wave.title}: {wave.contents}"
        self.needs = tuple(needs)
        self.usually = 60.0 if wave.is_followed else 3.0
        self._public = public
        self._revisions = revisions
        self.wave = wave
        self._refs = tuple(ref_of(body) for body in wave.objects)

    def _bodies(self, ctx: Context) -> tuple[Body, ...]:
        located = self._public.located(ctx, self.wave.objects)
        return self._revisions.noted(located, self.cluster(ctx), self.stamp(ctx))

    def look(self, ctx: Context) -> Seen:
        """Compare with the cluster by dry runs, and ask whether everything is ready."""
        cluster, stamp = self.cluster(ctx), self.stamp(ctx)
        found = cluster.compare(self._bodies(ctx), stamp)
        if found.not_ours:
            return Seen(Condition.NOT_OURS, "; ".join(found.not_ours))
        if not found.present:
            missing = tuple(f"{ref.words} is missing" for ref in found.absent)
            return Seen(Condition.ABSENT, f"{len(self._refs)} objects to make", missing)
        changes = (*(f"{ref.words} is missing" for ref in found.absent), *found.changes)
        standing = cluster.readiness_of(found.present, stamp)
        changes += tuple(
            f"{ref.words}: {one.words}" for ref, one in standing.items() if not one.done
        )
        if changes:
            return Seen(Condition.DIFFERENT, changes[0], changes)
        return Seen(Condition.AS_WANTED, f"{len(self._refs)} objects are as wanted")

    def make(self, ctx: Context, seen: Seen) -> None:  # noqa: ARG002
        """Apply and wait. Jobs that failed for good or differ are made anew; all are repeatable."""
        cluster, stamp = self.cluster(ctx), self.stamp(ctx)
        cluster.delete(self._spent_jobs(ctx), stamp, ctx.wait)
        report = cluster.apply(self._bodies(ctx), stamp)
        ctx.note(f"{self.title}: {report.words}.")
        ReadinessWatch(cluster, stamp, ctx, self._refs).wait(self.usually)

    def unmake(self, ctx: Context) -> None:
        """Remove the wave's objects; volumes that take longer are waited for by the namespaces."""
        cluster, stamp = self.cluster(ctx), self.stamp(ctx)
        owned = [one for one in cluster.inventory(stamp) if one.ref in self._refs]
        cluster.delete(owned, stamp, ctx.wait)

    def _spent_jobs(self, ctx: Context) -> list[Owned]:
        cluster, stamp = self.cluster(ctx), self.stamp(ctx)
        jobs = [body for body in self._bodies(ctx) if body["kind"] == "Job"]
        if not jobs:
            return []
        standing = cluster.readiness_of([ref_of(body) for body in jobs], stamp)
        spent = {ref for ref, one in standing.items() if one.failed}
        spent.update(cluster.compare(jobs, stamp).replaced)
        return [one for one in cluster.inventory(stamp) if one.ref in spent] if spent else []
