"""Quota policies and budgets: the first refuse what would cost money, the second only tell of it.

Both live in the root compartment and are written in the home region. Statements are read in order,
the last one that speaks of a thing counts. Zeroing a family of compute zeroes the counts of the
region as well as those of the domains, so both are given back; with one missing no machine starts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from installer.engine.errors import InstallError, Temporary
from installer.oracle.account import Account
from installer.oracle.limits import Needs
from installer.oracle.resource import Life, Resource
from installer.oracle.sdk import models

BALANCER_MBPS = 10


@dataclass(frozen=True)
class SpendPlan:
    """What may exist in the compartment of that name, and the monthly sum agreed to (US dollars).

    `email` gets Oracle's warning; without one it only shows in Oracle's console. What is not
    `wanted` is taken away again.
    """

    compartment: str
    needs: Needs
    wanted: bool = True
    monthly_usd: Decimal = Decimal(0)
    email: str = ""


@dataclass(frozen=True)
class Quota(Resource):
    """A quota policy."""

    statements: tuple[str, ...] = ()


@dataclass(frozen=True)
class Budget(Resource):
    """A budget; `amount` is a month's, in the currency of the account."""

    amount: float = 0.0
    alerts: int = 0


def machine_statements(plan: SpendPlan) -> tuple[str, ...]:
    """No machine but the plan's, and no more storage; what most accounts understand."""
    place = f"in compartment {plan.compartment}"
    ocpus, memory = math.ceil(plan.needs.ocpus), math.ceil(plan.needs.memory_gb)
    return (
        f"zero compute-core quotas {place}",
        f"zero compute-memory quotas {place}",
        f"set compute-core quota standard-a1-core-count to {ocpus} {place}",
        f"set compute-core quota standard-a1-core-regional-count to {ocpus} {place}",
        f"set compute-memory quota standard-a1-memory-count to {memory} {place}",
        f"set compute-memory quota standard-a1-memory-regional-count to {memory} {place}",
        f"set block-storage quota total-storage-gb to {plan.needs.storage_gb} {place}",
    )


def all_statements(plan: SpendPlan) -> tuple[str, ...]:
    """Other services that cost money as well; balancers only as many as planned."""
    place = f"in compartment {plan.compartment}"
    balancers = plan.needs.flexible_balancers
    return (
        *machine_statements(plan),
        f"zero filesystem quotas {place}",
        f"zero database quotas {place}",
        f"zero load-balancer quotas {place}",
        *(
            (
                f"set load-balancer quota lb-flexible-count to {balancers} {place}",
                f"set load-balancer quota lb-flexible-bandwidth-sum to "
                f"{balancers * BALANCER_MBPS} {place}",
            )
            if balancers
            else ()
        ),
    )


class Spending:
    """Quotas and budgets of one tenancy."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._clients = account.clients

    def _client(self, name: str) -> Any:
        return self._clients.client(name, self._account.home_region)

    # -- quotas -------------------------------------------------------------------------------

    def quota(self, part_id: str) -> Quota | None:
        """One quota policy; None when absent."""
        found = self._clients.find(
            "reading the quota policy", lambda: self._client("quotas").get_quota(part_id)
        )
        return _quota(found.data) if found else None

    def quotas(self, name: str) -> list[Quota]:
        """Those of that name."""
        found = self._clients.all(
            "looking for the quota policy",
            self._client("quotas").list_quotas,
            self._account.tenancy,
            name=name,
        )
        return [each for each in map(_quota, found) if each.name == name and _lives(each)]

    def create_quota(
        self, name: str, plan: SpendPlan, tags: Mapping[str, str], retry_token: str
    ) -> str:
        """Make the widest policy this account understands; returns its OCID."""

        def create(statements: Sequence[str], token: str) -> str:
            details = models("limits").CreateQuotaDetails(
                compartment_id=self._account.tenancy,
                name=name,
                description="Made by health-install: nothing here but what the plan needs",
                statements=list(statements),
                freeform_tags=dict(tags),
            )
            answer = self._clients.ask(
                f"creating the quota policy {name}",
                lambda: self._client("quotas").create_quota(details, opc_retry_token=token),
            )
            return str(answer.data.id)

        try:
            return create(all_statements(plan), retry_token)
        except Temporary:
            raise
        except InstallError:
            # A family this account does not have; another body asks for another token.
            return create(machine_statements(plan), f"{retry_token}m")

    def set_statements(self, part_id: str, statements: Sequence[str]) -> None:
        """Replace all statements of a policy."""
        details = models("limits").UpdateQuotaDetails(statements=list(statements))
        self._clients.ask(
            "changing the quota policy",
            lambda: self._client("quotas").update_quota(part_id, details),
        )

    def delete_quota(self, part_id: str) -> None:
        """Remove it; absent is fine."""
        self._clients.find(
            "removing the quota policy", lambda: self._client("quotas").delete_quota(part_id)
        )

    # -- budgets ------------------------------------------------------------------------------

    def budget(self, part_id: str) -> Budget | None:
        """One budget; None when absent."""
        found = self._clients.find(
            "reading the budget", lambda: self._client("budgets").get_budget(part_id)
        )
        return _budget(found.data) if found else None

    def budgets(self, name: str) -> list[Budget]:
        """Those of that name."""
        found = self._clients.all(
            "looking for the budget",
            self._client("budgets").list_budgets,
            self._account.tenancy,
            display_name=name,
        )
        return [each for each in map(_budget, found) if each.name == name and _lives(each)]

    def create_budget(
        self, name: str, compartment: str, amount: float, tags: Mapping[str, str], retry_token: str
    ) -> str:
        """Make one over a compartment; returns its OCID."""
        details = models("budget").CreateBudgetDetails(
            compartment_id=self._account.tenancy,
            display_name=name,
            description="Made by health-install: tells when the compartment costs money",
            amount=amount,
            reset_period="MONTHLY",
            target_type="COMPARTMENT",
            targets=[compartment],
            freeform_tags=dict(tags),
        )
        answer = self._clients.ask(
            f"creating the budget {name}",
            lambda: self._client("budgets").create_budget(details, opc_retry_token=retry_token),
        )
        return str(answer.data.id)

    def set_amount(self, part_id: str, amount: float) -> None:
        """Change the monthly amount."""
        details = models("budget").UpdateBudgetDetails(amount=amount)
        self._clients.ask(
            "changing the budget", lambda: self._client("budgets").update_budget(part_id, details)
        )

    def add_alert(self, part_id: str, name: str, plan: SpendPlan, tags: Mapping[str, str]) -> None:
        """Have Oracle warn as soon as more is spent than was agreed to."""
        details = models("budget").CreateAlertRuleDetails(
            display_name=name,
            type="ACTUAL",
            threshold_type="ABSOLUTE",
            threshold=max(0.01, float(plan.monthly_usd)),
            recipients=plan.email or None,
            message="The compartment made by health-install costs more than was agreed to.",
            freeform_tags=dict(tags),
        )
        self._clients.ask(
            f"creating the warning of the budget {name}",
            lambda: self._client("budgets").create_alert_rule(part_id, details),
        )

    def delete_budget(self, part_id: str) -> None:
        """Remove it with its warnings; absent is fine."""
        self._clients.find(
            "removing the budget", lambda: self._client("budgets").delete_budget(part_id)
        )


def _lives(resource: Resource) -> bool:
    return resource.life is not Life.GONE


def _quota(model: Any) -> Quota:
    """A summary has no statements."""
    return Quota(
        id=str(model.id),
        name=str(model.name),
        state=str(model.lifecycle_state),
        tags=dict(model.freeform_tags or {}),
        statements=tuple(getattr(model, "statements", None) or ()),
    )


def _budget(model: Any) -> Budget:
    return Budget(
        id=str(model.id),
        name=str(model.display_name),
        state=str(model.lifecycle_state),
        tags=dict(model.freeform_tags or {}),
        amount=float(model.amount or 0),
        alerts=int(model.alert_rule_count or 0),
    )
