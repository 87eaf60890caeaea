"""A bare API server, and the official client to speak to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes.aio import client
from kubernetes.aio.client import ApiException

from installer.rehearsal.clock import Clock
from installer.rehearsal.kubernetes.world import KubernetesWorld
from installer.rehearsal.shelf import Shelf
from installer.rehearsal.weather import Weather

TOKEN = "the-right-token"
APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True)
class Bench:
    """A running server and clients that are logged in."""

    world: KubernetesWorld
    weather: Weather
    # Their models make every field optional; a missing one fails the test by itself.
    core: Any
    apps: Any
    batch: Any

    async def apply(
        self,
        body: dict[str, Any],
        manager: str = "first",
        *,
        force: bool = False,
        dry: bool = False,
    ) -> Any:
        """Server-side apply of a Deployment in the namespace `health`."""
        return await self.apps.patch_namespaced_deployment(
            body["metadata"]["name"],
            "health",
            body,
            field_manager=manager,
            force=force,
            dry_run="All" if dry else None,
            _content_type=APPLY,
        )


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    clock = Clock(1000.0, Shelf(tmp_path / "clock.sqlite"))
    weather = Weather()
    world = KubernetesWorld(
        tmp_path, "one", clock, weather, lambda token: "admin" if token == TOKEN else None
    )
    endpoint = await world.start()
    settings = client.Configuration(host=endpoint.url)
    settings.ssl_ca_cert = str(world.ca_file)
    settings.api_key = {"authorization": TOKEN}
    settings.api_key_prefix = {"authorization": "Bearer"}
    async with client.ApiClient(settings) as api:
        made = Bench(
            world, weather, client.CoreV1Api(api), client.AppsV1Api(api), client.BatchV1Api(api)
        )
        await made.core.create_namespace({"metadata": {"name": "health"}})
        yield made
    await world.stop()


def status_of(caught: pytest.ExceptionInfo[ApiException]) -> dict[str, Any]:
    """The Status document of a refusal."""
    body: dict[str, Any] = json.loads(caught.value.body or "")
    assert body["kind"] == "Status"
    assert body["code"] == caught.value.status
    return body


def deployment(name: str = "web", **container: Any) -> dict[str, Any]:
    """A small Deployment to apply."""
    labels = {"app": name}
    one = {"name": "app", "image": "example.org/app:1", **container}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "health", "labels": dict(labels)},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [one]}},
        },
    }


def pod(name: str = "one", **metadata: Any) -> dict[str, Any]:
    """A small Pod."""
    return {
        "metadata": {"name": name, **metadata},
        "spec": {"containers": [{"name": "app", "image": "example.org/app:1"}]},
    }
