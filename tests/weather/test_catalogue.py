"""Plays the whole weather catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from installer.engine.run import Result
from installer.oracle.wanted import NetworkPlan
from tests.oracle.world import World
from tests.weather.expectation import Case, catalogue, weather_files
from tests.weather.incidents import INCIDENTS
from tests.weather.stage import Stage, Worlds, operations

CASES = catalogue()


def test_every_weather_has_an_expectation_and_there_are_forty() -> None:
    assert weather_files() == {case.name for case in CASES}
    assert len(CASES) >= 40


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    """Worlds, started when needed."""
    made = Worlds(tmp_path_factory.mktemp("worlds"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def untroubled() -> dict[str, Counter[str]]:
    """What each part looks like when nothing goes wrong; filled on first use."""
    return {}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_weather(
    case: Case, worlds: Worlds, untroubled: dict[str, Counter[str]], tmp_path: Path
) -> None:
    with worlds.of(case.expected.account, case.expected.region) as world:
        before = world.inventory()
        wanted = _untroubled(case, world, untroubled, tmp_path)
        folder = tmp_path / "folder"
        folder.mkdir()
        stage = _stage(case, world, folder)
        undo = _prepare(case, stage)
        _strike(case, stage)
        world.fine()
        undo()
        if case.expected.verb == "install":
            _again(case, stage, wanted)
        _removed(stage)
        assert world.inventory() == before


def _untroubled(
    case: Case, world: World, known: dict[str, Counter[str]], folder: Path
) -> Counter[str]:
    kind = f"{case.expected.part}{' private' * case.expected.private} {case.expected.region}"
    if case.expected.verb == "destroy" or case.expected.then == "the same":
        return Counter()
    if kind not in known:
        (folder / "fine").mkdir()
        stage = _stage(case, world, folder / "fine")
        assert stage.run("install").error is None
        known[kind] = stage.likeness()
        assert stage.run("destroy").error is None
    return known[kind]


def _stage(case: Case, world: World, folder: Path) -> Stage:
    network = NetworkPlan(private_nodes=case.expected.private)
    return Stage(world, folder, case.expected.part, network=network)


def _prepare(case: Case, stage: Stage) -> Any:
    """Fine weather up to the run that counts; returns what undoes the incidents."""
    if case.expected.verb == "destroy":
        assert stage.run("install").error is None
    undoings = [INCIDENTS[name](stage.world, stage.person) for name in case.expected.before]
    return lambda: [undo() for undo in undoings]


def _strike(case: Case, stage: Stage) -> None:
    """The run that meets the weather."""
    expected = case.expected
    since = stage.world.requests()
    stage.world.weather(*case.rules)
    result = stage.run(expected.verb)
    asked = operations(stage.world, since)
    assert result.exit_code == expected.exit, (result.error, stage.told()[-3000:])
    _said(case, stage, result)
    assert set(expected.reached) <= stage.reached()
    assert not set(expected.silent) & stage.begun()
    over = {name: asked[name] for name, most in expected.calls.items() if asked.get(name, 0) > most}
    assert not over, asked
    count = stage.world.count()
    assert {kind: count[kind] for kind in expected.left} == expected.left
    astray = [
        each
        for each in stage.ours()
        if not each["domain"].endswith(expected.where.get(each["kind"], ""))
    ]
    assert not astray


def _said(case: Case, stage: Stage, result: Result) -> None:
    error = result.error
    told = stage.told()
    for text, wanted in (
        (error.what if error else "", case.expected.what),
        (error.why if error else "", case.expected.why),
        (error.then if error else "", case.expected.next),
        (told, case.expected.said),
    ):
        for words in wanted:
            assert words.lower() in text.lower(), (words, text[-3000:])
    if error is not None:
        assert error.what, "every error says what happened"
        assert error.why, "every error says why"
        assert error.then, "every error says what to do next"


def _again(case: Case, stage: Stage, wanted: Counter[str]) -> None:
    """The same command, now that the weather is fine."""
    result = stage.run("install")
    if case.expected.then == "the same":
        assert result.exit_code == case.expected.exit
        return
    assert result.error is None, (result.error, stage.told()[-3000:])
    found = stage.likeness()
    assert (found - wanted, wanted - found) == (Counter(), Counter())


def _removed(stage: Stage) -> None:
    result = stage.run("destroy")
    assert result.error is None, (result.error, stage.told()[-3000:])
