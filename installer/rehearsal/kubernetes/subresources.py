"""Subresources other than status: scale, log, eviction, binding, and the reviews."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from installer.rehearsal.kubernetes.disruptions import require_allowed
from installer.rehearsal.kubernetes.kinds import Kind, Object
from installer.rehearsal.kubernetes.refusals import bad_request
from installer.rehearsal.kubernetes.writer import Deletion, Options, Place, Writer


def success(kind: Kind | None = None, name: str = "", uid: str = "") -> Object:
    """The Status of a success."""
    status: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    if kind is not None:
        status["details"] = {"name": name, "group": kind.group, "kind": kind.plural, "uid": uid}
    return status


def scale_of(obj: Object) -> Object:
    """The `autoscaling/v1` Scale of an object."""
    labels = (obj["spec"].get("selector") or {}).get("matchLabels") or {}
    metadata = {
        name: obj["metadata"][name]
        for name in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    }
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": {"replicas": obj["spec"].get("replicas", 0)},
        "status": {
            "replicas": obj.get("status", {}).get("replicas", 0),
            "selector": ",".join(f"{key}={text}" for key, text in labels.items()),
        },
    }


def rescale(
    writer: Writer, place: Place, change: Callable[[Object], Object], options: Options
) -> Object:
    """Writes a Scale: only the number of replicas goes through."""

    def with_replicas(obj: Object) -> Object:
        wanted = change(scale_of(obj)).get("spec", {}).get("replicas")
        if not isinstance(wanted, int) or wanted < 0:
            raise bad_request("spec.replicas must be a number of at least 0")
        after = copy.deepcopy(obj)
        after["spec"]["replicas"] = wanted
        return after

    return scale_of(writer.patch(place, with_replicas, options))


def evict(writer: Writer, place: Place, body: Object) -> Object:
    """Deletes a pod on request of a drain; raises Refused 429 when a budget forbids it."""
    require_allowed(writer.store, writer.present(Place(place.kind, place.namespace, place.name)))
    grace = (body.get("deleteOptions") or {}).get("gracePeriodSeconds")
    writer.delete(place, Deletion(grace=grace))
    return success()


def bind(writer: Writer, place: Place, body: Object, options: Options) -> Object:
    """Puts a pod on a node."""
    target = (body.get("target") or {}).get("name", "")

    def bound(pod: Object) -> Object:
        if pod["spec"].get("nodeName"):
            raise bad_request(f'pod {place.name} is already assigned to node "{target}"')
        after = copy.deepcopy(pod)
        after["spec"]["nodeName"] = target
        return after

    writer.patch(Place(place.kind, place.namespace, place.name), bound, options)
    done = {
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": writer.stamp(),
    }

    def scheduled(pod: Object) -> Object:
        after = copy.deepcopy(pod)
        conditions = after.setdefault("status", {}).setdefault("conditions", [])
        conditions[:] = [*(c for c in conditions if c["type"] != "PodScheduled"), done]
        return after

    writer.patch(Place(place.kind, place.namespace, place.name, "status"), scheduled, options)
    return success()


def log_of(pod: Object, container: str) -> str:
    """A few words in place of a container's log; refused while it has not started."""
    names = [c["name"] for c in pod["spec"].get("containers") or []]
    every = names + [c["name"] for c in pod["spec"].get("initContainers") or []]
    name = container or names[0]
    if name not in every:
        raise bad_request(f"container {name} is not valid for pod {pod['metadata']['name']}")
    state = _state(pod, name)
    if "waiting" in state or not state:
        reason = state.get("waiting", {}).get("reason", "ContainerCreating")
        pod_name = pod["metadata"]["name"]
        raise bad_request(f'container "{name}" in pod "{pod_name}" is waiting to start: {reason}')
    told = f"{name}: started (rehearsal: this container runs no program)\n"
    ended = state.get("terminated")
    if ended:
        told += f"{name}: ended with exit code {ended.get('exitCode', 0)}\n"
    return told


def _state(pod: Object, container: str) -> dict[str, Any]:
    status = pod.get("status", {})
    lists = ("containerStatuses", "initContainerStatuses")
    for one in [one for name in lists for one in status.get(name) or []]:
        if one["name"] == container:
            return dict(one.get("state") or {})
    return {}


def review(kind: Kind, body: Object, user: str) -> Object:
    """Answers a review: whoever is logged in may do everything."""
    answers: dict[str, Object] = {
        "SelfSubjectAccessReview": {"allowed": True},
        "SubjectAccessReview": {"allowed": True},
        "SelfSubjectRulesReview": {
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
            "incomplete": False,
        },
        "TokenReview": {"authenticated": True, "user": {"username": user}},
        "SelfSubjectReview": {
            "userInfo": {"username": user, "groups": ["system:masters", "system:authenticated"]}
        },
    }
    return {
        "kind": kind.kind,
        "apiVersion": kind.api_version,
        "metadata": {},
        "spec": body.get("spec", {}),
        "status": answers[kind.kind],
    }
