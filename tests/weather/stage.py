"""Plays a case: the real steps and the real SDKs against a rehearsed world, at high speed."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from installer.engine.events import Event, StepFinished, StepStarted
from installer.engine.run import Result
from installer.engine.step import Context, Step
from installer.kube.cluster import Cluster
from installer.kube.connection import Connection
from installer.modules.images import Origin, PlannedImage
from installer.modules.rendering import Rendered
from installer.modules.secret_values import SecretSpec, SecretValue
from installer.modules.stamping import RenderedObject
from installer.oracle.wanted import NetworkPlan, NodePlan
from installer.registry.client import Login, RegistryClient
from installer.registry.resolving import Resolution, resolve_all
from installer.registry.wire import Wire
from installer.rehearsal.registry.pretended import pretended
from installer.steps.cluster_access import ClusterAccess
from installer.steps.images import ImagesCanBePulled
from installer.steps.kubernetes_part import ModulePart, kubernetes_part
from installer.steps.node_pool import NODE_POOL
from installer.steps.reserved_address import front_address
from installer.steps.security_group import front_group
from tests.journeys.world import WorldView
from tests.kube.rehearsed import balancer, claim, config_map, deployment, job, namespace
from tests.oracle.world import SPEED, Person, World, world_in
from tests.weather.incidents import live_next_door

MODULE = "small"
SPACE = "health-small"
# Identifiers, and which number and address a machine got; a replaced one has got the next.
_CHANCE = re.compile(r"ocid1\.[a-z0-9.-]+|(?<=~)-\d+\b|\b10\.20\.1\.\d+\b")


def small_platform() -> Rendered:
    """One of each kind that has a life of its own: a volume, a server, a job, a balancer."""
    bodies = (
        (0, namespace(SPACE)),
        (0, config_map(SPACE, "settings")),
        (0, claim(SPACE, "data")),
        (1, deployment(SPACE, "server", volume="data")),
        (2, job(SPACE, "preparation")),
        (2, balancer(SPACE, "door")),
    )
    objects = tuple(RenderedObject(MODULE, "small.yaml.j2", wave, body) for wave, body in bodies)
    password = SecretValue("password", "password", question_path="small.login")
    return Rendered(objects, (SecretSpec(MODULE, "login", SPACE, "login", (password,)),))


IMAGES = ("docker.io/library/postgres:18", "ghcr.io/me/health-api:1.0", "quay.io/a/b:2")


def images_step(world: World) -> ImagesCanBePulled:
    """Three images, planned with the digests they have in fine weather; a login for one of them."""
    client = RegistryClient(Wire(world.registry), [Login("ghcr.io", "me", "token-of-mine")])
    planned = [
        PlannedImage(name, MODULE, Origin.LOCK, name, name, pretended(name).index.digest)
        for name in IMAGES
    ]

    def look_up(images: Sequence[PlannedImage]) -> Resolution:
        return resolve_all(client, [each.tagged for each in images], ["linux/arm64"])

    return ImagesCanBePulled(planned, ["linux/arm64"], look_up)


@dataclass
class Stage:
    """A person in a world, who installs one of the parts of a case."""

    world: World
    folder: Path
    part: str
    nodes: NodePlan = field(default_factory=NodePlan)
    network: NetworkPlan = field(default_factory=NetworkPlan)

    @cached_property
    def person(self) -> Person:
        """Whoever sits at the machine."""
        return Person(self.world, self.folder, nodes=self.nodes, network=self.network)

    @property
    def events(self) -> list[Event]:
        """Of the last run."""
        return self.person.events

    def run(self, verb: str) -> Result:
        """One run, as if by a new process."""
        with ExitStack() as open_now:
            result = self.person.run(verb, self._steps(open_now))
        assert self.person.bugs == []
        return result

    def _steps(self, open_now: ExitStack) -> tuple[Step, ...]:
        below = self.person.steps()
        if self.part == "images":
            self.person.images = images_step(self.world)
        if self.part in ("network", "images"):
            return self.person.network_steps()
        if self.part == "machines":
            return below
        door = next(step for step in below if isinstance(step, ClusterAccess))
        above = kubernetes_part(
            _connect(door, open_now),
            small_platform(),
            [ModulePart(MODULE, "Small module")],
            1,
            lambda _path: None,
            needs=(door.id,),
            nodes_need=(NODE_POOL,),
            reserved=front_address,
            group=front_group,
        )
        return (*below, *above)

    # -- what was told and done -------------------------------------------------------------------

    def told(self) -> str:
        """Everything the last run said."""
        return "\n".join(str(dataclasses.asdict(event)) for event in self.events)

    def reached(self) -> set[str]:
        """Steps that ended well."""
        return {each.step for each in self.events if isinstance(each, StepFinished)}

    def begun(self) -> set[str]:
        """Steps that were at least looked at."""
        return {each.step for each in self.events if isinstance(each, StepStarted)}

    def ours(self) -> list[dict[str, Any]]:
        """What stands in the installation's compartment."""
        home = self.person.recall("compartment")
        return [each for each in self.world.inventory() if each["compartment"] == home]

    def likeness(self) -> Counter[str]:
        """Everything in the world, without ids and chance."""
        seen = WorldView(self.world).likeness()
        found: Counter[str] = Counter()
        for line, count in seen.items():
            found[_CHANCE.sub("~", line)] += count
        return found


def _connect(door: ClusterAccess, open_now: ExitStack) -> Callable[[Context], Cluster]:
    known: dict[str, Cluster] = {}

    def connect(ctx: Context) -> Cluster:
        access = door.connection(ctx)
        if access.server not in known:
            connection = Connection(access.server, access.ca_pem, access.token)
            known[access.server] = open_now.enter_context(Cluster(connection, 1 / SPEED))
        return known[access.server]

    return connect


class Worlds:
    """One world for each account and region, shared by its cases, thrown away after a failure."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, tuple[World, ExitStack]] = {}
        self._count = 0

    @contextmanager
    def of(self, account: str, region: str = "") -> Iterator[World]:
        """The world; one in which a case failed is not used again."""
        kind = f"{account}{region}"
        if kind not in self._open:
            self._open[kind] = self._start(kind, account, region)
        world, stack = self._open[kind]
        try:
            yield world
        except BaseException:
            del self._open[kind]
            stack.close()
            raise

    def _start(self, kind: str, account: str, region: str) -> tuple[World, ExitStack]:
        self._count += 1
        stack = ExitStack()
        home = self._folder / f"{kind}-{self._count}"
        options = ["--account", account, *(["--region", region] if region else [])]
        world = stack.enter_context(world_in(home, *options))
        live_next_door(world)
        return world, stack

    def close(self) -> None:
        """End them all."""
        for _, stack in self._open.values():
            stack.close()


def operations(world: World, since: int) -> dict[str, int]:
    """How often each operation was asked for after request number `since`."""
    found: dict[str, Any] = world._ask("GET", f"requests?since={since}")
    return dict(found["operations"])
