"""The servers, each started once for all tests that ask it something."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real_servers.broker import Broker, broker
from tests.real_servers.caches import cache
from tests.real_servers.extracting import Cluster, rendered_cluster
from tests.real_servers.object_store import ObjectStore, object_store
from tests.real_servers.postgresql import Database, database
from tests.real_servers.processes import Site
from tests.real_servers.servers import Server, initialised, running


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """Everything rendered, with Secrets generated once."""
    return rendered_cluster()


@pytest.fixture(scope="session")
def site(cluster: Cluster) -> Iterator[Site]:
    """A folder other users may enter, since the servers run under their own; short, because the
    name of a socket may not be long."""
    folder = Path(tempfile.mkdtemp(prefix="real-"))
    os.chmod(folder, 0o755)
    try:
        yield Site(cluster, folder)
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def health_database(site: Site) -> Iterator[Database]:
    """The health database, its init job run once."""
    with initialised(database(site, "postgresql-health")) as made:
        yield made


@pytest.fixture(scope="session")
def auth_database(site: Site) -> Iterator[Database]:
    """The login database, its init job run once."""
    with initialised(database(site, "postgresql-auth")) as made:
        yield made


@pytest.fixture(scope="session")
def health_cache(site: Site) -> Iterator[Server]:
    with running(cache(site, "redis-health")) as server:
        yield server


@pytest.fixture(scope="session")
def auth_cache(site: Site) -> Iterator[Server]:
    with running(cache(site, "redis-auth")) as server:
        yield server


@pytest.fixture(scope="session")
def store(site: Site) -> Iterator[ObjectStore]:
    """The object store, its init job run once."""
    with initialised(object_store(site)) as made:
        yield made


@pytest.fixture(scope="session")
def message_broker(site: Site) -> Iterator[Broker]:
    made = broker(site)
    with running(made.server):
        yield made
