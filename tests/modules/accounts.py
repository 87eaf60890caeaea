"""The reviewed table of what each account of the platform may do: change it knowingly.

Accounts that are not in it may do nothing and get no token. `ROLE` stands for a role of the
cluster's own. A right reads "verb group/resource", or "verb URL"; after a colon the namespace it is
confined to, `ours` for those of the platform.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Body = Mapping[str, Any]

OURS = {f"health-{name}" for name in ("api", "auth", "data", "etl", "observability", "system")}


def _reading(*kinds: str, verbs: Iterable[str] = ("list", "watch")) -> set[str]:
    return {f"{verb} {kind}" for verb in verbs for kind in kinds}


RIGHTS: dict[str, set[str]] = {
    # Reads figures of machines and pods; asks the API server who a caller is.
    "health-system/metrics-server": {
        "get nodes/metrics",
        *_reading("nodes", "pods", verbs=("get", "list", "watch")),
        "ROLE system:auth-delegator",
        "ROLE extension-apiserver-authentication-reader: kube-system",
    },
    # Finds what wants to be read in the platform's namespaces, and reads figures of machines.
    "health-observability/prometheus": {
        "get nodes/metrics",
        *_reading("nodes", "pods: ours", "services: ours", "discovery.k8s.io/endpointslices: ours"),
    },
    # Counts what it reports of, and sees neither Secrets nor settings.
    "health-observability/kube-state-metrics": _reading(
        "nodes",
        "apps/deployments: ours",
        "apps/statefulsets: ours",
        "autoscaling/horizontalpodautoscalers: ours",
        "batch/cronjobs: ours",
        "batch/jobs: ours",
        "persistentvolumeclaims: ours",
        "pods: ours",
    ),
    # Reads the log lines of the platform's pods through the API.
    "health-observability/alloy": {
        "get pods/log: ours",
        *_reading("pods: ours", verbs=("get", "list", "watch")),
    },
}


def rights_of(objects: Iterable[Body]) -> dict[str, set[str]]:
    """What the rendered bindings give to whom, in the words of the table."""
    bodies = list(objects)
    roles = {
        (body["kind"], body["metadata"].get("namespace", ""), body["metadata"]["name"]): body
        for body in bodies
        if body["kind"] in ("Role", "ClusterRole")
    }
    found: dict[str, set[str]] = {}
    for body in bodies:
        if body["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        space = body["metadata"].get("namespace", "")
        for subject in body["subjects"]:
            assert subject["kind"] == "ServiceAccount", body["metadata"]["name"]
            account = f"{subject['namespace']}/{subject['name']}"
            found.setdefault(account, set()).update(_given(body["roleRef"], space, roles))
    return found


def _given(
    reference: Body, space: str, roles: Mapping[tuple[str, str, str], Body]
) -> Iterator[str]:
    home = space if reference["kind"] == "Role" else ""
    role = roles.get((reference["kind"], home, reference["name"]))
    place = f": {'ours' if space in OURS else space}" if space else ""
    if role is None:
        yield f"ROLE {reference['name']}{place}"
        return
    for right in rights_in(role["rules"]):
        yield f"{right}{place}"


def rights_in(rules: Iterable[Body]) -> Iterator[str]:
    """The rights that rules give, one by one."""
    for rule in rules:
        for verb in rule["verbs"]:
            yield from (f"{verb} {url}" for url in rule.get("nonResourceURLs", []))
            for group in rule.get("apiGroups", []):
                named = rule.get("resourceNames")
                only = f" named {', '.join(named)}" if named else ""
                for resource in rule.get("resources", []):
                    yield f"{verb} {group}{'/' if group else ''}{resource}{only}"
