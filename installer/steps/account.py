"""Makes sure that the account lets us in and that a cluster is possible in it."""

from __future__ import annotations

from installer.engine.errors import AccountError
from installer.engine.step import Condition, Context, Seen, Step
from installer.oracle.access import AccountReport
from installer.oracle.account import Account
from installer.steps.oracle_resource import OpenAccount

CLUSTER = "cluster"
_NO_CLUSTERS = "the account's limit for Kubernetes clusters in this region is 0"


class AccountReady(Step):
    """Identity, region, clock and the limit that decides everything; makes nothing."""

    id = "account"
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
        # With a cluster standing there is no need for another; the limit may have sunk since.
        if report.clusters_allowed == 0 and not ctx.recall("id", CLUSTER):
            return Seen(Condition.DIFFERENT, _words(report), (_NO_CLUSTERS,))
        return Seen(Condition.AS_WANTED, _words(report))

    def make(self, ctx: Context, seen: Seen) -> None:  # noqa: ARG002 - there is nothing to make
        """Only reached when no cluster is possible; raises AccountError before any write."""
        raise AccountError(
            "This Oracle account may not have a Kubernetes cluster.",
            f"Checked before anything was made: {'; '.join(seen.changes) or seen.words}.",
            "Accounts whose trial is over and that were not upgraded usually have a limit of 0. "
            "Upgrade to pay-as-you-go (what is inside the free allowance stays free), or choose "
            "another region, or use target 'existing' with a cluster of your own.",
        )

    def unmake(self, ctx: Context) -> None:
        """Nothing was made."""


def _words(report: AccountReport) -> str:
    plan = f", {report.plan}" if report.plan else ""
    return f"{report.tenancy_name or report.tenancy} in {report.region}{plan}"
