"""Nothing is made that does not fit, or that costs money nobody agreed to."""

from __future__ import annotations

from installer.budget.verdict import Verdict
from installer.engine.errors import CostsMoney, DoesNotFit, ExitCode


def refuse_what_does_not_fit(verdict: Verdict) -> None:
    """Raises DoesNotFit or CostsMoney, with every reason."""
    reasons = "\n".join(verdict.reasons)
    if not verdict.fits:
        raise DoesNotFit(
            "The plan does not fit.",
            reasons,
            "Make it smaller: health-install plan --fit says what to give up.",
        )
    if verdict.costs_money and not verdict.consented:
        raise CostsMoney(
            f"The plan costs {verdict.bill.words()}.",
            reasons,
            "Make the plan smaller, or agree to the amount: set money.accept_monthly_usd to "
            f"{verdict.bill.monthly_usd}.",
        )


def exit_code_of(verdict: Verdict) -> ExitCode:
    """How `plan` ends: fits, would cost money, does not fit."""
    if not verdict.fits:
        return ExitCode.DOES_NOT_FIT
    return ExitCode.COSTS_MONEY if verdict.costs_money else ExitCode.OK
