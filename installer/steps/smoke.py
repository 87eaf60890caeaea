"""Makes sure that the platform works, by trying it the way its users will."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from installer.engine.errors import ClusterError
from installer.engine.masking import known_secrets
from installer.engine.step import Condition, Context, Seen
from installer.kube.cluster import Cluster
from installer.kube.tunnel import RunsNothing
from installer.smoke.checks import CHECKS
from installer.smoke.trying import (
    Ended,
    Finding,
    Health,
    Near,
    NothingRuns,
    World,
    try_everything,
)
from installer.steps.front_door import FRONT_DOOR, PublicName
from installer.steps.kube_step import Connect, KubeStep

SMOKE = "smoke"
_TRIED = "tried"
_NOTHING_RUNS = "the cluster is a rehearsal and runs no containers, so nothing could be tried"


@dataclass(frozen=True)
class SmokePlan:
    """What there is to try; `fingerprint` changes with anything that was installed."""

    fingerprint: str
    health: tuple[Health, ...] = ()
    options: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


class Smoke(KubeStep):
    """Tries everything once after each change; what was tried and worked is not tried again."""

    id = SMOKE
    title = "The platform works"
    usually = 90.0
    checks_only = True

    def __init__(
        self, connect: Connect, plan: SmokePlan, public: PublicName, needs: Sequence[str]
    ) -> None:
        super().__init__(connect)
        self._plan = plan
        self._public = public
        self.needs = tuple(needs)

    def look(self, ctx: Context) -> Seen:
        """Whether what is installed now was tried and worked."""
        if ctx.recall(_TRIED) == self._plan.fingerprint:
            return Seen(Condition.AS_WANTED, "tried and found well")
        return Seen(Condition.DIFFERENT, "not tried yet", ("not tried yet since the last change",))

    def make(self, ctx: Context, seen: Seen) -> None:  # noqa: ARG002
        """Try it. Raises ClusterError with everything that does not work."""
        findings = []
        for finding in self.findings(ctx):
            findings.append(finding)
            ctx.note(f"{finding.title}: {finding.ended}. {finding.words}")
        bad = [each for each in findings if each.ended is Ended.BAD]
        if bad:
            raise _does_not_work(bad)
        ctx.remember(_TRIED, self._plan.fingerprint)

    def unmake(self, ctx: Context) -> None:
        """There is nothing to remove."""

    def findings(self, ctx: Context) -> Iterator[Finding]:
        """Everything tried, one after the other."""
        try:
            yield from try_everything(CHECKS, self._world(ctx))
        except NothingRuns:
            yield Finding(self.title, Ended.NOT_TRIED, _NOTHING_RUNS)

    def _world(self, ctx: Context) -> World:
        cluster = self.cluster(ctx)

        @contextmanager
        def reach(namespace: str, service: str, port: int) -> Iterator[Near]:
            ctx.checkpoint()
            try:
                with cluster.tunnel(namespace, service, port) as end:
                    yield Near(end.host, end.port)
            except RunsNothing as error:
                raise NothingRuns from error

        return World(
            reach=reach,
            secret=lambda namespace, name, key: _secret(cluster, namespace, name, key),
            pause=ctx.pause,
            domain=self._public.now(ctx),
            address=ctx.recall("address", FRONT_DOOR) or "",
            health=self._plan.health,
            options=self._plan.options,
        )


def _secret(cluster: Cluster, namespace: str, name: str, key: str) -> str:
    seen = cluster.secret(namespace, name)
    value = seen.values.get(key, "") if seen else ""
    if not value:
        raise ClusterError(
            f"The Secret {namespace}/{name} has no {key}.",
            "It was removed, or the module that makes it is not installed.",
            "Run the installation again; it makes what is missing.",
        )
    known_secrets.add(value)
    return value


def _does_not_work(bad: Sequence[Finding]) -> ClusterError:
    lines = "\n".join(f"{each.title}: {each.words}" for each in bad)
    count = "one thing does" if len(bad) == 1 else f"{len(bad)} things do"
    return ClusterError(
        f"Everything is installed, but {count} not work.",
        lines,
        "Wait a few minutes and try again: health-install smoke. Everything made so far is kept.",
    )
