"""The object store, its init job and its expiring neighbour, and S3 asked through boto3."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.real_servers import programs
from tests.real_servers.mapping import LOOPBACK, free_ports, stand_in_ports
from tests.real_servers.processes import Ended, Process, Site, run_to_end
from tests.real_servers.servers import Server

BUCKET = "health-data"
# Ports that only the variables name, and the six the script takes for itself.
_GRPC_PORT, _INTERNAL_PORTS = 9001, 6


@dataclass(frozen=True)
class Keys:
    """An access key and its secret key; empty for a client that does not sign."""

    access: str = ""
    secret: str = ""


@dataclass(frozen=True)
class ObjectStore:
    """The store, with the site it stands on."""

    site: Site
    server: Server
    internal: str

    def init(self) -> Ended:
        """Runs the init job to its end."""
        return run_to_end(self.init_process())

    def init_process(self) -> Process:
        """A new pod of the init job."""
        pod = self.site.cluster.pod("Job", "minio-init")
        ports = tuple(self.server.mapping.ports)
        return self.site.prepare(pod, "init", programs.seaweedfs(), ports)

    def expire_process(self) -> Process:
        """The neighbour container that carries out expiry rules, told to make one pass only."""
        more = {"EVERY": "0", "INTERNAL_PORT": self.internal}
        return self.site.prepare(
            self.server.pod, "expire", programs.seaweedfs(), (), more, beside=self.server.mapping
        )

    def keys(self, who: str) -> Keys:
        """The generated keys of a client, or of the administrator `root`."""
        secret = self.server.secret
        if who == "root":
            return Keys(secret("root-user"), secret("root-password"))
        return Keys(secret(f"{who}-access-key"), secret(f"{who}-secret-key"))

    def client(self, keys: Keys) -> Any:
        """An S3 client as the platform's programs make theirs: plain HTTP, addressing by path."""
        boto3: Any = pytest.importorskip("boto3", reason="boto3 is not here: pip install boto3")
        configuration: Any = pytest.importorskip("botocore.config")
        options: dict[str, Any] = {
            "s3": {"addressing_style": "path"},
            "retries": {"total_max_attempts": 1},
        }
        if not keys.access:
            options["signature_version"] = pytest.importorskip("botocore").UNSIGNED
        return boto3.client(
            "s3",
            endpoint_url=f"http://{LOOPBACK}:{self.server.port('s3')}",
            region_name="us-east-1",
            aws_access_key_id=keys.access or None,
            aws_secret_access_key=keys.secret or None,
            config=configuration.Config(connect_timeout=10, read_timeout=30, **options),
        )

    def by(self, who: str) -> Any:
        """An S3 client with the generated keys of `who`."""
        return self.client(self.keys(who))


def object_store(site: Site) -> ObjectStore:
    """The store, laid out and not yet started."""
    pod = site.cluster.pod("StatefulSet", "minio")
    container = pod.container("store")
    ports = stand_in_ports((*container.ports.values(), _GRPC_PORT))
    internal = str(free_ports(_INTERNAL_PORTS)[0])
    more = {"INTERNAL_PORT": internal}
    process = site.prepare(pod, container.name, programs.seaweedfs(), ports, more)

    def tidy() -> None:
        """Removes sockets left behind in the one folder that the program has built in."""
        for port in (
            *(ours for _, ours in ports),
            *range(int(internal), int(internal) + _INTERNAL_PORTS),
        ):
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                left.unlink(missing_ok=True)

    server = Server(site.cluster, pod, container, process, after_stop=tidy)
    return ObjectStore(site, server, internal)


def refusal(call: Any, **arguments: Any) -> str:
    """The S3 error code with which a call is refused; asserts that it is."""
    errors: Any = pytest.importorskip("botocore.exceptions")
    with pytest.raises(errors.ClientError) as caught:
        call(**arguments)
    code: str = caught.value.response["Error"]["Code"]
    return code
