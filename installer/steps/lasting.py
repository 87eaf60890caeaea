"""Makes sure that nothing changes which people's things depend on, unless that was confirmed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from installer.engine.errors import AnswersError
from installer.engine.step import Condition, Context, Seen
from installer.kube.objects import Ref, ref_of
from installer.modules.hosts import waits_for_domain
from installer.modules.lasting import Lasting
from installer.steps.front_door import PublicName
from installer.steps.kube_step import Body, Connect, KubeStep
from installer.steps.namespaces import NAMESPACES

LASTING = "lasting"
_KEEPERS = ("Deployment", "StatefulSet")


@dataclass(frozen=True)
class _Change:
    """A value that would become another."""

    lasting: Lasting
    was: str
    will_be: str

    @property
    def confirmed(self) -> bool:
        return self.lasting.confirmed == self.will_be

    @property
    def words(self) -> str:
        return f"{self.lasting.what} is {self.was} and would become {self.will_be}"


@dataclass(frozen=True)
class _Move:
    """A workload that would look for its data on another volume than the one it is on."""

    ref: Ref
    was: str
    will_be: str

    @property
    def words(self) -> str:
        return f"{self.ref.words} keeps its data on {self.was} and would look on {self.will_be}"


class LastingValues(KubeStep):
    """Compares with what is installed before anything is changed; makes nothing."""

    id = LASTING
    title = "What must stay as it was"
    usually = 1.0
    checks_only = True

    def __init__(
        self,
        connect: Connect,
        lasting: Sequence[Lasting],
        bodies: Sequence[Body],
        public: PublicName,
        waits_for: Sequence[str] = (),
    ) -> None:
        super().__init__(connect)
        self.needs = (NAMESPACES, *waits_for)
        self._public = public
        by_name = {_key(ref_of(body)): body for body in bodies}
        self._keepers = {ref_of(body): body for body in bodies if claims_of(body)}
        found = [(by_name.get((each.kind, each.namespace, each.name)), each) for each in lasting]
        self._wanted = tuple((body, each) for body, each in found if body is not None)

    def look(self, ctx: Context) -> Seen:
        """Read the values in the cluster; what is not there yet may have any."""
        changes = tuple(self._changes(ctx))
        refused = tuple(each.words for each in changes if not each.confirmed)
        refused += tuple(each.words for each in self._moves(ctx))
        if refused:
            return Seen(Condition.DIFFERENT, refused[0], refused)
        words = "; ".join(f"{each.words}, as confirmed" for each in changes)
        return Seen(Condition.AS_WANTED, words or "nothing that must last would change")

    def make(self, ctx: Context, seen: Seen) -> None:  # noqa: ARG002
        """Raises AnswersError for data that would have to move, then with all changes nobody has
        confirmed."""
        moves = tuple(self._moves(ctx))
        if moves:
            raise _does_not_move(moves)
        refused = [each for each in self._changes(ctx) if not each.confirmed]
        if refused:
            raise _not_confirmed(refused)

    def unmake(self, ctx: Context) -> None:
        """Nothing was made."""

    def _changes(self, ctx: Context) -> Iterator[_Change]:
        cluster, stamp = self.cluster(ctx), self.stamp(ctx)
        for body, lasting in self._wanted:
            (located,) = self._public.located(ctx, (body,))
            will_be = lasting.value_in(located)
            live = cluster.get(ref_of(body))
            # Somebody else's is reported by the step that would apply it.
            if live is None or not stamp.is_on(live) or waits_for_domain(will_be):
                continue
            was = lasting.value_in(live)
            if was and was != will_be:
                yield _Change(lasting, was, will_be)

    def _moves(self, ctx: Context) -> Iterator[_Move]:
        cluster, stamp = self.cluster(ctx), self.stamp(ctx)
        for kind in sorted({ref.kind for ref in self._keepers}):
            for live in cluster.objects("apps/v1", kind, "", stamp.selector):
                ref = ref_of(live)
                was, will_be = claims_of(live), claims_of(self._keepers.get(ref, {}))
                # Without any volume it begins empty, which the answers say by name.
                if was - will_be and will_be - was:
                    yield _Move(ref, ", ".join(sorted(was)), ", ".join(sorted(will_be)))


def claims_of(body: Body) -> frozenset[str]:
    """The claims that a workload's pods mount."""
    if body.get("kind") not in _KEEPERS:
        return frozenset()
    volumes = body["spec"]["template"]["spec"].get("volumes") or ()
    mounted = (volume.get("persistentVolumeClaim") for volume in volumes)
    return frozenset(claim["claimName"] for claim in mounted if claim)


def _does_not_move(moves: Sequence[_Move]) -> AnswersError:
    return AnswersError(
        f"{'; '.join(each.words for each in moves)}; nothing was changed.",
        "Data does not move from volume to volume by itself, so they would begin empty.",
        "Set storage_sharing of the module as it was, then run the same command again. To let one "
        "begin empty on purpose, delete it first with kubectl; its old volume is kept.",
    )


def _key(ref: Ref) -> tuple[str, str, str]:
    return (ref.kind, ref.namespace, ref.name)


def _not_confirmed(changes: Sequence[_Change]) -> AnswersError:
    remedies = " ".join(
        f"To let it change, set {each.lasting.option} to {each.will_be}." for each in changes
    )
    words = "; ".join(each.words for each in changes)
    return AnswersError(
        f"{words[0].upper()}{words[1:]}; it was left as it is.",
        " ".join(each.lasting.because for each in changes),
        f"To keep it, give the answers as they were, above all access.domain. {remedies} Then run "
        "the same command again.",
    )
