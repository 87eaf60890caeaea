"""Killed without warning and started again: the same cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.rehearsal.player.conftest import Alive, claim, pod_spec, until, workload


def _frozen(alive: Alive) -> dict[str, Any]:
    """Identity and spec of everything that should outlive the process."""
    lists = [
        alive.core.list_namespaced_secret("health"),
        alive.core.list_namespaced_persistent_volume_claim("health"),
        alive.apps.list_namespaced_deployment("health"),
        alive.core.list_namespaced_pod("health"),
    ]
    return {one.metadata.uid: one.metadata.name for each in lists for one in each.items}


@pytest.mark.slow
def test_a_cluster_killed_in_the_middle_goes_on_where_it_was(tmp_path: Path) -> None:
    alive = Alive(tmp_path)
    alive.start()
    alive.core.create_namespace({"metadata": {"name": "health"}})
    alive.core.create_namespaced_secret("health", {"metadata": {"name": "s"}})
    alive.core.create_namespaced_persistent_volume_claim("health", claim("data"))
    mounted = {**pod_spec(), "volumes": [_mounting("data")]}
    alive.apps.create_namespaced_deployment("health", workload("web", mounted, replicas=2))
    until(lambda: len(alive.core.list_namespaced_pod("health").items) == 2)
    before = _frozen(alive)
    alive.kill()
    alive.start()
    assert _frozen(alive).items() >= before.items()
    until(lambda: alive.apps.read_namespaced_deployment("web", "health").status.ready_replicas == 2)
    assert _frozen(alive).items() == before.items()
    bound = alive.core.read_namespaced_persistent_volume_claim("data", "health")
    assert bound.status.phase == "Bound"
    assert len(alive.core.list_persistent_volume().items) == 1
    alive.kill()
    alive.start()
    assert _frozen(alive) == before
    assert alive.stop() == 0


def _mounting(name: str) -> dict[str, Any]:
    return {"name": name, "persistentVolumeClaim": {"claimName": name}}
