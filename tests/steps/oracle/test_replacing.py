"""A machine is replaced by emptying it, ending it and only then making another."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from installer.engine.errors import ExitCode
from installer.engine.events import Note, Waiting
from installer.engine.run import Result
from installer.oracle.sdk import models
from installer.oracle.wanted import NodePlan
from tests.oracle.world import Person, World
from tests.weather.stage import Stage

LARGER = NodePlan(ocpus=3, memory_gb=18)


class Watching(list[Any]):
    """Counts the machines whenever something is waited for."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.most = 0

    def append(self, event: Any) -> None:
        """Keep it, and look."""
        super().append(event)
        if isinstance(event, Waiting):
            self.most = max(self.most, self._world.count()["instance"])


def install(stage: Stage, events: Watching) -> Result:
    with ExitStack() as open_now:
        return stage.person.run("install", stage._steps(open_now), events=events)


def lines(result: Result) -> str:
    return "\n".join(result.seen["node-pool"].changes)


def ids(world: World, kind: str) -> set[str]:
    return {each["id"] for each in world.inventory() if each["kind"] == kind}


@pytest.mark.slow
def test_a_machine_that_carries_the_platform_is_replaced_once_the_person_agreed(
    world: World, person: Person
) -> None:
    stage = Stage(world, person.folder, "platform")
    assert stage.run("install").error is None
    kept = {kind: ids(world, kind) for kind in ("instance", "volume", "networkloadbalancer")}

    stage.person.nodes = LARGER
    told = lines(stage.run("plan"))
    assert "OCPUs each: 2.0 instead of 3" in told
    assert "only once cluster.replace_machines is yes: the platform is away" in told
    assert stage.run("install").error is None
    assert any("the platform runs on it" in e.words for e in stage.events if isinstance(e, Note))
    assert {kind: ids(world, kind) for kind in kept} == kept
    again = stage.run("install")
    assert again.changed == 0
    assert "1 of them as made before" in again.seen["node-pool"].words

    stage.person.nodes = NodePlan(ocpus=3, memory_gb=18, replace=True)
    (line,) = stage.run("plan").seen["node-pool"].changes
    assert "2 OCPU and 12 GB (the platform is away for about 10 minutes" in line
    assert "its data stays" in line
    world.weather({"operation": "-", "do": "no_capacity", "times": "always"})
    parked = stage.run("install")
    assert parked.exit_code == ExitCode.PARKED
    assert "is kept" in str(parked.error)
    assert ids(world, "instance") == kept["instance"]
    world.fine()
    since, events = world.requests(), Watching(world)
    assert install(stage, events).error is None
    asked = world.operations(since)
    assert (asked["DeleteNode"], asked["CreateNodePool"], events.most) == (1, 0, 1)
    waited = list(dict.fromkeys(e.what for e in events if isinstance(e, Waiting)))
    ended = waited.index("the end of the machine")
    assert any(what.startswith("the pods on") for what in waited[:ended])
    assert ids(world, "instance").isdisjoint(kept["instance"])
    assert ids(world, "volume") == kept["volume"]
    assert ids(world, "networkloadbalancer") == kept["networkloadbalancer"]
    assert stage.run("install").changed == 0


@pytest.mark.slow
def test_an_empty_machine_of_another_version_is_replaced_at_once(
    world: World, person: Person
) -> None:
    assert person.run("install").error is None
    pool, version = person.recall("node-pool"), person.recall("cluster", "version")
    older = _as_it_was_before_an_upgrade(world, pool)
    told = lines(person.run("plan"))
    assert f"Kubernetes: {older} instead of {version}" in told
    assert f"it runs Kubernetes {older} instead of {version}" in told

    events = Watching(world)
    assert person.run("install", events=events).error is None

    found = world.account().clients.client("clusters").get_node_pool(pool).data
    there = [node for node in found.nodes if node.lifecycle_state == "ACTIVE"]
    assert [node.kubernetes_version for node in there] == [version]
    assert version in found.node_image_name or version.removeprefix("v") in found.node_image_name
    assert events.most == 1
    assert person.run("install").changed == 0


@pytest.mark.slow
def test_a_machine_that_somebody_ended_is_replaced_without_asking(
    world: World, person: Person
) -> None:
    assert person.run("install").error is None
    compute = world.account().clients.client("compute")
    (machine,) = ids(world, "instance")
    compute.terminate_instance(machine)
    while compute.get_instance(machine).data.lifecycle_state != "TERMINATED":
        pass
    assert "somebody ended it" in lines(person.run("plan"))

    assert person.run("install").error is None

    (now,) = ids(world, "instance")
    assert now != machine
    assert person.run("install").changed == 0


def _as_it_was_before_an_upgrade(world: World, pool: str) -> str:
    """Pool and machine one version behind their control plane; returns that version."""
    client, engine = world.account().clients.client("clusters"), models("container_engine")
    options = client.get_node_pool_options("all").data
    now = client.get_node_pool(pool).data
    minor = int(now.kubernetes_version.split(".")[1]) - 1
    older = next(v for v in options.kubernetes_versions if v.split(".")[1] == str(minor))
    image = next(
        source.image_id
        for source in options.sources
        if f"OKE-{older.removeprefix('v')}" in source.source_name
        and "aarch64" in source.source_name
    )
    details = engine.UpdateNodePoolDetails(
        kubernetes_version=older,
        node_source_details=engine.NodeSourceViaImageDetails(
            image_id=image, boot_volume_size_in_gbs=50
        ),
    )
    _settled(client, client.update_node_pool(pool, details))
    (node,) = client.get_node_pool(pool).data.nodes
    _settled(client, client.delete_node(pool, node.id, is_decrement_size=False))
    return str(older)


def _settled(client: Any, answer: Any) -> None:
    request = answer.headers["opc-work-request-id"]
    while client.get_work_request(request).data.status in ("ACCEPTED", "IN_PROGRESS"):
        pass
