"""A rehearsal cluster, and runs of the steps inside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from installer.engine.events import Event, StepLooked, as_document
from installer.engine.retrying import RetryPolicy
from installer.engine.run import Result, Runner
from installer.engine.state import Installation, State
from installer.engine.step import Step, StopFlag
from installer.kube.cluster import Cluster
from installer.kube.stamp import Stamp
from installer.modules.rendering import Rendered
from installer.modules.secret_values import SecretSpec
from installer.modules.stamping import RenderedObject
from installer.steps.kubernetes_part import ModulePart, kubernetes_part
from tests.kube.conftest import connection_to
from tests.kube.rehearsed import PACE, Body, Rehearsed, namespace, rehearsed

PART = ModulePart("small", "Small module")


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsed]:
    """A running rehearsal cluster."""
    fails_once = {
        "operation": "START pods",
        "subject": "*/fails-once-*",
        "do": "fail",
        "message": "Error",
        "times": 1,
    }
    home = tmp_path_factory.mktemp("rehearsal") / "home"
    with rehearsed(home, weather=[fails_once]) as running:
        yield running


@dataclass
class Site:
    """One installation in the cluster, and everything its runs reported."""

    cluster: Cluster
    state: State
    installation: Installation
    stop: StopFlag = field(default_factory=StopFlag)
    events: list[Event] = field(default_factory=list)
    listener: Callable[[Event], None] = lambda _event: None
    supplied: dict[str, str] = field(default_factory=dict)
    pace: float = PACE

    @property
    def stamp(self) -> Stamp:
        return Stamp(self.installation.id, self.installation.name)

    @property
    def space(self) -> str:
        """A namespace's name that only this site uses."""
        return f"data-{self.installation.id}"

    def steps(self, rendered: Rendered, modules: Sequence[ModulePart]) -> tuple[Step, ...]:
        return kubernetes_part(lambda _ctx: self.cluster, rendered, modules, 1, self.supplied.get)

    def runner(self, rendered: Rendered, modules: Sequence[ModulePart] = (PART,)) -> Runner:
        return Runner(
            self.steps(rendered, modules),
            self.state,
            self.installation,
            self._report,
            stop=self.stop,
            pace=self.pace,
            policy=RetryPolicy(attempts=3),
        )

    def install(self, rendered: Rendered, modules: Sequence[ModulePart] = (PART,)) -> Result:
        return self.runner(rendered, modules).install()

    def destroy(self, rendered: Rendered, modules: Sequence[ModulePart] = (PART,)) -> Result:
        return self.runner(rendered, modules).destroy()

    def plan(self, rendered: Rendered, modules: Sequence[ModulePart] = (PART,)) -> Result:
        return self.runner(rendered, modules).plan()

    def small(self, *waves: Sequence[Body], secrets: Sequence[SecretSpec] = ()) -> Rendered:
        """A rendering of one module with these objects in its waves."""
        objects = [RenderedObject(PART.name, "small.yaml.j2", 0, namespace(self.space))]
        for number, bodies in enumerate(waves):
            objects += [RenderedObject(PART.name, "small.yaml.j2", number, b) for b in bodies]
        return Rendered(tuple(objects), tuple(secrets))

    @property
    def said(self) -> str:
        """All events as text, as a log would hold them."""
        return "\n".join(str(as_document(event)) for event in self.events)

    def changes_of(self, step: str) -> tuple[str, ...]:
        """What the step's last look said would change."""
        looks = [e for e in self.events if isinstance(e, StepLooked) and e.step == step]
        return looks[-1].changes

    def _report(self, event: Event) -> None:
        self.events.append(event)
        self.listener(event)


@pytest.fixture
def site(kubernetes: Rehearsed, tmp_path: Path) -> Iterator[Site]:
    """A fresh installation that shares the cluster with those of other tests."""
    state = State(tmp_path / "state.sqlite")
    with Cluster(connection_to(kubernetes), pace=PACE) as cluster:
        yield Site(cluster, state, state.installation("health"))
    state.close()
