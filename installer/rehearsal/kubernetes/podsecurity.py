"""Pod Security admission: the `baseline` and `restricted` levels of a namespace's labels.

The checks and their words are those of `k8s.io/pod-security-admission/policy` for Kubernetes 1.36.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from installer.rehearsal.kubernetes.kinds import Object

_PREFIX = "pod-security.kubernetes.io/"
_TEMPLATES = {"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job"}
_BASELINE_CAPABILITIES = {
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
}
_RESTRICTED_VOLUMES = {
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
_HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
_SAFE_SECCOMP = ("RuntimeDefault", "Localhost")


def level(namespace: Object, mode: str) -> str:
    """The level a namespace asks for in a mode (enforce, warn, audit); `privileged` when none."""
    labels = namespace["metadata"].get("labels") or {}
    return str(labels.get(f"{_PREFIX}{mode}", "privileged"))


def version(namespace: Object, mode: str) -> str:
    """The version of the rules, for the message."""
    labels = namespace["metadata"].get("labels") or {}
    return str(labels.get(f"{_PREFIX}{mode}-version", "latest"))


def pod_spec_of(kind: str, obj: Object) -> Object | None:
    """The pod spec inside an object that makes pods."""
    spec = obj.get("spec") or {}
    if kind == "Pod":
        return dict(spec)
    if kind in _TEMPLATES:
        return dict((spec.get("template") or {}).get("spec") or {})
    if kind == "CronJob":
        return pod_spec_of("Job", spec.get("jobTemplate") or {})
    return None


def violations(spec: Object, wanted: str) -> list[str]:
    """What a pod spec does that a level does not allow; empty when it passes."""
    checks: list[Callable[[Object], Iterator[str]]] = []
    if wanted in ("baseline", "restricted"):
        checks += [_host_namespaces, _host_ports, _host_path, _privileged]
    if wanted == "baseline":
        checks += [_baseline_capabilities, _seccomp_unconfined]
    if wanted == "restricted":
        checks += [_escalation, _capabilities, _volumes, _non_root, _root_user, _seccomp]
    return [words for check in checks for words in check(spec)]


def refusal(namespace: Object, spec: Object) -> str:
    """The words of a refusal under `enforce`; empty when the pod may come."""
    wanted = level(namespace, "enforce")
    found = violations(spec, wanted)
    if not found:
        return ""
    return f'violates PodSecurity "{wanted}:{version(namespace, "enforce")}": {", ".join(found)}'


def warning(namespace: Object, spec: Object) -> str:
    """The words of a warning under `warn`; empty when there is nothing to say."""
    wanted = level(namespace, "warn")
    found = violations(spec, wanted)
    if not found:
        return ""
    return f'would violate PodSecurity "{wanted}:{version(namespace, "warn")}": {", ".join(found)}'


def _containers(spec: Object) -> list[Object]:
    names = ("initContainers", "containers", "ephemeralContainers")
    return [container for name in names for container in spec.get(name) or []]


def _own(container: Object, name: str) -> Any:
    return (container.get("securityContext") or {}).get(name)


def _named(containers: Sequence[Object]) -> str:
    names = ", ".join(f'"{container["name"]}"' for container in containers)
    return f"container {names}" if len(containers) == 1 else f"containers {names}"


def _host_namespaces(spec: Object) -> Iterator[str]:
    used = [f"{name}=true" for name in _HOST_NAMESPACES if spec.get(name)]
    if used:
        yield f"host namespaces ({', '.join(used)})"


def _host_ports(spec: Object) -> Iterator[str]:
    bad = [c for c in _containers(spec) if any(p.get("hostPort") for p in c.get("ports") or [])]
    if bad:
        ports = [str(p["hostPort"]) for c in bad for p in c["ports"] if p.get("hostPort")]
        noun = "hostPort" if len(ports) == 1 else "hostPorts"
        yield f"hostPort ({_named(bad)} uses {noun} {', '.join(ports)})"


def _host_path(spec: Object) -> Iterator[str]:
    bad = [f'"{v["name"]}"' for v in spec.get("volumes") or [] if "hostPath" in v]
    if bad:
        yield f"hostPath volumes ({'volume' if len(bad) == 1 else 'volumes'} {', '.join(bad)})"


def _privileged(spec: Object) -> Iterator[str]:
    bad = [c for c in _containers(spec) if _own(c, "privileged")]
    if bad:
        yield f"privileged ({_named(bad)} must not set securityContext.privileged=true)"


def _added(container: Object) -> set[str]:
    return set((_own(container, "capabilities") or {}).get("add") or [])


def _baseline_capabilities(spec: Object) -> Iterator[str]:
    bad = [c for c in _containers(spec) if _added(c) - _BASELINE_CAPABILITIES]
    if bad:
        extra = sorted({cap for c in bad for cap in _added(c) - _BASELINE_CAPABILITIES})
        listed = ", ".join(f'"{cap}"' for cap in extra)
        yield (
            f"non-default capabilities ({_named(bad)} must not include {listed} in "
            "securityContext.capabilities.add)"
        )


def _escalation(spec: Object) -> Iterator[str]:
    bad = [c for c in _containers(spec) if _own(c, "allowPrivilegeEscalation") is not False]
    if bad:
        yield (
            f"allowPrivilegeEscalation != false ({_named(bad)} must set "
            "securityContext.allowPrivilegeEscalation=false)"
        )


def _drops_all(container: Object) -> bool:
    return "ALL" in ((_own(container, "capabilities") or {}).get("drop") or [])


def _capabilities(spec: Object) -> Iterator[str]:
    keeps = [c for c in _containers(spec) if not _drops_all(c)]
    adds = [c for c in _containers(spec) if _added(c) - {"NET_BIND_SERVICE"}]
    told = []
    if keeps:
        told.append(f'{_named(keeps)} must set securityContext.capabilities.drop=["ALL"]')
    if adds:
        extra = sorted({cap for c in adds for cap in _added(c) - {"NET_BIND_SERVICE"}})
        listed = ", ".join(f'"{cap}"' for cap in extra)
        told.append(f"{_named(adds)} must not include {listed} in securityContext.capabilities.add")
    if told:
        yield f"unrestricted capabilities ({'; '.join(told)})"


def _volumes(spec: Object) -> Iterator[str]:
    bad = []
    for volume in spec.get("volumes") or []:
        kinds = set(volume) - {"name"} - _RESTRICTED_VOLUMES
        bad += [(volume["name"], kind) for kind in kinds]
    if bad:
        names = ", ".join(f'"{name}"' for name, _ in bad)
        types = ", ".join(f'"{kind}"' for kind in sorted({kind for _, kind in bad}))
        noun = "volume" if len(bad) == 1 else "volumes"
        verb = "uses restricted volume type" if len(bad) == 1 else "use restricted volume types"
        yield f"restricted volume types ({noun} {names} {verb} {types})"


def _pod(spec: Object, name: str) -> Any:
    return (spec.get("securityContext") or {}).get(name)


def _non_root(spec: Object) -> Iterator[str]:
    pod_wide = _pod(spec, "runAsNonRoot")
    if pod_wide is False:
        yield "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)"
        return
    own = [(c, _own(c, "runAsNonRoot")) for c in _containers(spec)]
    wrong = [c for c, said in own if said is False]
    silent = [c for c, said in own if said is None and not pod_wide]
    if wrong:
        yield (
            f"runAsNonRoot != true ({_named(wrong)} must not set "
            "securityContext.runAsNonRoot=false)"
        )
    elif silent:
        yield (
            f"runAsNonRoot != true (pod or {_named(silent)} must set "
            "securityContext.runAsNonRoot=true)"
        )


def _root_user(spec: Object) -> Iterator[str]:
    bad = [c for c in _containers(spec) if _own(c, "runAsUser") == 0]
    if _pod(spec, "runAsUser") == 0:
        yield "runAsUser=0 (pod must not set runAsUser=0)"
    elif bad:
        yield f"runAsUser=0 ({_named(bad)} must not set runAsUser=0)"


def _seccomp_type(profile: Any) -> Any:
    return (profile or {}).get("type")


def _seccomp_unconfined(spec: Object) -> Iterator[str]:
    bad = [c for c in _containers(spec) if _seccomp_type(_own(c, "seccompProfile")) == "Unconfined"]
    if bad or _seccomp_type(_pod(spec, "seccompProfile")) == "Unconfined":
        who = _named(bad) if bad else "pod"
        yield (
            f"seccompProfile ({who} must not set "
            'securityContext.seccompProfile.type to "Unconfined")'
        )


def _seccomp(spec: Object) -> Iterator[str]:
    pod_wide = _seccomp_type(_pod(spec, "seccompProfile"))
    bad = [
        c
        for c in _containers(spec)
        if (_seccomp_type(_own(c, "seccompProfile")) or pod_wide) not in _SAFE_SECCOMP
    ]
    if bad:
        yield (
            f"seccompProfile (pod or {_named(bad)} must set securityContext.seccompProfile.type to "
            '"RuntimeDefault" or "Localhost")'
        )
