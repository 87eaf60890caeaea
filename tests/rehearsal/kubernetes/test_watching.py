"""Watches: from a list on, resumed, and too late."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from kubernetes.aio import watch
from kubernetes.aio.client import ApiException

from installer.rehearsal.clock import Clock
from installer.rehearsal.kubernetes.kinds import BY_KEY
from installer.rehearsal.kubernetes.store import Store
from installer.rehearsal.kubernetes.writer import Options, Place, Writer
from installer.rehearsal.shelf import Shelf
from tests.rehearsal.kubernetes.conftest import Bench


async def _config(bench: Bench, name: str, **labels: str) -> Any:
    body = {"metadata": {"name": name, "labels": labels}}
    return await bench.core.create_namespaced_config_map("health", body)


def _watch() -> Any:
    make: Any = watch.Watch
    return make()


async def _seen(bench: Bench, revision: str, count: int, **more: Any) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    watching: Any = _watch()
    async with asyncio.timeout(5):
        async for event in watching.stream(
            bench.core.list_namespaced_config_map,
            "health",
            resource_version=revision,
            timeout_seconds=4,
            **more,
        ):
            found.append((event["type"], event["object"].metadata.name))
            if len(found) == count:
                break
    await watching.close()
    return found


async def test_a_watch_goes_on_where_the_list_ended(bench: Bench) -> None:
    await _config(bench, "before")
    listed = await bench.core.list_namespaced_config_map("health")
    await _config(bench, "after")
    await bench.core.delete_namespaced_config_map("before", "health")
    seen = await _seen(bench, listed.metadata.resource_version, 2)
    assert seen == [("ADDED", "after"), ("DELETED", "before")]


async def test_news_arrive_while_watching(bench: Bench) -> None:
    listed = await bench.core.list_namespaced_config_map("health")
    watching = asyncio.create_task(_seen(bench, listed.metadata.resource_version, 1))
    await asyncio.sleep(0.1)
    await _config(bench, "new")
    assert await watching == [("ADDED", "new")]


async def test_an_object_that_leaves_the_selection_is_told_as_deleted(bench: Bench) -> None:
    made = await _config(bench, "c", colour="red")
    await bench.core.patch_namespaced_config_map(
        "c",
        "health",
        {"metadata": {"labels": {"colour": "blue"}}},
        _content_type="application/merge-patch+json",
    )
    seen = await _seen(bench, made.metadata.resource_version, 1, label_selector="colour=red")
    assert seen == [("DELETED", "c")]


async def test_a_version_from_before_anything_is_too_old(bench: Bench) -> None:
    with pytest.raises(ApiException) as caught:
        await _seen(bench, "1", 1)
    assert caught.value.status == 410


async def test_a_restart_keeps_objects_and_versions_and_asks_old_watchers_to_list_again(
    tmp_path: Any,
) -> None:
    path, kind = tmp_path / "cluster.sqlite", BY_KEY["configmaps"]
    shelf = Shelf(path)
    first = Store(shelf)
    writer = Writer(first, Clock(1.0).now)
    writer.create(Place(BY_KEY["namespaces"], "", "a"), {"metadata": {"name": "a"}}, Options())
    writer.create(Place(kind, "a", "c"), {"metadata": {"name": "c"}}, Options())
    writer.create(Place(kind, "a", "d"), {"metadata": {"name": "d"}}, Options())
    first.remove(kind, writer.present(Place(kind, "a", "d")))
    shelf.close()
    second = Store(Shelf(path))
    assert second.revision == first.revision
    assert second.all(kind) == first.all(kind)
    assert second.changes_since(second.revision) == []
    assert second.changes_since(second.revision - 1) is None
