"""Whether an object is ready, and if not, why: pure functions over what the cluster shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from installer.kube.nodes import is_ready
from installer.kube.objects import at
from installer.kube.trouble import LogPlace, Trouble, pod_trouble, worst

Body = Mapping[str, Any]
_STUCK = 600.0


@dataclass(frozen=True)
class Readiness:
    """How far an object is. `failed` is final; `words` complete "X: ...".

    `hopeless_after` is set when only somebody's action can help: seconds of the real world after
    which waiting on makes no sense. `log` names the container whose last lines tell more.
    """

    done: bool
    failed: bool = False
    words: str = ""
    hopeless_after: float | None = None
    log: LogPlace | None = None


@dataclass(frozen=True)
class Surroundings:
    """What else to look at: the object's pods, events about it and its pods, storage classes."""

    pods: Sequence[Body] = ()
    events: Sequence[Body] = ()
    storage_classes: Sequence[Body] = ()


def readiness(body: Body, around: Surroundings | None = None) -> Readiness:
    """How far an object is; kinds without a life of their own are ready when they exist."""
    judge = _JUDGES.get(body["kind"])
    return judge(body, around or Surroundings()) if judge else Readiness(True, words="is there")


def has_a_life(kind: str) -> bool:
    """Whether objects of the kind take time to become ready."""
    return kind in _JUDGES


def _deployment(body: Body, around: Surroundings) -> Readiness:
    if (unseen := _unseen(body)) is not None:
        return unseen
    status = at(body, "status", default={})
    wanted = at(body, "spec", "replicas", default=1)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if updated < wanted:
        return _unready(body, around, f"{updated} of {wanted} replicas run what we want")
    if status.get("replicas", 0) > updated:
        old = status["replicas"] - updated
        return _unready(body, around, f"{old} old {_replicas(old)} still to end")
    if available < wanted:
        return _unready(body, around, f"{available} of {wanted} replicas are ready")
    return Readiness(True, words=f"{available} of {wanted} replicas are ready")


def _stateful_set(body: Body, around: Surroundings) -> Readiness:
    if (unseen := _unseen(body)) is not None:
        return unseen
    status = at(body, "status", default={})
    wanted = at(body, "spec", "replicas", default=1)
    ready = status.get("readyReplicas", 0)
    if ready < wanted:
        return _unready(body, around, f"{ready} of {wanted} replicas are ready")
    rolling = at(body, "spec", "updateStrategy", "type", default="RollingUpdate") != "OnDelete"
    if rolling and status.get("currentRevision") != status.get("updateRevision"):
        updated = status.get("updatedReplicas", 0)
        if updated < wanted:
            return _unready(body, around, f"{updated} of {wanted} replicas run what we want")
    return Readiness(True, words=f"{ready} of {wanted} replicas are ready")


def _daemon_set(body: Body, around: Surroundings) -> Readiness:
    if (unseen := _unseen(body)) is not None:
        return unseen
    status = at(body, "status", default={})
    wanted = status.get("desiredNumberScheduled", 0)
    ready = min(status.get("numberReady", 0), status.get("updatedNumberScheduled", 0))
    words = f"{ready} of {wanted} nodes run it"
    return Readiness(True, words=words) if ready >= wanted else _unready(body, around, words)


def _unseen(body: Body) -> Readiness | None:
    """Not ready as long as the controller has not read the latest wish."""
    seen = at(body, "status", "observedGeneration", default=0)
    if seen < at(body, "metadata", "generation", default=0):
        return Readiness(False, words="the cluster has not picked it up yet")
    return None


def _unready(body: Body, around: Surroundings, words: str) -> Readiness:
    """Not ready, with the most telling reason that its pods or events give."""
    trouble = (
        worst(
            [pod_trouble(pod, around.events) for pod in around.pods],
        )
        or _not_created(body, around)
        or _said_by_controller(body)
    )
    if trouble is None:
        return Readiness(False, words=words)
    return Readiness(
        False,
        words=f"{words}; {trouble.words}",
        hopeless_after=trouble.hopeless_after,
        log=trouble.log,
    )


def _said_by_controller(body: Body) -> Trouble | None:
    for condition in at(body, "status", "conditions", default=[]):
        kind, status = condition.get("type"), condition.get("status")
        failing = kind == "ReplicaFailure" and status == "True"
        late = kind == "Progressing" and status == "False"
        if failing or late:
            text = condition.get("message") or condition.get("reason", "")
            return Trouble(text, 180.0 if failing else _STUCK)
    return None


def _not_created(body: Body, around: Surroundings) -> Trouble | None:
    """Pods that the cluster refuses leave no pod to look at, only an event."""
    if around.pods:
        return None
    uid = at(body, "metadata", "uid")
    for event in around.events:
        about = event.get("involvedObject") or {}
        if uid and about.get("uid") == uid and event.get("reason") == "FailedCreate":
            return Trouble(f"its pods are refused: {event.get('message', '')}", 180.0)
    return None


def _replicas(count: int) -> str:
    return "replica has" if count == 1 else "replicas have"


def _job(body: Body, around: Surroundings) -> Readiness:
    status = at(body, "status", default={})
    for condition in status.get("conditions") or []:
        if condition.get("status") != "True":
            continue
        if condition["type"] in ("Complete", "SuccessCriteriaMet"):
            return Readiness(True, words="has done its work")
        if condition["type"] in ("Failed", "FailureTarget"):
            return _failed_job(condition, around)
    if at(body, "spec", "suspend", default=False):
        return Readiness(True, words="is suspended")
    tries = status.get("failed", 0)
    if status.get("active", 0):
        words = "is running"
    else:
        words = "waits for its pod" if not tries else "is about to try again"
    if tries:
        words += f", {tries} {'try has' if tries == 1 else 'tries have'} failed so far"
    return _unready(body, around, words)


def _failed_job(condition: Body, around: Surroundings) -> Readiness:
    reasons = {
        "BackoffLimitExceeded": "all its tries have failed",
        "DeadlineExceeded": "it took longer than it may",
        "PodFailurePolicy": "its pod failed in a way that trying again does not help",
    }
    reason = condition.get("reason", "")
    words = f"has failed: {reasons.get(reason, condition.get('message') or reason)}"
    trouble = worst([pod_trouble(pod, around.events) for pod in around.pods])
    if trouble is not None:
        words += f"; {trouble.words}"
    return Readiness(False, failed=True, words=words, log=trouble.log if trouble else None)


def _pod(body: Body, around: Surroundings) -> Readiness:
    phase = at(body, "status", "phase", default="Pending")
    if phase == "Succeeded":
        return Readiness(True, words="has done its work")
    trouble = pod_trouble(body, around.events)
    if phase == "Failed":
        words = trouble.words if trouble else at(body, "status", "message", default="no reason")
        return Readiness(False, True, f"has failed: {words}", log=trouble.log if trouble else None)
    ready = any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in at(body, "status", "conditions", default=[])
    )
    if ready:
        return Readiness(True, words="is ready")
    if trouble is None:
        return Readiness(False, words="is starting" if phase == "Pending" else "is not ready yet")
    return Readiness(False, False, trouble.words, trouble.hopeless_after, trouble.log)


def _claim(body: Body, around: Surroundings) -> Readiness:
    phase = at(body, "status", "phase", default="Pending")
    if phase == "Bound":
        return Readiness(True, words="has its volume")
    if phase == "Lost":
        return Readiness(False, True, "has lost its volume: the volume behind it is gone")
    uid = at(body, "metadata", "uid")
    about_it = [event for event in around.events if _is_about(event, uid)]
    failure = next((e for e in about_it if e.get("reason") == "ProvisioningFailed"), None)
    if failure is not None:
        words = f"the volume cannot be made: {failure.get('message', '')}"
        return Readiness(False, words=words, hopeless_after=_STUCK)
    waits = any(event.get("reason") == "WaitForFirstConsumer" for event in about_it)
    if waits or _binds_late(body, around.storage_classes):
        # Not an error: the volume is made beside the first pod that uses it.
        return Readiness(True, words="gets its volume with its first pod")
    return Readiness(False, words="waits for its volume")


def _is_about(event: Body, uid: str | None) -> bool:
    return bool(uid) and (event.get("involvedObject") or {}).get("uid") == uid


def _binds_late(claim: Body, classes: Sequence[Body]) -> bool:
    wanted = at(claim, "spec", "storageClassName")
    default = "storageclass.kubernetes.io/is-default-class"
    for each in classes:
        is_default = at(each, "metadata", "annotations", default={}).get(default) == "true"
        if each["metadata"]["name"] == wanted or (wanted is None and is_default):
            return bool(each.get("volumeBindingMode") == "WaitForFirstConsumer")
    return False


def _service(body: Body, around: Surroundings) -> Readiness:
    if at(body, "spec", "type") != "LoadBalancer":
        return Readiness(True, words="is there")
    addresses = _addresses(body)
    if addresses:
        return Readiness(True, words=f"answers at {', '.join(addresses)}")
    uid = at(body, "metadata", "uid")
    for event in around.events:
        if _is_about(event, uid) and event.get("type") == "Warning":
            said = event.get("message", "")
            return Readiness(False, words=f"no balancer yet: {said}", hopeless_after=_STUCK)
    return Readiness(False, words="waits for its balancer's address")


def _ingress(body: Body, _around: Surroundings) -> Readiness:
    # Not every controller reports an address, so a missing one must not hold anybody up.
    addresses = _addresses(body)
    return Readiness(True, words=f"answers at {', '.join(addresses)}" if addresses else "is there")


def _addresses(body: Body) -> list[str]:
    entries = at(body, "status", "loadBalancer", "ingress", default=[])
    return [str(entry.get("ip") or entry.get("hostname")) for entry in entries]


def _namespace(body: Body, _around: Surroundings) -> Readiness:
    if at(body, "status", "phase", default="Active") == "Active":
        return Readiness(True, words="is there")
    remaining = [
        condition.get("message", "")
        for condition in at(body, "status", "conditions", default=[])
        if condition.get("status") == "True"
    ]
    words = "is still being deleted"
    return Readiness(False, words=f"{words}: {'; '.join(remaining)}" if remaining else words)


def _node(body: Body, _around: Surroundings) -> Readiness:
    if is_ready(body):
        return Readiness(True, words="is ready")
    for condition in at(body, "status", "conditions", default=[]):
        if condition.get("type") == "Ready" and condition.get("message"):
            return Readiness(False, words=f"is not ready: {condition['message']}")
    return Readiness(False, words="is not ready yet")


def _api_service(body: Body, _around: Surroundings) -> Readiness:
    for condition in at(body, "status", "conditions", default=[]):
        if condition.get("type") == "Available":
            if condition.get("status") == "True":
                return Readiness(True, words="answers")
            said = condition.get("message") or condition.get("reason", "")
            return Readiness(False, words=f"does not answer: {said}", hopeless_after=_STUCK)
    return Readiness(False, words="the cluster has not tried it yet")


_JUDGES: dict[str, Callable[[Body, Surroundings], Readiness]] = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "Pod": _pod,
    "PersistentVolumeClaim": _claim,
    "Service": _service,
    "Ingress": _ingress,
    "Namespace": _namespace,
    "Node": _node,
    "APIService": _api_service,
}
