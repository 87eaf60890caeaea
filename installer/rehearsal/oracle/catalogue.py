"""Every operation this Oracle knows."""

from __future__ import annotations

from installer.rehearsal.oracle import (
    balancers,
    block_storage,
    budgets,
    clusters,
    compute,
    identity,
    limits,
    network,
    node_pools,
    object_storage,
    public_ips,
    quotas,
    secret_keys,
    subscriptions,
    work_requests,
)
from installer.rehearsal.oracle.tenancy import Route

ROUTES: tuple[Route, ...] = (
    *identity.ROUTES,
    *secret_keys.ROUTES,
    *network.ROUTES,
    *compute.ROUTES,
    *public_ips.ROUTES,
    *block_storage.ROUTES,
    *clusters.ROUTES,
    *node_pools.ROUTES,
    *work_requests.ROUTES,
    *limits.ROUTES,
    *balancers.ROUTES,
    *object_storage.ROUTES,
    *subscriptions.ROUTES,
    *quotas.ROUTES,
    *budgets.ROUTES,
)
