"""What goes, what goes with it, and what is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from kubernetes.aio.client import ApiException
from kubernetes.aio.client.exceptions import NotFoundException

from tests.rehearsal.kubernetes.conftest import Bench, deployment, pod, status_of

MERGE = "application/merge-patch+json"


async def _gone(read: Callable[[], Awaitable[Any]]) -> None:
    """Returns once reading answers 404."""
    async with asyncio.timeout(5):
        while True:
            try:
                await read()
            except NotFoundException:
                return
            await asyncio.sleep(0.01)


def _owned(name: str, owner: Any, kind: str = "ConfigMap") -> dict[str, Any]:
    reference = {
        "apiVersion": "v1",
        "kind": kind,
        "name": owner.metadata.name,
        "uid": owner.metadata.uid,
        "blockOwnerDeletion": True,
    }
    return {"metadata": {"name": name, "ownerReferences": [reference]}}


async def test_a_namespace_takes_everything_with_it(bench: Bench) -> None:
    await bench.apply(deployment())
    await bench.core.create_namespaced_pod("health", pod())
    await bench.core.delete_namespace("health")
    await _gone(lambda: bench.core.read_namespace("health"))
    await bench.core.create_namespace({"metadata": {"name": "health"}})
    assert (await bench.apps.list_namespaced_deployment("health")).items == []


async def test_a_namespace_waits_for_finalizers_and_lets_nothing_new_in(bench: Bench) -> None:
    held = {"metadata": {"name": "c", "finalizers": ["example.org/wait"]}}
    await bench.core.create_namespaced_config_map("health", held)
    await bench.core.delete_namespace("health")
    assert (await bench.core.read_namespace("health")).status.phase == "Terminating"
    with pytest.raises(ApiException) as caught:
        await bench.core.create_namespaced_config_map("health", {"metadata": {"name": "new"}})
    assert caught.value.status == 403
    assert "because it is being terminated" in status_of(caught)["message"]
    await bench.core.patch_namespaced_config_map(
        "c", "health", {"metadata": {"finalizers": None}}, _content_type=MERGE
    )
    await _gone(lambda: bench.core.read_namespace("health"))


async def test_what_an_owner_leaves_behind_is_collected(bench: Bench) -> None:
    owner = await bench.core.create_namespaced_config_map("health", {"metadata": {"name": "o"}})
    await bench.core.create_namespaced_secret("health", _owned("child", owner))
    await bench.core.delete_namespaced_config_map("o", "health")
    await _gone(lambda: bench.core.read_namespaced_secret("child", "health"))


async def test_foreground_deletion_waits_for_the_children(bench: Bench) -> None:
    owner = await bench.core.create_namespaced_config_map("health", {"metadata": {"name": "o"}})
    child = _owned("child", owner)
    child["metadata"]["finalizers"] = ["example.org/wait"]
    await bench.core.create_namespaced_secret("health", child)
    await bench.core.delete_namespaced_config_map("o", "health", propagation_policy="Foreground")
    waiting = await bench.core.read_namespaced_config_map("o", "health")
    assert waiting.metadata.finalizers == ["foregroundDeletion"]
    await bench.core.patch_namespaced_secret(
        "child", "health", {"metadata": {"finalizers": None}}, _content_type=MERGE
    )
    await _gone(lambda: bench.core.read_namespaced_config_map("o", "health"))


async def test_orphans_stay_without_their_owner(bench: Bench) -> None:
    owner = await bench.core.create_namespaced_config_map("health", {"metadata": {"name": "o"}})
    await bench.core.create_namespaced_secret("health", _owned("child", owner))
    await bench.core.delete_namespaced_config_map("o", "health", propagation_policy="Orphan")
    await _gone(lambda: bench.core.read_namespaced_config_map("o", "health"))
    left = await bench.core.read_namespaced_secret("child", "health")
    assert not left.metadata.owner_references


async def test_a_running_pod_is_given_its_grace_and_can_be_forced(bench: Bench) -> None:
    body = pod()
    body["spec"]["nodeName"] = "somewhere"
    await bench.core.create_namespaced_pod("health", body)
    await bench.core.delete_namespaced_pod("one", "health")
    going = await bench.core.read_namespaced_pod("one", "health")
    assert going.metadata.deletion_grace_period_seconds == 30
    await bench.core.delete_namespaced_pod("one", "health", grace_period_seconds=0)
    await _gone(lambda: bench.core.read_namespaced_pod("one", "health"))


async def test_a_precondition_protects_a_namesake(bench: Bench) -> None:
    await bench.core.create_namespaced_config_map("health", {"metadata": {"name": "c"}})
    with pytest.raises(ApiException) as caught:
        await bench.core.delete_namespaced_config_map(
            "c", "health", body={"preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}}
        )
    assert caught.value.status == 409
