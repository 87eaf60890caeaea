"""What OKE itself runs in a cluster, and its StorageClass.

Requests as read from live OKE clusters; limits left out where OKE sets none.
"""

from __future__ import annotations

from typing import Any

from installer.rehearsal.kubernetes.kinds import BY_KEY, Object
from installer.rehearsal.player.cluster import CLASSES, DAEMON_SETS, DEPLOYMENTS, SERVICES, Cluster
from installer.rehearsal.player.provisioner import DRIVER

_NAMESPACE = "kube-system"
_EVERYWHERE = [{"operator": "Exists"}]
_REGISTRY = "registry.rehearsal.invalid/oke-public"


async def install_system(cluster: Cluster) -> None:
    """Makes what a new OKE cluster has; what is there is left alone."""
    await cluster.ensure(CLASSES, _storage_class())
    driver = {
        "metadata": {"name": DRIVER},
        "spec": {"attachRequired": True, "podInfoOnMount": False},
    }
    await cluster.ensure(BY_KEY["csidrivers.storage.k8s.io"], driver)
    for obj in _daemons():
        await cluster.ensure(DAEMON_SETS, obj)
    for obj in _deployments():
        await cluster.ensure(DEPLOYMENTS, obj)
    await cluster.ensure(SERVICES, _dns_service())


def _storage_class() -> Object:
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    return {
        "metadata": {"name": "oci-bv", "annotations": default},
        "provisioner": DRIVER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
    }


def _daemons() -> tuple[Object, ...]:
    return (
        _workload("csi-oci-node", _resources("30m", "70Mi", "500m", "300Mi"), daemon=True),
        _workload("proxymux-client", _resources("50m", "64Mi", "500m", "256Mi"), daemon=True),
        _workload("kube-proxy", {}, daemon=True),
        _workload("kube-flannel-ds", _resources("100m", "50Mi"), daemon=True),
    )


def _deployments() -> tuple[Object, ...]:
    dns = _workload(
        "coredns", _resources("100m", "70Mi", None, "170Mi"), labels={"k8s-app": "kube-dns"}
    )
    return (dns, _workload("kube-dns-autoscaler", _resources("20m", "10Mi")))


def _resources(
    cpu: str, memory: str, cpu_limit: str | None = None, memory_limit: str | None = None
) -> Object:
    limits = {"cpu": cpu_limit, "memory": memory_limit}
    given = {name: text for name, text in limits.items() if text is not None}
    return {"requests": {"cpu": cpu, "memory": memory}, **({"limits": given} if given else {})}


def _workload(
    name: str, resources: Object, *, labels: dict[str, str] | None = None, daemon: bool = False
) -> Object:
    own = labels or {"app": name}
    container = {"name": name, "image": f"{_REGISTRY}/{name}:v1", "resources": resources}
    pod: Object = {
        "containers": [container],
        "priorityClassName": "system-node-critical" if daemon else "system-cluster-critical",
        "hostNetwork": daemon,
    }
    if daemon:
        pod["tolerations"] = _EVERYWHERE
    spec: dict[str, Any] = {
        "selector": {"matchLabels": own},
        "template": {"metadata": {"labels": own}, "spec": pod},
    }
    return {"metadata": {"name": name, "namespace": _NAMESPACE, "labels": own}, "spec": spec}


def _dns_service() -> Object:
    ports = [
        {"name": "dns", "port": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
    ]
    return {
        "metadata": {
            "name": "kube-dns",
            "namespace": _NAMESPACE,
            "labels": {"k8s-app": "kube-dns"},
        },
        "spec": {"clusterIP": "10.96.5.5", "selector": {"k8s-app": "kube-dns"}, "ports": ports},
    }
