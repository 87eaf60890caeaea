"""The checker of the restricted level, on pods that are not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from installer.modules.pod_security import violations

GOOD: dict[str, Any] = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "volumes": [{"name": "tmp", "emptyDir": {}}],
    "containers": [
        {
            "name": "one",
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            },
        }
    ],
}


def test_a_restricted_pod_has_no_violations() -> None:
    assert violations(GOOD) == ()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda pod: pod.update(hostNetwork=True), "hostNetwork is set"),
        (lambda pod: pod["volumes"].append({"name": "h", "hostPath": {}}), "of kind hostPath"),
        (lambda pod: pod["securityContext"].pop("runAsNonRoot"), "may run as root"),
        (lambda pod: pod["securityContext"].pop("seccompProfile"), "no seccomp profile"),
        (lambda pod: pod["securityContext"].update(runAsUser=0), "the pod runs as root"),
        (lambda pod: pod["containers"][0].pop("securityContext"), "may gain privileges"),
        (
            lambda pod: pod["containers"][0]["securityContext"].update(privileged=True),
            "is privileged",
        ),
        (
            lambda pod: pod["containers"][0]["securityContext"].update(
                capabilities={"drop": ["ALL"], "add": ["SYS_TIME"]}
            ),
            "adds SYS_TIME",
        ),
        (
            lambda pod: pod["containers"][0].update(ports=[{"hostPort": 80, "containerPort": 80}]),
            "uses a port of the node",
        ),
        (
            lambda pod: pod.update(initContainers=[{"name": "early"}]),
            "container early keeps capabilities",
        ),
    ],
)
def test_each_way_out_of_the_level_is_seen(
    spoil: Callable[[dict[str, Any]], object], said: str
) -> None:
    pod = copy.deepcopy(GOOD)
    spoil(pod)
    assert said in "; ".join(violations(pod))
