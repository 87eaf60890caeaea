"""A rehearsal world in a process of its own, and somebody who installs into it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from installer.engine.events import Event
from installer.engine.run import Result, Runner
from installer.engine.state import Installation, State
from installer.engine.step import Step, StopFlag
from installer.oracle.access import Access, account_opener
from installer.oracle.account import Account
from installer.oracle.own_address import OwnAddress
from installer.oracle.spending import SpendPlan
from installer.oracle.wanted import ClusterPlan, NetworkPlan, NodePlan, Reserve
from installer.steps.backup_bucket import NO_BACKUPS, BackupPlan
from installer.steps.images import ImagesCanBePulled
from installer.steps.oracle_part import oracle_part

ROOT = Path(__file__).parents[2]
SPEED = 600.0


@dataclass
class World:
    """The announcement of a running rehearsal, and its unsigned doors."""

    access: Access
    control: str
    registry: str = ""

    def inventory(self) -> list[dict[str, Any]]:
        """Everything that exists in the tenancy."""
        found: list[dict[str, Any]] = self._ask("GET", "inventory")["resources"]
        return found

    def count(self) -> Counter[str]:
        """How many of each kind."""
        return Counter(each["kind"] for each in self.inventory())

    def weather(self, *rules: dict[str, Any]) -> None:
        """Bad weather from now on."""
        self._ask("POST", "weather", list(rules))

    def fine(self) -> None:
        """Fine weather from now on."""
        self._ask("DELETE", "weather")

    def requests(self) -> int:
        """How many requests there have been."""
        return int(self._ask("GET", "requests")["total"])

    def operations(self, since: int = 0) -> Counter[str]:
        """How often each operation was asked for, after so many requests."""
        return Counter(self._ask("GET", f"requests?since={since}")["operations"])

    def move(self, address: str) -> None:
        """From now on the person is seen under this address."""
        self._ask("PUT", "your-address", {"address": address})

    def elsewhere(self) -> Counter[str]:
        """How often each operation of other services than Oracle's was asked for."""
        return Counter(self._ask("GET", "requests")["elsewhere"])

    def account(self) -> Account:
        """A second pair of hands in the same account."""
        return account_opener(self.access)()

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.control}/{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@contextmanager
def world_in(home: Path, *options: str) -> Iterator[World]:
    """Start a world and end it with its input."""
    command = [sys.executable, "-m", "installer.rehearsal", "--home", str(home)]
    process = subprocess.Popen(
        [*command, "--speed", str(SPEED), *options],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        told = json.loads(process.stdout.readline())
        access = Access(Path(told["config_file"]), told["profile"], endpoint=told["oracle"])
        yield World(access, told["control"], told["registry"])
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()


@dataclass
class Person:
    """Somebody who installs from one folder; each run is like a new process."""

    world: World
    folder: Path
    compartment: str = "health-platform"
    network: NetworkPlan = field(default_factory=NetworkPlan)
    nodes: NodePlan = field(default_factory=NodePlan)
    spending: SpendPlan | None = None
    reserve: Reserve = Reserve.NO
    images: ImagesCanBePulled | None = None
    backups: BackupPlan = NO_BACKUPS
    speed: float = SPEED
    events: list[Event] = field(default_factory=list)
    bugs: list[str] = field(default_factory=list)

    def steps(self) -> tuple[Step, ...]:
        """A fresh list of all steps."""
        return oracle_part(
            account_opener(self.world.access),
            self.compartment,
            self.network,
            ClusterPlan(),
            self.nodes,
            spending=self.spending,
            own_address=OwnAddress([f"{self.world.control}/your-address"]).cidr,
            reserve=self.reserve,
            images=self.images,
            backups=self.backups,
        )

    def network_steps(self) -> tuple[Step, ...]:
        """Those up to the subnets: quick, and enough for much."""
        return tuple(
            step
            for step in self.steps()
            if step.group in ("Account", "Images", "Network") or step.id == "leftovers"
        )

    def run(
        self,
        verb: str,
        steps: Sequence[Step] | None = None,
        stop: StopFlag | None = None,
        events: list[Event] | None = None,
    ) -> Result:
        """One run on the state in the folder; `events` may listen in its own way."""
        self.events = [] if events is None else events
        state = State(self.folder / "state.sqlite")
        try:
            runner = Runner(
                self.steps() if steps is None else steps,
                state,
                self.installation(state),
                self.events.append,
                stop,
                pace=1 / self.speed,
                trace=self.bugs.append,
            )
            result: Result = getattr(runner, verb)()
            return result
        finally:
            state.close()

    def installation(self, state: State) -> Installation:
        """Who the installation is in this folder."""
        return state.installation("health")

    def id(self) -> str:
        """The installation's id."""
        state = State(self.folder / "state.sqlite")
        try:
            return self.installation(state).id
        finally:
            state.close()

    def recall(self, step: str, key: str = "id") -> str:
        """A fact in the state."""
        state = State(self.folder / "state.sqlite")
        try:
            return state.recall(step, key) or ""
        finally:
            state.close()
