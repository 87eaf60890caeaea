"""What one pod requests, by the rule of the Kubernetes scheduler.

The rule is that of `k8s.io/component-helpers/resource` (PodRequests) together with the defaults the
API server fills in before the scheduler looks: a limit without a request is a request of that size,
a LimitRange gives values to containers that name none, and requests of the whole pod replace the
sum of its containers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from installer.budget.amounts import Amounts
from installer.budget.quantities import NANO, ceil_div, nano

Manifest = Mapping[str, Any]
"""A Kubernetes object as read from YAML. Its form is the API's, not ours, hence Any."""

_Requests = dict[str, int]
_NAMES = ("cpu", "memory", "ephemeral-storage")
_POD_LEVEL = ("cpu", "memory")


Defaults = Mapping[str, Any]
"""Requests that a namespace's LimitRange gives to containers that say nothing, by resource."""


def pod_requests(spec: Manifest, defaults: Defaults | None = None) -> Amounts:
    """The amounts the scheduler looks for; raises BadQuantity for a quantity it could not read."""
    wanted = _of_containers(spec, defaults)
    wanted.update(_of_the_whole_pod(spec, wanted))
    _add(wanted, _read(spec.get("overhead")))
    return Amounts(
        ceil_div(wanted.get("cpu", 0), NANO // 1000),
        ceil_div(wanted.get("memory", 0), NANO),
        ceil_div(wanted.get("ephemeral-storage", 0), NANO),
    )


def _of_containers(spec: Manifest, defaults: Defaults | None) -> _Requests:
    running: _Requests = {}
    for container in spec.get("containers") or ():
        _add(running, container_requests(container, defaults))
    sidecars: _Requests = {}
    starting: _Requests = {}
    for container in spec.get("initContainers") or ():
        wanted = container_requests(container, defaults)
        if container.get("restartPolicy") == "Always":
            _add(running, wanted)
            _add(sidecars, wanted)
            continue
        _add(wanted, sidecars)
        _raise_to(starting, wanted)
    _raise_to(running, starting)
    return running


def container_requests(container: Manifest, defaults: Defaults | None = None) -> _Requests:
    """A container's requests in billionths after the API server's defaults."""
    resources = container.get("resources") or {}
    wanted = dict(resources.get("limits") or {})
    wanted.update(resources.get("requests") or {})
    for name, value in (defaults or {}).items():
        wanted.setdefault(name, value)
    return _read(wanted)


def _of_the_whole_pod(spec: Manifest, of_containers: _Requests) -> _Requests:
    resources = spec.get("resources") or {}
    requests, limits = _read(resources.get("requests")), _read(resources.get("limits"))
    if limits:
        for name, value in (limits | of_containers).items():
            requests.setdefault(name, value)
    return {name: requests[name] for name in _POD_LEVEL if name in requests}


def container_defaults(limit_ranges: Iterable[Manifest]) -> Defaults:
    """The default requests of a namespace's LimitRange objects, as admission applies them."""
    found: dict[str, Any] = {}
    for limit_range in limit_ranges:
        for item in (limit_range.get("spec") or {}).get("limits") or ():
            if item.get("type") == "Container":
                for key in ("defaultRequest", "default", "max", "min"):
                    found = {**(item.get(key) or {}), **found}
    return found


def _read(resources: Manifest | None) -> _Requests:
    return (
        {name: nano(resources[name]) for name in _NAMES if name in resources} if resources else {}
    )


def _add(to: _Requests, more: _Requests) -> None:
    for name, value in more.items():
        to[name] = to.get(name, 0) + value


def _raise_to(to: _Requests, at_least: _Requests) -> None:
    for name, value in at_least.items():
        to[name] = max(to.get(name, 0), value)
