"""What must come of a weather: read from the file beside it, every mistake in it refused."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import yaml

from installer.engine.errors import ExitCode

HERE = Path(__file__).parent
SUFFIX = ".expected.yaml"


@dataclass(frozen=True)
class Expectation:
    """One case.

    about: the failure, in a sentence.
    part: how much is installed: the network, the same after images were looked up, everything up to
    the machines, a small platform.
    account: the kind of account the world plays.
    region: where the tenancy has its home, which decides how many availability domains there are.
    private: whether the nodes are to be private ones.
    verb: the run that meets the weather; before a removal everything is installed in fine weather.
    before: what somebody does before that run, see `incidents.py`.
    exit: how that run ends. what, why, next, said: words that must appear in its error and in all
    that was told on the way.
    reached: steps that end well. silent: steps that must not even begin.
    calls: no operation may be asked for more often than this.
    left: how many of a kind there are afterwards. where: how the name of the availability domain of
    each of a kind ends then.
    then: whether the same command in fine weather ends where an untroubled one does.
    """

    about: str
    part: Literal["network", "images", "machines", "platform"] = "machines"
    account: Literal["trial", "free", "payg"] = "trial"
    region: str = ""
    private: bool = False
    verb: Literal["install", "destroy"] = "install"
    before: tuple[str, ...] = ()
    exit: ExitCode = ExitCode.OK
    what: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    calls: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)
    then: Literal["as untroubled", "the same"] = "as untroubled"


@dataclass(frozen=True)
class Case:
    """A weather and what is expected of it."""

    name: str
    rules: list[dict[str, Any]]
    expected: Expectation


def catalogue() -> list[Case]:
    """Every case, by name."""
    return [_case(path) for path in sorted(HERE.glob(f"*{SUFFIX}"))]


def weather_files() -> set[str]:
    """Names of all weather files, with an expectation or without."""
    return {path.stem for path in HERE.glob("*.yaml") if not path.name.endswith(SUFFIX)}


def _case(path: Path) -> Case:
    name = path.name.removesuffix(SUFFIX)
    rules = yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8")) or []
    return Case(name, rules, _expectation(yaml.safe_load(path.read_text(encoding="utf-8"))))


def _expectation(raw: dict[str, Any]) -> Expectation:
    known = {each.name: each.type for each in fields(Expectation)}
    unknown = set(raw) - set(known)
    assert not unknown, f"unknown: {unknown}"
    values = dict(raw)
    if "exit" in values:
        values["exit"] = ExitCode[values["exit"]]
    for name, kind in known.items():
        if name in values and str(kind).startswith("tuple"):
            given = values[name]
            values[name] = tuple(given) if isinstance(given, list) else (given,)
    return Expectation(**values)
