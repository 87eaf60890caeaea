"""The rehearsed registry, asked by the client that asks the real ones."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from installer.registry.client import RegistryClient
from installer.registry.resolving import Resolved, resolve
from installer.registry.troubles import Kind, RegistryTrouble
from installer.registry.wire import Wire
from tests.oracle.world import World, world_in

ARM, BOTH = ["linux/arm64"], ["linux/amd64", "linux/arm64"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world of its own."""
    with world_in(tmp_path_factory.mktemp("home")) as running:
        yield running


def had(world: World, name: str) -> Resolved:
    return resolve(RegistryClient(Wire(world.registry)), name, BOTH)


def test_every_image_is_there_under_every_host_and_always_the_same(world: World) -> None:
    names = ["postgres:18", "postgres:17", "quay.io/library/postgres:18", "ghcr.io/me/x:1"]
    first = [had(world, name) for name in names]
    assert len({each.digest for each in first}) == len(names)
    assert [had(world, name) for name in names] == first
    assert all(size > 1_000_000 for each in first for _, size in each.compressed)


def test_what_was_shown_is_to_be_had_by_its_digest_in_another_world_too(tmp_path: Path) -> None:
    with world_in(tmp_path / "home") as world:
        digest = had(world, "quay.io/a/b:1").digest
    with world_in(tmp_path / "home") as world:
        world.weather({"operation": "GET manifests", "do": "moved", "times": "always"})
        assert had(world, f"quay.io/a/b:1@{digest}").digest == digest
        assert had(world, "quay.io/a/b:1").digest != digest
    with world_in(tmp_path / "other") as world, pytest.raises(RegistryTrouble) as told:
        had(world, f"quay.io/a/b:1@{digest}")
    assert told.value.kind is Kind.NO_VERSION


def test_nobody_gets_anything_without_a_token_for_it(world: World) -> None:
    for token in ("", "Bearer something"):
        request = urllib.request.Request(
            f"{world.registry}/v2/a/b/manifests/1", headers={"Authorization": token}
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)
        assert refused.value.code == 401
        assert (
            f'realm="{world.registry}/registry-token"' in refused.value.headers["WWW-Authenticate"]
        )


def test_requests_are_counted_apart_from_oracles(world: World) -> None:
    before, oracles = world.elsewhere(), world.requests()
    had(world, "quay.io/counted/x:1")
    after = world.elsewhere() - before
    assert after == {"GET token": 1, "GET manifests": 3}
    assert world.requests() == oracles
