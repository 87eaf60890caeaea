"""Why a pod does not run, in plain words: pure functions over the pod and events about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from installer.kube.objects import at

Body = Mapping[str, Any]

# Seconds of the real world that a state is given to pass by itself. A wrong image name never
# does; a server that crashes may only be waiting for another one; a node may still be joining.
_IMAGE_GONE = 180.0
_IMAGE_OTHER = 600.0
_CONFIGURATION = 180.0
_CRASHING = 600.0
_NO_PLACE = 600.0
_MOUNTING = 900.0
_VOLUME = 600.0
# So many restarts are a loop, whatever the container is doing at the moment.
_TRIES = 3

_IMAGE_REASONS = ("ErrImagePull", "ImagePullBackOff", "RegistryUnavailable")
_IMAGE_NAMES_WRONG = ("InvalidImageName", "ErrImageNeverPull")
_NOT_THERE = re.compile(
    r"not found|manifest unknown|repository does not exist|no such host|no match for platform",
    re.IGNORECASE,
)
_SHORT_OF = re.compile(r"Insufficient ([a-z.\-/]+)")


@dataclass(frozen=True)
class LogPlace:
    """The container whose log explains a trouble; `previous` for the one before a restart."""

    namespace: str
    pod: str
    container: str
    previous: bool


@dataclass(frozen=True)
class Trouble:
    """What is wrong, in words; see Readiness for `hopeless_after` and `log`."""

    words: str
    hopeless_after: float | None = None
    log: LogPlace | None = None


def worst(found: Sequence[Trouble | None]) -> Trouble | None:
    """The trouble most worth telling: one that needs somebody's action before one that passes."""
    troubles = [trouble for trouble in found if trouble is not None]
    grave = [trouble for trouble in troubles if trouble.hopeless_after is not None]
    return next(iter(grave or troubles), None)


def pod_trouble(pod: Body, events: Sequence[Body] = ()) -> Trouble | None:
    """What keeps a pod from running, or None when it is fine, leaving or simply starting."""
    if at(pod, "metadata", "deletionTimestamp"):
        return None
    mine = [event for event in events if _is_about(event, pod)]
    return (
        _without_a_volume(pod, events)
        or _without_a_node(pod)
        or _in_a_container(pod)
        or _evicted(pod)
        or _while_preparing(pod, mine)
        or _while_running(pod, mine)
    )


def _is_about(event: Body, pod: Body) -> bool:
    uid = at(event, "involvedObject", "uid")
    return bool(uid) and uid == at(pod, "metadata", "uid")


def _name(pod: Body) -> str:
    return f"pod {pod['metadata']['name']}"


def _without_a_volume(pod: Body, events: Sequence[Body]) -> Trouble | None:
    """A claim that waits for its first pod fails then; the pod itself tells nothing of it."""
    if at(pod, "spec", "nodeName"):
        return None
    claims = {
        at(volume, "persistentVolumeClaim", "claimName")
        for volume in at(pod, "spec", "volumes", default=[])
    } - {None}
    for event in events:
        about = at(event, "involvedObject", default={})
        failed = event.get("reason") == "ProvisioningFailed"
        here = about.get("namespace") == at(pod, "metadata", "namespace")
        if failed and here and about.get("name") in claims:
            words = f"{_name(pod)}: its volume {about['name']} cannot be made"
            return Trouble(f"{words}: {event.get('message', '')}", _VOLUME)
    return None


def _without_a_node(pod: Body) -> Trouble | None:
    for condition in at(pod, "status", "conditions", default=[]):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            message = condition.get("message", "")
            short = sorted({each.rstrip(".") for each in _SHORT_OF.findall(message)})
            why = f"no node has enough {' and '.join(short)}" if short else "no node takes it"
            words = f"{_name(pod)} cannot be placed: {why}"
            return Trouble(f"{words} ({message})" if message else words, _NO_PLACE)
    return None


def _in_a_container(pod: Body) -> Trouble | None:
    found = [_container(pod, status) for status in _statuses(pod)]
    return worst(found)


def _statuses(pod: Body) -> Iterator[Body]:
    yield from at(pod, "status", "initContainerStatuses", default=[])
    yield from at(pod, "status", "containerStatuses", default=[])


def _container(pod: Body, status: Body) -> Trouble | None:
    waiting = at(status, "state", "waiting", default={})
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    if reason in _IMAGE_REASONS or reason in _IMAGE_NAMES_WRONG:
        return _image(pod, status, reason, message)
    if reason == "CreateContainerConfigError":
        return Trouble(
            f"{_name(pod)} cannot start {status['name']}: something its settings name is missing "
            f"({message})",
            _CONFIGURATION,
        )
    if reason in ("CreateContainerError", "RunContainerError", "StartError"):
        return Trouble(f"{_name(pod)} cannot start {status['name']}: {message}", _CONFIGURATION)
    if reason == "CrashLoopBackOff" or _keeps_ending(status):
        return _crashing(pod, status)
    ended = at(status, "state", "terminated", default={})
    if ended and ended.get("exitCode", 0) != 0:
        log = _log(pod, status, previous=False)
        # A container that ended badly once is started again; only its loop is hopeless.
        return Trouble(f"{_name(pod)}: {status['name']} {_ending(ended)}", None, log)
    return None


def _image(pod: Body, status: Body, reason: str, message: str) -> Trouble:
    image = status.get("image") or _wanted_image(pod, status["name"])
    words = f"{_name(pod)}: the image {image} cannot be pulled"
    if message:
        words += f": {message}"
    gone = reason in _IMAGE_NAMES_WRONG or bool(_NOT_THERE.search(message))
    return Trouble(words, _IMAGE_GONE if gone else _IMAGE_OTHER)


def _wanted_image(pod: Body, container: str) -> str:
    spec = pod.get("spec") or {}
    for each in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        if each["name"] == container:
            return str(each.get("image", "?"))
    return "?"


def _keeps_ending(status: Body) -> bool:
    """Whether it is in the middle of its next try, which does not make it healthy."""
    tried = status.get("restartCount", 0) >= _TRIES
    return tried and not status.get("ready") and bool(at(status, "lastState", "terminated"))


def _crashing(pod: Body, status: Body) -> Trouble:
    times = status.get("restartCount", 0)
    ended = at(status, "lastState", "terminated", default={})
    words = f"{_name(pod)}: {status['name']} ends again and again ({times} times so far)"
    if ended:
        words += f"; the last time it {_ending(ended)}"
    return Trouble(words, _CRASHING, _log(pod, status, previous=True))


def _ending(ended: Body) -> str:
    if ended.get("reason") == "OOMKilled":
        return "was killed because it used more memory than its limit"
    if ended.get("signal"):
        return f"was ended by signal {ended['signal']}"
    message = str(ended.get("message") or "").strip()
    words = f"ended with exit code {ended.get('exitCode', '?')}"
    return f"{words}: {message}" if message else words


def _log(pod: Body, status: Body, *, previous: bool) -> LogPlace:
    metadata = pod["metadata"]
    return LogPlace(metadata.get("namespace", ""), metadata["name"], str(status["name"]), previous)


def _evicted(pod: Body) -> Trouble | None:
    if at(pod, "status", "phase") != "Failed":
        return None
    reason = at(pod, "status", "reason", default="")
    message = at(pod, "status", "message", default="")
    words = ": ".join(part for part in (reason, message) if part)
    return Trouble(f"{_name(pod)} was ended by its node: {words}") if words else None


def _while_preparing(pod: Body, events: Sequence[Body]) -> Trouble | None:
    starting = any(
        at(status, "state", "waiting", "reason") in ("ContainerCreating", "PodInitializing")
        for status in _statuses(pod)
    )
    if not starting:
        return None
    for event in events:
        if event.get("reason") in ("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"):
            words = f"{_name(pod)} cannot be prepared: {event.get('message', '')}"
            return Trouble(words, _MOUNTING)
    return Trouble(f"{_name(pod)} is being prepared: images and volumes")


def _while_running(pod: Body, events: Sequence[Body]) -> Trouble | None:
    serves = at(pod, "spec", "restartPolicy", default="Always") == "Always"
    if at(pod, "status", "phase") != "Running" or not serves:
        return None
    unready = [
        status["name"]
        for status in at(pod, "status", "containerStatuses", default=[])
        if not status.get("ready")
    ]
    if not unready:
        return None
    words = f"{_name(pod)} runs, but {', '.join(unready)} does not say it is ready"
    for event in events:
        if event.get("reason") == "Unhealthy":
            return Trouble(f"{words}: {event.get('message', '')}")
    return Trouble(words)
