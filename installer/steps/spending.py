"""Makes sure that what would cost money is refused or at least told, where Oracle allows that.

Neither step stands in the way of an installation: where Oracle refuses one, it says what protects
the person instead.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeVar

from installer.engine.errors import InstallError, NotOurs, Stopped, Temporary
from installer.engine.step import Condition, Context, Seen
from installer.oracle.resource import Resource, Started
from installer.oracle.spending import (
    Budget,
    Quota,
    Spending,
    SpendPlan,
    all_statements,
    machine_statements,
)
from installer.steps.account import ACCOUNT, KIND_FACT
from installer.steps.oracle_resource import COMPARTMENT, OpenAccount, OracleResource

SPEND_LOCK, SPEND_ALERT = "spend-lock", "spend-alert"
FREE_ONLY = "FREE_TIER"
_REFUSED = "refused"
S = TypeVar("S", bound=Resource)


class Guard(OracleResource[S]):
    """Something that guards the person's money and that an account may not have."""

    group = "Account"
    needs: tuple[str, ...] = (COMPARTMENT,)
    usually = 2.0
    instead: str

    def __init__(self, account: OpenAccount, plan: SpendPlan) -> None:
        super().__init__(account)
        self.plan = plan

    def name(self, ctx: Context) -> str:
        """With the compartment's: such names are shared by the whole tenancy."""
        return f"{super().name(ctx)}-{self.plan.compartment}"

    def look(self, ctx: Context) -> Seen:
        """As usual; what the account does not have is not asked for again and again."""
        kind = ctx.recall(KIND_FACT, ACCOUNT) or ""
        if kind == FREE_ONLY:
            return self._without(ctx, "a free-only account: Oracle refuses what costs money")
        try:
            seen = super().look(ctx)
        except (Temporary, Stopped):
            raise
        except InstallError:
            return self._without(ctx, f"this user may not see it; {self.instead}")
        if seen.condition is Condition.NOT_OURS:
            return self._without(ctx, f"left alone: {seen.words}; {self.instead}")
        if seen.condition is Condition.ABSENT and ctx.recall(_REFUSED) == f"by {kind}":
            return self._without(ctx, f"Oracle does not allow it here; {self.instead}")
        return seen if self.plan.wanted or ctx.removing else self._unwanted(seen)

    def _unwanted(self, seen: Seen) -> Seen:
        if seen.condition is Condition.ABSENT:
            return Seen(Condition.AS_WANTED, "switched off in money.spend_lock")
        return Seen(Condition.DIFFERENT, seen.words, (f"remove the {self.noun}",))

    def _without(self, ctx: Context, words: str) -> Seen:
        return Seen(Condition.ABSENT if ctx.removing else Condition.AS_WANTED, words)

    def make(self, ctx: Context, seen: Seen) -> None:
        """As usual; a refusal is told and remembered, and everything goes on."""
        if not self.plan.wanted:
            self.unmake(ctx)
            return
        try:
            super().make(ctx, seen)
        except (Temporary, Stopped, NotOurs):
            raise
        except InstallError as error:
            ctx.remember(_REFUSED, f"by {ctx.recall(KIND_FACT, ACCOUNT) or ''}")
            ctx.note(f"{self.title}: not possible here. {error.why} Instead: {self.instead}.")

    def delete(self, ctx: Context, found: S) -> str:  # noqa: ARG002
        """At once, without a work request."""
        self.drop(found)
        return ""

    @abstractmethod
    def drop(self, found: S) -> None:
        """The removing call."""

    def spending(self) -> Spending:
        """The adapter."""
        return Spending(self.account())


class SpendLock(Guard[Quota]):
    """A quota policy over our compartment: nothing in it but what the plan needs."""

    id = SPEND_LOCK
    title = "Spend lock"
    noun = "quota policy"
    kind = "quota"
    suffix = "spend-lock"
    instead = (
        "nothing beyond the plan is ever asked for by us, limits are read first, and Oracle's own "
        "limits stay"
    )

    def get(self, ctx: Context, resource_id: str) -> Quota | None:  # noqa: ARG002
        """By id."""
        return self.spending().quota(resource_id)

    def named(self, ctx: Context, name: str) -> Sequence[Quota]:  # noqa: ARG002
        """In the tenancy."""
        return self.spending().quotas(name)

    def create(self, ctx: Context, name: str, retry_token: str) -> Started:
        """In the home region."""
        return Started(self.spending().create_quota(name, self.plan, self.tags(ctx), retry_token))

    def differences(self, ctx: Context, found: Quota) -> tuple[str, ...]:  # noqa: ARG002
        """Statements; the narrower policy is what some accounts are content with."""
        if found.statements in (all_statements(self.plan), machine_statements(self.plan)):
            return ()
        return ("set the quotas to what the plan needs",)

    def repair(self, ctx: Context, found: Quota) -> None:  # noqa: ARG002
        """Replace the statements by as many as there were kinds of."""
        narrow = not any("filesystem" in each for each in found.statements)
        wanted = (machine_statements if narrow else all_statements)(self.plan)
        self.spending().set_statements(found.id, wanted)

    def told(self, ctx: Context, found: Quota) -> str:  # noqa: ARG002
        """What it does."""
        return f"{found.name}: nothing beyond the plan in compartment {self.plan.compartment}"

    def drop(self, found: Quota) -> None:
        """It goes at once."""
        self.spending().delete_quota(found.id)


class SpendAlert(Guard[Budget]):
    """A budget over our compartment with a warning; it stops nothing and comes a day late."""

    id = SPEND_ALERT
    title = "Spend warning"
    noun = "budget"
    kind = "budget"
    suffix = "budget"
    instead = "look at the cost analysis in Oracle's console now and then"

    def get(self, ctx: Context, resource_id: str) -> Budget | None:  # noqa: ARG002
        """By id."""
        return self.spending().budget(resource_id)

    def named(self, ctx: Context, name: str) -> Sequence[Budget]:  # noqa: ARG002
        """In the tenancy."""
        return self.spending().budgets(name)

    def create(self, ctx: Context, name: str, retry_token: str) -> Started:
        """Over the compartment."""
        made = self.spending().create_budget(
            name, self.compartment(ctx), self._amount(), self.tags(ctx), retry_token
        )
        return Started(made)

    def _amount(self) -> float:
        """Oracle takes no budget below 1."""
        return float(max(1, math.ceil(self.plan.monthly_usd)))

    def differences(self, ctx: Context, found: Budget) -> tuple[str, ...]:  # noqa: ARG002
        """Amount and warning."""
        lines = [] if found.amount == self._amount() else [f"amount {self._amount():g} a month"]
        return (*lines, *(() if found.alerts else ("add the warning",)))

    def repair(self, ctx: Context, found: Budget) -> None:
        """Set the amount; a warning is only added where there is none."""
        if found.amount != self._amount():
            self.spending().set_amount(found.id, self._amount())
        if not found.alerts:
            self.spending().add_alert(found.id, found.name, self.plan, self.tags(ctx))

    def told(self, ctx: Context, found: Budget) -> str:  # noqa: ARG002
        """What it does, and what not."""
        to = self.plan.email or "Oracle's console only, since access.email is empty"
        return f"{found.name}: a warning to {to}; it tells of a bill and does not stop it"

    def drop(self, found: Budget) -> None:
        """Its warnings go with it."""
        self.spending().delete_budget(found.id)
