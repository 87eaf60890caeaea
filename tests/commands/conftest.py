"""What the commands meet: a cluster with a machine that takes pods, or nobody at all."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import NoReturn

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


@pytest.fixture
def nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking up a name and opening a connection fail the test."""

    def refuse(*asked: object, **_more: object) -> NoReturn:
        raise AssertionError(f"somebody is asked: {asked}")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
