"""Makes sure that this machine reaches the cluster's API server and is let in."""

from __future__ import annotations

import threading

from installer.engine.step import Condition, Context, Seen, Step
from installer.kube.cluster import Cluster
from installer.kube.connection import Connection
from installer.oracle.access import KubeAccess
from installer.oracle.api_server import silence
from installer.oracle.cluster import Clusters
from installer.oracle.resource import Life
from installer.steps.cluster import CLUSTER
from installer.steps.oracle_resource import OpenAccount

ACCESS = "cluster-access"
_PATIENCE = 1200.0


class ClusterAccess(Step):
    """The connection from here; makes nothing at Oracle, but waits until it works."""

    id = ACCESS
    title = "Access to the cluster"
    group = "Cluster"
    needs = (CLUSTER,)
    usually = 15.0
    checks_only = True

    def __init__(self, account: OpenAccount) -> None:
        self._account = account
        self._guard = threading.Lock()
        self._known: tuple[str, KubeAccess] | None = None

    def look(self, ctx: Context) -> Seen:
        """One try with address, certificate and token."""
        if not ctx.recall("id", CLUSTER):
            return Seen(Condition.ABSENT, "there is no cluster yet")
        cluster = Clusters(self._account()).get(ctx.recall("id", CLUSTER) or "")
        if cluster is None or cluster.life is not Life.THERE:
            return Seen(Condition.ABSENT, "the cluster is not ready")
        access = self.connection(ctx)
        trouble = silence(access)
        if trouble:
            return Seen(Condition.ABSENT, trouble)
        ctx.remember("server", access.server)
        return Seen(Condition.AS_WANTED, access.server)

    def make(self, ctx: Context, seen: Seen) -> None:  # noqa: ARG002
        """Wait for an answer; a new endpoint takes a little while to be known."""
        access = self.connection(ctx)
        ctx.wait(
            f"the API server {access.server}",
            lambda: silence(access) or None,
            every=5.0,
            usually=self.usually,
            at_most=_PATIENCE,
        )
        ctx.remember("server", access.server)

    def unmake(self, ctx: Context) -> None:
        """Nothing was made."""

    def cluster(self, ctx: Context) -> Cluster:
        """The cluster, opened for once; the caller closes it."""
        access = self.connection(ctx)
        return Cluster(Connection(access.server, access.ca_pem, access.token), ctx.pace)

    def connection(self, ctx: Context) -> KubeAccess:
        """The way to the cluster; for the steps inside it too. Its tokens renew themselves."""
        cluster_id = ctx.recall("id", CLUSTER) or ""
        with self._guard:
            if self._known is None or self._known[0] != cluster_id:
                self._known = cluster_id, self._account().cluster_connection(cluster_id)
            return self._known[1]
