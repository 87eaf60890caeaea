"""The platform in a control plane where no pod runs, and programs with an account's rights."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from installer.plan import Plan
from tests.control_plane.control_plane import ControlPlane
from tests.control_plane.wire import MERGE, Wire
from tests.real_servers.extracting import Cluster as Objects
from tests.real_servers.mapping import stand_in_ports
from tests.real_servers.processes import Site, until
from tests.real_servers.programs import Image
from tests.real_servers.servers import Server

Body = Mapping[str, Any]


@dataclass
class Inside:
    """What is installed where, and a folder to lay out programs in that speak with it."""

    plan: Plan
    plane: ControlPlane
    wire: Wire
    folder: Path
    site: Site = field(init=False)

    def __post_init__(self) -> None:
        self.site = Site(Objects(self.plan.rendered, {}), self.folder)

    def bodies(self, *kinds: str) -> list[Body]:
        """The rendered objects of these kinds."""
        return [entry.body for entry in self.plan.rendered.objects if entry.body["kind"] in kinds]

    def login(self, namespace: str, account: str) -> Path:
        """A kubeconfig that has no more than a token of this service account."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        made = self.wire.ask("POST", path, {"spec": {}})
        authority = base64.b64encode(self.plane.ca_file.read_bytes()).decode()
        cluster = {"server": self.plane.server, "certificate-authority-data": authority}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "pod",
            "clusters": [{"name": "here", "cluster": cluster}],
            "users": [{"name": account, "user": {"token": made["status"]["token"]}}],
            "contexts": [{"name": "pod", "context": {"cluster": "here", "user": account}}],
        }
        file = self.folder / f"{namespace}.{account}.kubeconfig"
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
        return file

    def program(
        self, name: str, found: Path, login: Path, flags: Sequence[str] = ("kubeconfig",)
    ) -> Server:
        """A Deployment's program as rendered; `flags` name the file with its login, which in a
        cluster it finds at the place where a kubelet puts it."""
        pod = self.site.cluster.pod("Deployment", name)
        (container,) = pod.containers
        # By a path that is not one of the container's, and a name that is not its Service's.
        words = [f"--{flag}={login.name}" for flag in flags]
        image = Image(
            {f"the-{name}": found},
            entrypoint=(f"the-{name}", *words),
            working_directory=self.folder,
        )
        ports = stand_in_ports(container.ports.values())
        process = self.site.prepare(pod, container.name, image, ports)
        return Server(self.site.cluster, pod, container, process)

    def pod_of(self, namespace: str, name: str) -> Body:
        """The pod that controllers have made for this workload; asserts that they have."""
        path = f"/api/v1/namespaces/{namespace}/pods"
        query = f"labelSelector=app.kubernetes.io/name%3D{name}"
        found: list[Body] = []

        def there() -> bool:
            found[:] = self.wire.ask("GET", f"{path}?{query}")["items"]
            return bool(found)

        assert until(there, 30), f"no pod of {name} was made"
        return found[0]

    def happened(self, path: str, status: Body) -> None:
        """Writes into an object's status what a kubelet or controller would have."""
        self.wire.ask("PATCH", f"{path}/status", {"status": dict(status)}, MERGE)


def token_of(login: Path) -> str:
    """The token in a kubeconfig made here."""
    document = yaml.safe_load(login.read_text(encoding="utf-8"))
    token: str = document["users"][0]["user"]["token"]
    return token
