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
        found = [(by_name.get((each.kind, each.namespace, each.name)), each) for each in lasting]
        self._wanted = tuple((body, each) for body, each in found if body is not None)

    def look(self, ctx: Context) -> Seen:
        """Read the values in the cluster; what is not there yet may have any."""
        changes = tuple(self._changes(ctx))
        refused = tuple(each.words for each in changes if not each.confirmed)
        if refused:
            return Seen(Condition.DIFFERENT, refused[0], refused)
        words = "; ".join(f"{each.words}, as confirmed" for each in changes)
        return Seen(Condition.AS_WANTED, words or "nothing that must last would change")

    def make(self, ctx: Context, seen: Seen) -> None:  # noqa: ARG002
        """Raises AnswersError with all changes nobody has confirmed."""
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
