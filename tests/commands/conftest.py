"""A cluster that somebody has already, with a machine that takes pods."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from installer.kube.cluster import Cluster
from installer.kube.connection import Connection
from tests.kube.rehearsed import Rehearsed, impatient, rehearsed


@pytest.fixture(scope="module")
def somebodys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsed]:
    """The cluster, once its one node is ready."""
    with rehearsed(tmp_path_factory.mktemp("cluster") / "home") as running:
        with Cluster(Connection.from_kubeconfig(running.kubeconfig)) as cluster:

            def unready() -> str | None:
                nodes = cluster.nodes(with_pods=False)
                return None if any(node.ready for node in nodes) else "no node is ready"

            impatient("the node", unready)
        yield running
