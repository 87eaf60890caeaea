"""A rehearsal cluster in a process of its own, and small objects to put into it."""

from __future__ import annotations

import contextlib
import json
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SPEED = 600.0
PACE = 1.0 / SPEED
Body = dict[str, Any]


@dataclass(frozen=True)
class Rehearsed:
    """A running rehearsal cluster."""

    server: str
    ca_file: Path
    token: str
    kubeconfig: Path


@contextlib.contextmanager
def rehearsed(
    home: Path,
    *options: str,
    weather: list[dict[str, Any]] | None = None,
    speed: float = SPEED,
) -> Iterator[Rehearsed]:
    """A cluster that lives as long as the block."""
    command = [sys.executable, "-m", "installer.rehearsal.kubernetes", "--home", str(home)]
    command += ["--speed", str(speed), *options]
    if weather is not None:
        path = home.with_suffix(".weather.yaml")
        path.write_text(yaml.safe_dump(weather), encoding="utf-8")
        command += ["--weather", str(path)]
    with (
        home.with_suffix(".log").open("wb") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        ) as process,
    ):
        try:
            yield _ready(process, home.with_suffix(".log"))
        finally:
            process.terminate()


def _ready(process: subprocess.Popen[bytes], log: Path) -> Rehearsed:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"the rehearsal cluster does not start: {log.read_text(encoding='utf-8')}"
    said = json.loads(line)
    return Rehearsed(said["server"], Path(said["ca_file"]), said["token"], Path(said["kubeconfig"]))


def impatient(
    what: str,
    check: Callable[[], str | None],
    every: float = 5.0,
    usually: float = 60.0,
    at_most: float = 3600.0,
) -> None:
    """Waits as the engine does, at the rehearsal's pace; fails with the reason."""
    for _ in range(1500):
        reason = check()
        if reason is None:
            return
        time.sleep(0.02)
    raise AssertionError(f"{what}: {reason}")


def patch(running: Rehearsed, path: str, kind: str, body: Body, query: str = "") -> None:
    """Send what another person's tool would send."""
    request = urllib.request.Request(
        f"{running.server}{path}?{query}",
        json.dumps(body).encode(),
        {"Content-Type": kind, "Authorization": f"Bearer {running.token}"},
        method="PATCH",
    )
    context = ssl.create_default_context(cafile=str(running.ca_file))
    with urllib.request.urlopen(request, context=context, timeout=30) as answer:
        assert answer.status in (200, 201)


def namespace(name: str) -> Body:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def config_map(space: str, name: str, **data: str) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": space},
        "data": data or {"key": "value"},
    }


def claim(space: str, name: str) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": space},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "50Gi"}},
        },
    }


def storage_class(name: str, *, grows: bool = False) -> Body:
    """A kind of volume, as Oracle's driver makes them."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "blockvolume.csi.oraclecloud.com",
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": grows,
    }


def balancer(space: str, name: str) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": space},
        "spec": {"type": "LoadBalancer", "selector": {"app": name}, "ports": [{"port": 443}]},
    }


def pod_template(name: str, outcome: str = "", volume: str = "") -> Body:
    """A pod that starts well, or as `outcome` says (the rehearsal's player reads it)."""
    container: Body = {
        "name": "main",
        "image": "docker.io/library/busybox:1",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
    }
    spec: Body = {"containers": [container]}
    if volume:
        container["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
        spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": volume}}]
    annotations = {"health-install/rehearsal-outcome": outcome} if outcome else {}
    return {"metadata": {"labels": {"app": name}, "annotations": annotations}, "spec": spec}


def deployment(space: str, name: str, replicas: int = 1, **how: str) -> Body:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": space},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": pod_template(name, **how),
        },
    }


def job(space: str, name: str, **how: str) -> Body:
    template = pod_template(name, **how)
    template["spec"]["restartPolicy"] = "Never"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": space},
        "spec": {"backoffLimit": 0, "template": template},
    }
