"""What disruption budgets allow: whether a pod may be evicted at this moment.

The rules are those of the eviction API and of the disruption controller, which this server works
out at the moment of asking instead of keeping them in a status.
https://kubernetes.io/docs/concepts/workloads/pods/disruptions/
https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from installer.rehearsal.kubernetes.kinds import BY_KEY, Object
from installer.rehearsal.kubernetes.labels import matches
from installer.rehearsal.kubernetes.refusals import Cause, Refused
from installer.rehearsal.kubernetes.store import Store

_PODS = BY_KEY["pods"]
_BUDGETS = BY_KEY["poddisruptionbudgets.policy"]
_ENDED = ("Succeeded", "Failed")
_RETRY_SECONDS = 10


def require_allowed(store: Store, pod: Object) -> None:
    """Raises Refused 429 when a budget forbids the eviction, 500 when two budgets are about it."""
    if _never_guarded(pod):
        return
    budgets = [
        each for each in store.all(_BUDGETS, pod["metadata"]["namespace"]) if _is_about(each, pod)
    ]
    if len(budgets) > 1:
        raise Refused(
            500,
            "InternalError",
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does "
            "not support.",
        )
    for budget in budgets:
        _require_of(budget, _guarded(store, budget), pod)


def _never_guarded(pod: Object) -> bool:
    phase = (pod.get("status") or {}).get("phase")
    return phase in (*_ENDED, "Pending") or bool(pod["metadata"].get("deletionTimestamp"))


def _guarded(store: Store, budget: Object) -> list[Object]:
    return [
        pod
        for pod in store.all(_PODS, budget["metadata"]["namespace"])
        if _is_about(budget, pod) and (pod.get("status") or {}).get("phase") not in _ENDED
    ]


def _is_about(budget: Object, pod: Object) -> bool:
    selector = budget["spec"].get("selector")
    return selector is not None and matches(selector, pod["metadata"].get("labels") or {})


def _require_of(budget: Object, pods: Sequence[Object], pod: Object) -> None:
    staying = [each for each in pods if not each["metadata"].get("deletionTimestamp")]
    healthy, needed = sum(map(_is_ready, staying)), _needed(budget, len(staying))
    if not _is_ready(pod):
        free = budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow"
        if free or healthy >= needed:
            return
    if healthy - 1 >= needed:
        return
    name = budget["metadata"]["name"]
    words = f"The disruption budget {name} needs {needed} healthy pods and has {healthy} currently"
    raise Refused(
        429,
        "TooManyRequests",
        "Cannot evict pod as it would violate the pod's disruption budget.",
        causes=(Cause("DisruptionBudget", words, ""),),
        retry_after=_RETRY_SECONDS,
    )


def _needed(budget: Object, expected: int) -> int:
    """How many must stay healthy. The real controller asks the owners how many are expected; here
    that is how many there are, which is the same while they are being replaced."""
    spec = budget["spec"]
    if "maxUnavailable" in spec:
        return max(0, expected - _share(spec["maxUnavailable"], expected))
    return _share(spec.get("minAvailable", 1), expected)


def _share(wanted: int | str, of: int) -> int:
    """A number, or a percentage rounded up as Kubernetes does."""
    if isinstance(wanted, str) and wanted.endswith("%"):
        return math.ceil(int(wanted[:-1]) * of / 100)
    return int(wanted)


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
