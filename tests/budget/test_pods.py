"""One pod's requests follow the scheduler's rule."""

from __future__ import annotations

from typing import Any

import pytest

from installer.budget.amounts import Amounts
from installer.budget.pods import container_defaults, pod_requests
from tests.budget.pieces import container, pod_spec

MIB = 2**20


def sidecar(cpu: str, memory: str) -> dict[str, Any]:
    return container(cpu, memory, restartPolicy="Always")


def cpu_and_memory(spec: dict[str, Any]) -> tuple[int, int]:
    found = pod_requests(spec)
    return found.cpu_milli, found.memory_bytes // MIB


CASES = {
    "containers are added": (
        pod_spec(container("100m", "64Mi"), container("50m", "32Mi")),
        (150, 96),
    ),
    "the largest init container counts, by resource": (
        pod_spec(
            container("100m", "64Mi"),
            initContainers=[container("300m", "16Mi"), container("10m", "128Mi")],
        ),
        (300, 128),
    ),
    "init containers run one after the other": (
        pod_spec(
            container("100m", "64Mi"),
            initContainers=[container("60m", "40Mi"), container("60m", "40Mi")],
        ),
        (100, 64),
    ),
    "a sidecar runs beside the containers": (
        pod_spec(container("100m", "64Mi"), initContainers=[sidecar("20m", "32Mi")]),
        (120, 96),
    ),
    "an init container runs beside the sidecars before it": (
        pod_spec(
            container("100m", "64Mi"),
            initContainers=[sidecar("50m", "10Mi"), container("200m", "10Mi")],
        ),
        (250, 74),
    ),
    "and not beside the sidecars after it": (
        pod_spec(
            container("100m", "64Mi"),
            initContainers=[container("200m", "10Mi"), sidecar("50m", "10Mi")],
        ),
        (200, 74),
    ),
    "overhead comes on top": (
        pod_spec(container("100m", "64Mi"), overhead={"cpu": "10m", "memory": "8Mi"}),
        (110, 72),
    ),
    "a limit alone is a request": (
        pod_spec({"resources": {"limits": {"cpu": "400m", "memory": "1Gi"}}}),
        (400, 1024),
    ),
    "a request beside a limit stays": (
        pod_spec({"resources": {"limits": {"cpu": "400m"}, "requests": {"cpu": "0"}}}),
        (0, 0),
    ),
    "requests of the whole pod replace the sum": (
        pod_spec(container("100m", "64Mi"), resources={"requests": {"cpu": "70m"}}),
        (70, 64),
    ),
    "limits of the whole pod fill what containers leave open": (
        pod_spec(container("100m"), resources={"limits": {"cpu": "1", "memory": "256Mi"}}),
        (100, 256),
    ),
    "overhead comes on top of the whole pod's requests": (
        pod_spec(container("1"), resources={"requests": {"cpu": "70m"}}, overhead={"cpu": "5m"}),
        (75, 0),
    ),
    "nothing asked is nothing": (pod_spec({"name": "main"}), (0, 0)),
}


@pytest.mark.parametrize("title", CASES)
def test_pod_requests(title: str) -> None:
    spec, expected = CASES[title]
    assert cpu_and_memory(spec) == expected


def test_the_disk_of_the_node_is_counted_too() -> None:
    spec = pod_spec({"resources": {"requests": {"ephemeral-storage": "1Gi"}}})
    assert pod_requests(spec) == Amounts(0, 0, 2**30)


def test_fractions_are_added_before_they_are_rounded() -> None:
    halves = pod_spec(container("1", "500m"), container("1", "500m"))
    assert pod_requests(halves).memory_bytes == 1


@pytest.mark.parametrize(
    ("item", "millis"),
    [
        ({"defaultRequest": {"cpu": "30m"}, "default": {"cpu": "60m"}}, 30),
        ({"default": {"cpu": "60m"}, "max": {"cpu": "1"}}, 60),
        ({"max": {"cpu": "90m"}, "min": {"cpu": "5m"}}, 90),
        ({"min": {"cpu": "5m"}}, 5),
    ],
)
def test_a_limit_range_gives_to_containers_that_say_nothing(
    item: dict[str, Any], millis: int
) -> None:
    defaults = container_defaults([{"spec": {"limits": [{"type": "Container", **item}]}}])
    assert pod_requests(pod_spec({"name": "silent"}), defaults).cpu_milli == millis
    assert pod_requests(pod_spec(container("7m")), defaults).cpu_milli == 7
