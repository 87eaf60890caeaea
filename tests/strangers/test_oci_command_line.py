"""Oracle's own command line takes the rehearsal for Oracle.

It is found as `oci` on the path, or where HEALTH_INSTALL_OCI_CLI says.
"""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.rehearsal.oracle.playground import Playground

OCI = os.environ.get("HEALTH_INSTALL_OCI_CLI") or shutil.which("oci")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.strangers,
    pytest.mark.skipif(
        OCI is None,
        reason="Oracle's command line is absent: install oci-cli or set HEALTH_INSTALL_OCI_CLI",
    ),
]


class CommandLine:
    """`oci` with the world's configuration and endpoint."""

    def __init__(self, world: Playground) -> None:
        self.world = world

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """As a person would type it, with the rehearsal's address behind."""
        assert OCI is not None
        address = self.world.address
        environment = {**os.environ, "OCI_CLI_SUPPRESS_FILE_PERMISSIONS_WARNING": "True"}
        return subprocess.run(
            [
                *(OCI, "--config-file", address["config_file"]),
                *("--endpoint", address["oracle"], "--no-retry", *words),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            env=environment,
            check=False,
        )

    def ask(self, *words: str) -> Any:
        """The parsed answer; None when there was none."""
        ended = self.run(*words)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout) if ended.stdout.strip() else None

    def made(self, *words: str) -> str:
        """The OCID in the answer."""
        return str(self.ask(*words)["data"]["id"])


@pytest.fixture(scope="module")
def oci(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    with Playground(tmp_path_factory.mktemp("world"), speed=60) as world:
        yield CommandLine(world)


def test_a_person_builds_and_removes_a_cluster_with_oracles_command_line(
    oci: CommandLine, tmp_path: Path
) -> None:
    world = oci.world
    room = world.tenancy
    in_room = ("--compartment-id", room)
    zone = oci.ask("iam", "availability-domain", "list", *in_room)["data"][0]["name"]
    net = oci.made("network", "vcn", "create", *in_room, "--cidr-block", "10.20.0.0/16")
    assert [item["id"] for item in oci.ask("network", "vcn", "list", *in_room)["data"]] == [net]
    in_net = (*in_room, "--vcn-id", net)
    api, nodes = _subnets(oci, in_net)

    create = ("ce", "cluster", "create", *in_net, "--name", "health", "--type", "BASIC_CLUSTER")
    version = oci.ask("ce", "cluster-options", "get", "--cluster-option-id", "all")
    newest = version["data"]["kubernetes-versions"][-1]
    begun = oci.ask(
        *(*create, "--kubernetes-version", newest),
        *("--endpoint-subnet-id", api, "--endpoint-public-ip-enabled", "true"),
    )
    work = begun["opc-work-request-id"]
    world.wind(480)
    cluster = _target(oci, work)
    assert oci.ask("ce", "cluster", "get", "--cluster-id", cluster)["data"]["name"] == "health"

    pool = _pool(oci, (*in_room, "--cluster-id", cluster), newest, zone, nodes)
    shown = oci.ask("ce", "node-pool", "get", "--node-pool-id", pool)["data"]
    assert [node["lifecycle-state"] for node in shown["nodes"]] == ["ACTIVE"]

    kubeconfig = tmp_path / "kubeconfig"
    where = ("--file", str(kubeconfig), "--token-version", "2.0.0")
    written = oci.run("ce", "cluster", "create-kubeconfig", "--cluster-id", cluster, *where)
    assert written.returncode == 0, written.stderr
    user = yaml.safe_load(kubeconfig.read_text())["users"][0]["user"]["exec"]
    assert user["command"] == "oci"
    _token_is_accepted(oci, cluster)

    oci.ask("ce", "node-pool", "delete", "--node-pool-id", pool, "--force")
    oci.ask("ce", "cluster", "delete", "--cluster-id", cluster, "--force")
    world.wind(200)
    _remove_network(oci, in_net, (api, nodes))
    assert world.inventory() == []


def _remove_network(oci: CommandLine, in_net: tuple[str, ...], subnets: tuple[str, ...]) -> None:
    for subnet in subnets:
        oci.ask("network", "subnet", "delete", "--subnet-id", subnet, "--force")
    vcn = oci.ask("network", "vcn", "get", "--vcn-id", in_net[-1])["data"]
    table = ("--rt-id", vcn["default-route-table-id"])
    oci.ask("network", "route-table", "update", *table, "--route-rules", "[]", "--force")
    for item in oci.ask("network", "internet-gateway", "list", *in_net)["data"]:
        oci.ask("network", "internet-gateway", "delete", "--ig-id", item["id"], "--force")
    oci.world.wind(10)
    oci.ask("network", "vcn", "delete", "--vcn-id", vcn["id"], "--force")
    oci.world.wind(10)


def _subnets(oci: CommandLine, in_net: tuple[str, ...]) -> tuple[str, str]:
    """Two subnets with a way out, on the network's default table and rules."""
    gateway = oci.made("network", "internet-gateway", "create", *in_net, "--is-enabled", "true")
    vcn = oci.ask("network", "vcn", "get", "--vcn-id", in_net[-1])["data"]
    route = [
        {
            "destination": "0.0.0.0/0",
            "destinationType": "CIDR_BLOCK",
            "networkEntityId": gateway,
        }
    ]
    table = ("--rt-id", vcn["default-route-table-id"])
    routes = ("--route-rules", json.dumps(route), "--force")
    oci.ask("network", "route-table", "update", *table, *routes)
    everything = json.dumps([{"protocol": "all", "source": "10.20.0.0/16"}])
    oci.ask(
        *("network", "security-list", "update", "--force"),
        *("--security-list-id", vcn["default-security-list-id"]),
        *("--ingress-security-rules", everything),
    )
    create = ("network", "subnet", "create", *in_net, "--cidr-block")
    return oci.made(*create, "10.20.0.0/30"), oci.made(*create, "10.20.1.0/24")


def _pool(oci: CommandLine, where: tuple[str, ...], version: str, zone: str, subnet: str) -> str:
    options = oci.ask("ce", "node-pool-options", "get", "--node-pool-option-id", "all")["data"]
    image = next(
        source["image-id"]
        for source in options["sources"]
        if f"OKE-{version[1:]}-" in source["source-name"]
        and "aarch64" in source["source-name"]
        and "GPU" not in source["source-name"]
    )
    placement = json.dumps([{"availabilityDomain": zone, "subnetId": subnet}])
    begun = oci.ask(
        *("ce", "node-pool", "create", *where, "--name", "nodes"),
        *("--kubernetes-version", version, "--node-shape", "VM.Standard.A1.Flex"),
        *("--node-shape-config", json.dumps({"ocpus": 2, "memoryInGBs": 12})),
        *("--node-image-id", image, "--node-boot-volume-size-in-gbs", "50"),
        *("--placement-configs", placement, "--size", "1"),
    )
    oci.world.wind(180)
    return _target(oci, begun["opc-work-request-id"])


def _target(oci: CommandLine, work: str) -> str:
    """What the work request was about, once it has succeeded."""
    shown = oci.ask("ce", "work-request", "get", "--work-request-id", work)["data"]
    assert shown["status"] == "SUCCEEDED"
    return str(shown["resources"][0]["identifier"])


def _token_is_accepted(oci: CommandLine, cluster: str) -> None:
    """The command line's own token opens the cluster's API, another does not."""
    answer = oci.ask("ce", "cluster", "generate-token", "--cluster-id", cluster)
    token = answer["status"]["token"]
    shown = oci.ask("ce", "cluster", "get", "--cluster-id", cluster)["data"]
    url = f"https://{shown['endpoints']['public-endpoint']}/api/v1/namespaces"
    anyone = ssl._create_unverified_context()

    def status(bearer: str) -> int:
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {bearer}"})
        try:
            with urllib.request.urlopen(request, context=anyone, timeout=10) as page:
                return int(page.status)
        except urllib.error.HTTPError as error:
            return error.code

    assert status(token) == 200
    assert status(token[:-8] + "AAAAAAAA") == 401


def test_a_refusal_is_shown_as_a_service_error(oci: CommandLine) -> None:
    ended = oci.run("network", "vcn", "get", "--vcn-id", "ocid1.vcn.oc1.eu-amsterdam-1.nothing")
    assert ended.returncode != 0
    assert '"code": "NotAuthorizedOrNotFound"' in ended.stderr
    assert '"status": 404' in ended.stderr


def test_limits_and_namespace_can_be_read(oci: CommandLine) -> None:
    root = ("--compartment-id", oci.world.tenancy)
    words = ("limits", "value", "list", *root, "--service-name", "container-engine", "--all")
    values = {item["name"]: item["value"] for item in oci.ask(*words)["data"]}
    assert values["cluster-count"] == 1
    assert len(oci.ask("os", "ns", "get")["data"]) == 12
