"""The Health API and the processing engine: variables as rendered, and their small scripts."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import pytest

from tests.real_servers import programs
from tests.real_servers.broker import Broker
from tests.real_servers.extracting import Cluster
from tests.real_servers.mapping import LOOPBACK
from tests.real_servers.object_store import ObjectStore
from tests.real_servers.postgresql import Database
from tests.real_servers.processes import Ended, Process, Site, run_to_end

API, ENGINE = "health-api", "etl-engine"
PORTS = {"postgresql-health": 5432, "redis-health": 6379, "rabbitmq": 5672, "minio": 9000}
_PROGRAM = programs.STAND_INS / "health-api"


@dataclass(frozen=True)
class Login:
    """Where an address leads, and as whom."""

    user: str
    password: str
    host: str
    port: int
    rest: str


def variables(cluster: Cluster, program: str) -> dict[str, str]:
    """What the program finds in its environment."""
    return cluster.pod("Deployment", program).container(program).environment(cluster.secrets)


def login(address: str) -> Login:
    """The parts of an address; asserts that it leads to a server of the data layer, at its port."""
    parts: SplitResult = urlsplit(address)
    service, _, domain = str(parts.hostname).partition(".")
    assert domain == "health-data.svc.cluster.local", parts.hostname
    assert parts.port == PORTS[service]
    # Percent signs would be taken for something else.
    assert re.fullmatch(r"[A-Za-z0-9_-]*", parts.password or "")
    return Login(
        parts.username or "", parts.password or "", service, PORTS[service], parts.path[1:]
    )


def script(site: Site, broker: Broker, word: str, **changed: str) -> Process:
    """The engine's script as the cluster would run it, with some variables changed."""
    pod = site.cluster.pod("Deployment", ENGINE)
    ports = ((PORTS["rabbitmq"], broker.server.port("amqp")),)
    found = {**variables(site.cluster, ENGINE), **changed}
    changes = {name: found[name] for name in changed}
    made = site.prepare(pod, "broker", programs.python(), ports, changes)
    words = tuple(word if one == "prepare" else one for one in made.words)
    return Process(f"{made.name}-{word}", words, made.environment, made.identity, made.mapping)


def tell(site: Site, broker: Broker, word: str, **changed: str) -> Ended:
    """What the script says, and how it ends."""
    return run_to_end(script(site, broker, word, **changed), seconds=60)


def tables(site: Site, database: Database, *, knows_tables: bool = True, **changed: str) -> Process:
    """The container that makes the tables, in an image that describes them or does not."""
    pod = site.cluster.pod("Deployment", API)
    image = programs.python(_PROGRAM if knows_tables else programs.STAND_INS)
    return site.prepare(
        pod, "tables", image, ((PORTS["postgresql-health"], database.port),), changed
    )


def s3(store: ObjectStore, cluster: Cluster, program: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An S3 client made as the program makes its own: keys by hand, the rest by variables."""
    boto3: Any = pytest.importorskip("boto3")
    found = variables(cluster, program)
    prefix = "ETL_" if program == ENGINE else ""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in found.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    address = login(found[f"{prefix}S3_ENDPOINT_URL"])
    assert address.host == "minio"
    more = {"region_name": found["ETL_S3_REGION"]} if prefix else {}
    return boto3.session.Session().client(
        "s3",
        endpoint_url=f"http://{LOOPBACK}:{store.server.port('s3')}",
        aws_access_key_id=found[f"{prefix}S3_ACCESS_KEY"],
        aws_secret_access_key=found[f"{prefix}S3_SECRET_KEY"],
        **more,
    )
