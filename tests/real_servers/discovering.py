"""What Prometheus' discovery in Kubernetes would find, made from objects.

Debian's Prometheus is built without that discovery. The names of the labels and which targets there
are follow discovery/kubernetes of Prometheus 3: an endpoint is a target for each port of its slice,
and once more for every other port of its pod; a pod is one for each port of its containers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from installer.modules.stamping import pod_template
from tests.real_servers.extracting import Body, Cluster

NODE = "node-1"
Group = dict[str, Any]
Address = Callable[[str, int], str]
"""Where a port of a pod, named by its app.kubernetes.io/name, is on this machine."""


def of_services(cluster: Cluster, address: Address) -> list[Group]:
    """Targets for every Service of the cluster, whether it wants to be read or not."""
    return [
        group
        for entry in cluster.rendered.objects
        if entry.body["kind"] == "Service" and "selector" in entry.body["spec"]
        for group in of_service(entry.body, _pod_behind(cluster, entry.body), address)
    ]


def of_service(service: Body, pod: Body, address: Address) -> list[Group]:
    """Targets for one Service with one pod behind it."""
    name = pod["labels"]["app.kubernetes.io/name"]
    labels = {**_labels_of_service(service), **_labels_of_pod(pod)}
    slice_ports = {_container_port(port["targetPort"], pod) for port in service["spec"]["ports"]}
    groups = []
    for port in sorted(slice_ports):
        own = {"__meta_kubernetes_endpointslice_port": str(port)}
        groups.append({"targets": [address(name, port)], "labels": {**labels, **own}})
    for port in sorted({number for _, number in _ports(pod)} - slice_ports):
        own = {"__meta_kubernetes_pod_container_port_number": str(port)}
        groups.append({"targets": [address(name, port)], "labels": {**labels, **own}})
    return groups


def of_pod(pod: Body, address: Address) -> list[Group]:
    """Targets for one pod."""
    return [
        {
            "targets": [address(pod["labels"]["app.kubernetes.io/name"], number)],
            "labels": {
                **_labels_of_pod(pod),
                "__meta_kubernetes_pod_container_port_number": str(number),
            },
        }
        for _, number in _ports(pod)
    ]


def of_node(address: str) -> list[Group]:
    """The one machine, with its kubelet at this address."""
    return [{"targets": [address], "labels": {"__meta_kubernetes_node_name": NODE}}]


def _pod_behind(cluster: Cluster, service: Body) -> Body:
    """The pod a Service leads to, as far as discovery looks at it."""
    for entry in cluster.rendered.objects:
        template = pod_template(entry.body)
        if template is None or entry.body["kind"] == "Job":
            continue
        labels = template["metadata"]["labels"]
        if service["spec"]["selector"].items() <= labels.items():
            return {
                "name": f"{entry.body['metadata']['name']}-0",
                "namespace": entry.body["metadata"]["namespace"],
                "labels": labels,
                "annotations": template["metadata"].get("annotations", {}),
                "containers": template["spec"]["containers"],
            }
    raise AssertionError(f"nothing is behind the Service {service['metadata']['name']}")


def _labels_of_service(service: Body) -> dict[str, str]:
    metadata = service["metadata"]
    return {
        "__meta_kubernetes_namespace": metadata["namespace"],
        "__meta_kubernetes_service_name": metadata["name"],
        **_all("__meta_kubernetes_service_label_", metadata.get("labels", {})),
        **_all("__meta_kubernetes_service_annotation_", metadata.get("annotations", {})),
    }


def _labels_of_pod(pod: Body) -> dict[str, str]:
    return {
        "__meta_kubernetes_namespace": pod["namespace"],
        "__meta_kubernetes_pod_name": pod["name"],
        "__meta_kubernetes_pod_node_name": NODE,
        "__meta_kubernetes_pod_phase": pod.get("phase", "Running"),
        **_all("__meta_kubernetes_pod_label_", pod["labels"]),
        **_all("__meta_kubernetes_pod_annotation_", pod["annotations"]),
    }


def _all(prefix: str, values: Mapping[str, str]) -> dict[str, str]:
    return {prefix + re.sub(r"[^a-zA-Z0-9_]", "_", name): text for name, text in values.items()}


def _ports(pod: Body) -> Iterator[tuple[str, int]]:
    for container in pod["containers"]:
        for port in container.get("ports", []):
            yield port.get("name", ""), port["containerPort"]


def _container_port(target: str | int, pod: Body) -> int:
    return target if isinstance(target, int) else dict(_ports(pod))[target]
