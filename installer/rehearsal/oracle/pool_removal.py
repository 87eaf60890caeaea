"""How nodes and node pools come to their end."""

from __future__ import annotations

from installer.rehearsal.oracle.machines import terminate
from installer.rehearsal.oracle.records import GONE, Record
from installer.rehearsal.oracle.tenancy import Tenancy

REMOVAL_SECONDS = 90.0


def nodes_of(tenancy: Tenancy, pool: Record) -> list[Record]:
    """The pool's nodes that are not gone."""
    return tenancy.registry.living("node", lambda r: bool(r.body["nodePoolId"] == pool.id))


def remove_node(tenancy: Tenancy, node: Record) -> None:
    """Starts the end of one node and its machine; a node without a machine is gone at once."""
    instance = tenancy.registry.look_up("instance", node.id)
    if instance is None or tenancy.registry.state(instance) in GONE:
        node.pass_through(tenancy.now, ("DELETED", 0.0))
    else:
        terminate(tenancy, instance)
        node.pass_through(tenancy.now, ("DELETING", 0.0), ("DELETED", 60.0))
    tenancy.registry.save(node)


def remove_pool(tenancy: Tenancy, pool: Record) -> None:
    """Starts the end of the pool and its nodes."""
    for node in nodes_of(tenancy, pool):
        if tenancy.registry.state(node) != "DELETING":
            remove_node(tenancy, node)
    pool.pass_through(tenancy.now, ("DELETING", 0.0), ("DELETED", REMOVAL_SECONDS))
    tenancy.registry.save(pool)
