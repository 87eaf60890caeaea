"""A workshop that takes an installation away: finds which one is meant, and lists what it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from installer.commands.receipt import Holding, Line, Receipt
from installer.commands.sources import Case
from installer.commands.workshop import Bench, Workshop, patiently
from installer.engine.errors import AnswersError, InstallError, NotOurs
from installer.engine.events import Note, Report
from installer.engine.run import Result, Runner
from installer.engine.state import Installation
from installer.engine.step import StopFlag
from installer.plan import Plan, on_oracle

if TYPE_CHECKING:
    from installer.oracle.belongings import Inventory

_List = Callable[[], Holding]


@dataclass(frozen=True)
class Keeps:
    """What a removal leaves, as nobody's: the data volumes, the reserved address, the backups.

    With the volumes kept, what is in the cluster goes with the cluster. Backups are kept unless
    somebody says otherwise: they are for the day on which the rest is gone.
    """

    volumes: bool = False
    address: bool = False
    backups: bool = True

    @property
    def anything(self) -> bool:
        """Whether it leaves anything at all."""
        return self.volumes or self.address


KEEPS_NOTHING = Keeps()


class Demolition(Workshop):
    """Removes one installation; `receipt` is there once a removal got as far as listing it.

    `which` is the id of the one meant, where this machine does not know it and there are several.
    """

    def __init__(self, case: Case, which: str = "", keeps: Keeps = KEEPS_NOTHING) -> None:
        super().__init__(case)
        self._keeps = keeps
        self.receipt: Receipt | None = None
        self._which = which
        self._bench_now: Bench | None = None
        self._identity_now: Installation | None = None

    def destroy(self, plan: Plan, report: Report, stop: StopFlag) -> Result:
        """Remove everything that is ours, with a list before and one after."""
        result = self._run(plan, report, stop, lambda runner: self._listed(plan, runner, stop))
        if result.error is None:
            self._forget()
        return result

    def _listed(self, plan: Plan, runner: Runner, stop: StopFlag) -> Result:
        from installer.steps.backup_bucket import BackupBucket

        assert self._bench_now is not None
        look = self._lister(plan)
        before = patiently(look, stop, self._bench_now.target.pace)
        for step in runner.steps:
            if isinstance(step, BackupBucket):
                step.delete_contents = not self._keeps.backups
        kept = self._keep(plan, runner, stop) if self._keeps.anything else ((), "")
        result = runner.destroy()
        assert self._identity_now is not None
        after, trouble = _tried(look)
        self.receipt = Receipt(self._identity_now, datetime.now(UTC), before, after, trouble, *kept)
        return result

    def _keep(self, plan: Plan, runner: Runner, stop: StopFlag) -> tuple[tuple[Line, ...], str]:
        """Let go first of what stays; for volumes, leave out what is inside the cluster too.

        Kubernetes would remove its volumes with their claims. The cluster goes as a whole instead,
        and its balancers are found by their tags.
        """
        if not on_oracle(plan.answers):
            raise _nothing_to_keep()
        from installer.commands.keeping import Kept, keep_address, keep_volumes
        from installer.commands.target import account_of
        from installer.steps.kube_step import KubeStep

        assert self._identity_now is not None
        assert self._bench_now is not None
        installation, more = self._identity_now.id, _given(plan)
        account = account_of(plan.answers, self._world)
        pace = self._bench_now.target.pace
        kept = Kept()
        if self._keeps.volumes:
            kept = patiently(lambda: keep_volumes(account(), installation, more), stop, pace)
            runner.steps = tuple(step for step in runner.steps if not isinstance(step, KubeStep))
        if self._keeps.address:
            address = patiently(lambda: keep_address(account(), installation, more), stop, pace)
            kept = kept.and_also(address)
        return kept.lines, kept.price

    def _lister(self, plan: Plan) -> _List:
        assert self._identity_now is not None
        identity = self._identity_now
        if on_oracle(plan.answers):
            return self._oracle_lister(plan, identity)
        return lambda: self._cluster_holding(identity)

    def _oracle_lister(self, plan: Plan, identity: Installation) -> _List:
        from installer.commands.target import account_of
        from installer.oracle.belongings import Belongings

        places: dict[str, None] = {}

        def look() -> Holding:
            belongings = Belongings(account_of(plan.answers, self._world)())
            # The second time the compartment may have lost our tag, and is still of interest.
            found = belongings.of_installation(identity.id, (*_given(plan), *places))
            places.update(dict.fromkeys(found.places))
            return _holding(found, identity)

        return look

    def _cluster_holding(self, identity: Installation) -> Holding:
        from installer.commands.target import ExistingTarget
        from installer.kube.stamp import Stamp

        assert self._bench_now is not None
        target = self._bench_now.target
        assert isinstance(target, ExistingTarget)
        found = target.cluster().inventory(Stamp(identity.id, identity.name))
        return Holding(tuple(Line(one.ref.words) for one in found))

    # -- which one --------------------------------------------------------------------------------

    def _identity(self, bench: Bench, report: Report, stop: StopFlag) -> Installation:
        """As always; but the person may say which, and of several must."""
        self._bench_now = bench
        if bench.state.has_identity:
            known = bench.state.installation(self.case.name)
            if self._which not in ("", known.id):
                raise _another(self.case.name, known.id, self._which)
            self._identity_now = known
            return known
        target, name = bench.target, self.case.name
        found = patiently(lambda: target.earlier(name), stop, target.pace)
        chosen = chosen_of(name, found, self._which)
        if chosen:
            bench.state.adopt(chosen)
            report(Note(f"Found installation {self.case.name} ({chosen}) by its tags."))
        self._identity_now = bench.state.installation(self.case.name)
        return self._identity_now


def _given(plan: Plan) -> tuple[str, ...]:
    """The compartment the answers name by its OCID, if they do."""
    from installer.oracle.wanted import is_ocid

    wanted = plan.answers.place.compartment
    return (wanted,) if is_ocid(wanted) else ()


def _nothing_to_keep() -> AnswersError:
    return AnswersError(
        "--keep-volumes and --keep-address are for what is Oracle's.",
        "On a cluster of your own its storage decides what becomes of a volume.",
        "Set the reclaim policy of the volumes to Retain first, then run without these words.",
    )


def _tried(look: _List) -> tuple[Holding | None, str]:
    """The list, or why there is none; a receipt without its second half is better than none."""
    try:
        return look(), ""
    except InstallError as error:
        return None, error.what


def _holding(found: Inventory, identity: Installation) -> Holding:
    return Holding(
        tuple(Line(each.words, each.id) for each in found.of(identity.id)),
        tuple(Line(each.words, each.id) for each in found.others(identity.id)),
        found.unseen,
    )


def chosen_of(name: str, found: tuple[str, ...], which: str) -> str:
    """The id to go on with; "" when there is none of that name."""
    if which and which not in found:
        raise NotOurs(
            f"There is no installation {name} with the id {which}.",
            f"By the tags there are: {', '.join(found) or 'none'}.",
            "Give one of these ids, and the compartment of the installation with "
            "--set place.compartment=NAME if it is not the usual one.",
        )
    if len(found) > 1 and not which:
        raise NotOurs(
            f"There are {len(found)} installations named {name}.",
            f"Their ids are {', '.join(found)}, and this machine does not know which one is meant.",
            "Say which one: health-install destroy --installation ID",
        )
    return which or (found[0] if found else "")


def _another(name: str, known: str, which: str) -> NotOurs:
    return NotOurs(
        f"Installation {name} of this machine is {known}, not {which}.",
        "What this machine keeps about one installation cannot be used to remove another.",
        "Leave --installation away to remove this machine's own, or use another "
        "HEALTH_INSTALL_HOME for the other one.",
    )
