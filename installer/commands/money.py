"""Nothing is made that does not fit, costs money nobody agreed to, or is not decided yet."""

from __future__ import annotations

from installer.budget.balancers import surprises
from installer.budget.envelope import load_envelope
from installer.budget.verdict import Verdict
from installer.engine.errors import AnswersError, CostsMoney, DoesNotFit, ExitCode
from installer.plan import Decision, Plan, on_oracle


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


def refuse_billable_balancers(plan: Plan) -> None:
    """Raises CostsMoney when a Service could ask Oracle for a balancer that is billed, unless the
    plan's bill was agreed to.
    """
    verdict = plan.verdict
    if not on_oracle(plan.answers) or (verdict.costs_money and verdict.consented):
        return
    found = surprises(plan.rendered.objects, load_envelope().allowance.balancers)
    if found:
        raise CostsMoney(
            "The plan could have Oracle make a balancer that costs money.",
            "\n".join(found),
            "Mend the module that renders it: one Service, a network load balancer or a flexible "
            "one with both bandwidths at 10.",
        )


def open_decisions(plan: Plan, *, rehearsed: bool) -> tuple[Decision, ...]:
    """The decisions without which nothing can be installed. In a rehearsal no image is run, so that
    none has to be named."""
    return () if rehearsed else tuple(one for one in plan.decisions if one.mandatory)


def refuse_open_decisions(plan: Plan, *, rehearsed: bool) -> None:
    """Raises AnswersError with every decision without which nothing can be installed."""
    open_ones = open_decisions(plan, rehearsed=rehearsed)
    if open_ones:
        raise AnswersError(
            "Something has to be decided first.",
            "\n".join(one.words for one in open_ones),
            "\n".join(dict.fromkeys(one.then for one in open_ones)),
        )


def exit_code_of(verdict: Verdict) -> ExitCode:
    """How `plan` ends: fits, would cost money, does not fit."""
    if not verdict.fits:
        return ExitCode.DOES_NOT_FIT
    return ExitCode.COSTS_MONEY if verdict.costs_money else ExitCode.OK
