"""Makes sure of the Kubernetes control plane."""

from __future__ import annotations

from collections.abc import Sequence

from installer.engine.errors import AccountError
from installer.engine.step import Context
from installer.oracle.cluster import CLUSTER_TYPE, Cluster, Clusters, ClusterWanted
from installer.oracle.resource import Started
from installer.oracle.versions import choose_version, fits
from installer.oracle.wanted import ClusterPlan
from installer.steps.leftovers import LEFTOVERS
from installer.steps.oracle_resource import OpenAccount, OracleResource
from installer.steps.security_group import group_of
from installer.steps.subnet import subnet_id

CLUSTER = "cluster"
VERSION_FACT = "version"


class ControlPlane(OracleResource[Cluster]):
    """A BASIC cluster, whose control plane costs nothing. Takes about eight minutes."""

    id = CLUSTER
    title = "Kubernetes control plane"
    group = "Cluster"
    # After the leftovers, so that a removal takes them away once the cluster is gone.
    needs = (LEFTOVERS, subnet_id("api"), subnet_id("nodes"), subnet_id("balancers"))
    usually = 480.0
    noun = "cluster"
    kind = "cluster"
    suffix = "cluster"
    every = 10.0
    at_most = 3600.0
    removal_usually = 180.0

    def __init__(self, account: OpenAccount, plan: ClusterPlan) -> None:
        super().__init__(account)
        self._plan = plan

    def get(self, ctx: Context, resource_id: str) -> Cluster | None:  # noqa: ARG002
        """By id."""
        return self._all().get(resource_id)

    def named(self, ctx: Context, name: str) -> Sequence[Cluster]:
        """In the compartment."""
        return self._all().named(self.compartment(ctx), name)

    def create(self, ctx: Context, name: str, retry_token: str) -> Started:
        """With the version that is chosen once and then kept over interruptions."""
        wanted = ClusterWanted(
            compartment=self.compartment(ctx),
            name=name,
            vcn=ctx.recall("id", "vcn") or "",
            api_subnet=ctx.recall("id", subnet_id("api")) or "",
            balancer_subnet=ctx.recall("id", subnet_id("balancers")) or "",
            version=self._version(ctx),
            plan=self._plan,
            tags=self.tags(ctx),
            groups=group_of(ctx, "api"),
        )
        return self._all().create(wanted, retry_token)

    def _version(self, ctx: Context) -> str:
        """The same for a repeated call: another body would spoil its retry token."""
        chosen = ctx.recall("chosen_version")
        offered = self._all().versions(self.compartment(ctx))
        if not chosen or chosen not in offered or not fits(chosen, self._plan.kubernetes_version):
            chosen = choose_version(offered, self._plan.kubernetes_version)
            ctx.remember("chosen_version", chosen)
        return chosen

    def still_working(self, ctx: Context) -> str | None:
        """While its work request goes on, the cluster itself has nothing to tell."""
        work = self._work(ctx.recall("work_request") or "")
        return None if work is None or work.ended else f"it is being made, {work.words}"

    def delete(self, ctx: Context, found: Cluster) -> str:  # noqa: ARG002
        """Its pools go with it; balancers and volumes do not."""
        return self._all().delete(found.id)

    def learned(self, ctx: Context, found: Cluster) -> None:
        """Nodes take the control plane's version."""
        ctx.remember(VERSION_FACT, found.version)

    def told(self, ctx: Context, found: Cluster) -> str:  # noqa: ARG002
        """The version, and that we do not upgrade."""
        if fits(found.version, self._plan.kubernetes_version):
            return f"{found.name}, Kubernetes {found.version}"
        return (
            f"{found.name} keeps Kubernetes {found.version}; an upgrade to "
            f"{self._plan.kubernetes_version} is not done here"
        )

    def differences(self, ctx: Context, found: Cluster) -> tuple[str, ...]:  # noqa: ARG002
        """Only the type matters: the other one costs money."""
        if found.kind in ("", CLUSTER_TYPE):
            return ()
        return (f"cluster type {found.kind} instead of {CLUSTER_TYPE}",)

    def repair(self, ctx: Context, found: Cluster) -> None:  # noqa: ARG002
        """A cluster cannot be turned back into a BASIC one."""
        raise AccountError(
            f"The cluster {found.name} is of type {found.kind}, which costs money by the hour.",
            "Somebody upgraded it, and Oracle does not turn it back.",
            "Destroy the installation and install again, or keep paying and use target 'existing'.",
        )

    def _all(self) -> Clusters:
        return Clusters(self.account())
