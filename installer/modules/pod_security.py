"""The Kubernetes Pod Security level `restricted`, checked before anything is applied.

After the Pod Security Standards of Kubernetes (the `restricted` profile as of 1.36). The API server
has the last word; this says the same without one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
_PROFILES = frozenset({"RuntimeDefault", "Localhost"})
_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
    }
)
_SELINUX_TYPES = frozenset({"", "container_t", "container_init_t", "container_kvm_t"})


def violations(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Why a pod spec is not `restricted`, one clause for each reason; empty when it is."""
    return (*_of_pod(spec), *_of_containers(spec))


def _of_pod(spec: Mapping[str, Any]) -> Iterator[str]:
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield f"{field} is set"
    for volume in spec.get("volumes") or []:
        kinds = set(volume) - {"name"}
        if not kinds <= _VOLUMES:
            yield f"volume {volume['name']} is of kind {', '.join(sorted(kinds))}"
    security = spec.get("securityContext") or {}
    if security.get("runAsUser") == 0:
        yield "the pod runs as root"
    for sysctl in security.get("sysctls") or []:
        if sysctl["name"] not in _SYSCTLS:
            yield f"sysctl {sysctl['name']} is not a safe one"
    yield from _selinux("the pod", security)


def _of_containers(spec: Mapping[str, Any]) -> Iterator[str]:
    pod = spec.get("securityContext") or {}
    for group in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(group) or []:
            yield from _of_container(container, pod)


def _of_container(container: Mapping[str, Any], pod: Mapping[str, Any]) -> Iterator[str]:
    name = f"container {container['name']}"
    security = container.get("securityContext") or {}
    yield from _privileges(name, security)
    yield from _capabilities(name, security.get("capabilities") or {})
    yield from _selinux(name, security)
    if security.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
        yield f"{name} may run as root"
    if security.get("runAsUser") == 0:
        yield f"{name} runs as root"
    seccomp = security.get("seccompProfile", pod.get("seccompProfile")) or {}
    if seccomp.get("type") not in _PROFILES:
        yield f"{name} has no seccomp profile"
    armor = security.get("appArmorProfile", pod.get("appArmorProfile")) or {}
    if armor.get("type", "RuntimeDefault") not in _PROFILES:
        yield f"{name} is not confined by AppArmor"
    if any(port.get("hostPort") for port in container.get("ports") or []):
        yield f"{name} uses a port of the node"


def _privileges(name: str, security: Mapping[str, Any]) -> Iterator[str]:
    if security.get("privileged"):
        yield f"{name} is privileged"
    if security.get("allowPrivilegeEscalation") is not False:
        yield f"{name} may gain privileges"
    if security.get("procMount", "Default") != "Default":
        yield f"{name} sees the whole of /proc"


def _capabilities(name: str, capabilities: Mapping[str, Any]) -> Iterator[str]:
    if "ALL" not in (capabilities.get("drop") or []):
        yield f"{name} keeps capabilities"
    added = set(capabilities.get("add") or []) - {"NET_BIND_SERVICE"}
    if added:
        yield f"{name} adds {', '.join(sorted(added))}"


def _selinux(name: str, security: Mapping[str, Any]) -> Iterator[str]:
    options = security.get("seLinuxOptions") or {}
    if options.get("type", "") not in _SELINUX_TYPES or options.get("user") or options.get("role"):
        yield f"{name} changes its SELinux label"
