"""Makes sure that the account lets us in."""

from __future__ import annotations

from installer.engine.step import Condition, Context, Seen, Step
from installer.oracle.access import AccountReport
from installer.oracle.account import Account
from installer.steps.oracle_resource import OpenAccount

ACCOUNT = "account"
# Which kind of account it is, in Oracle's words.
KIND_FACT = "kind"


class AccountReady(Step):
    """Identity, region and clock; makes nothing."""

    id = ACCOUNT
    title = "Oracle account"
    group = "Account"
    usually = 3.0
    checks_only = True

    def __init__(self, account: OpenAccount) -> None:
        self._account = account

    def look(self, ctx: Context) -> Seen:
        """Ask Oracle who we are; raises AccountError when it will not have us."""
        account: Account = self._account()
        report = account.check()
        for warning in report.warnings:
            ctx.note(warning)
        ctx.remember("home_region", report.home_region)
        words = (report.plan, report.upgrade_state)
        ctx.remember(KIND_FACT, " ".join(each for each in words if each))
        return Seen(Condition.AS_WANTED, _words(report))

    def make(self, ctx: Context, seen: Seen) -> None:
        """Never needed: a look that is not content raises."""

    def unmake(self, ctx: Context) -> None:
        """Nothing was made."""


def _words(report: AccountReport) -> str:
    plan = f", {report.plan}" if report.plan else ""
    return f"{report.tenancy_name or report.tenancy} in {report.region}{plan}"
