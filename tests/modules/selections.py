"""Plans for several selections of modules, for tests that must hold for all of them."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from installer.modules import Module, ModulesInvalid, catalogue, enabled
from installer.modules.addresses import Addresses
from installer.modules.description import OptionEntry
from installer.plan import Plan, Surroundings, make_plan
from tests.modules.conftest import answers_for

# A cluster somebody made: pods have addresses no machine has.
PODS = "10.244.0.0/16"
AROUND = Surroundings(addresses=Addresses(pods=(PODS,), api_ports=(6443,)))


def with_needs(names: set[str]) -> set[str]:
    """The modules named, and all they need."""
    known = {module.name: module for module in catalogue()}
    everything = set(names)
    while more := {need for name in everything for need in known[name].file.needs} - everything:
        everything |= more
    return everything


@lru_cache(maxsize=64)
def plan_of(*names: str, target: str = "existing", switches: bool | None = None) -> Plan:
    """The plan with exactly these modules, and what they need, switched on.

    `switches` sets every switch among the options that goes with the others.
    """
    wanted = with_needs(set(names))
    chosen: dict[str, dict[str, Any]] = {
        module.name: {"enabled": module.name in wanted} for module in catalogue()
    }
    if switches is not None:
        for module in catalogue():
            chosen[module.name] |= dict.fromkeys(_free_switches(module), switches)
    answers = answers_for(catalogue(), target=target, modules=chosen)
    return make_plan(answers, AROUND)


def _free_switches(module: Module) -> list[str]:
    """Switches that no refusal and no condition on other answers is about."""
    bound = " ".join(entry.when for entry in module.file.refuses)
    return [
        option.name
        for option in module.file.options
        if option.kind == "switch" and option.name not in bound
    ]


def all_names() -> tuple[str, ...]:
    """Every module."""
    return tuple(module.name for module in catalogue())


def selections() -> list[tuple[str, ...]]:
    """All modules; each alone beside the rules; all but each; and some drawn by lot."""
    names = all_names()
    others = [name for name in names if name != "security"]
    alone = [("security", name) for name in others]
    without = [tuple(n for n in names if name not in with_needs({n})) for name in others]
    lot = random.Random(2026)
    drawn = [("security", *lot.sample(others, lot.randint(1, len(others)))) for _ in range(6)]
    found = [tuple(sorted(with_needs(set(each)))) for each in (names, *alone, *without, *drawn)]
    return sorted(set(found), key=lambda each: (-len(each), each))


def wander(seed: int) -> Iterator[dict[str, dict[str, Any]]]:
    """Selections that go together for every target, without end and hardly ever the same again.

    Each is one step from the one before: a module the other way round, with what it needs or what
    needs it, or another value for an option.
    """
    lot = random.Random(seed)
    chosen: dict[str, dict[str, Any]] = _as_shipped()
    while True:
        step = copy.deepcopy(chosen)
        module = lot.choice(catalogue())
        if lot.random() < 0.4 or not module.file.options:
            _turn(step, module)
        else:
            option = lot.choice(module.file.options)
            step[module.name][option.name] = _other_value(option, lot)
        try:
            for target in ("oke", "existing"):
                enabled(answers_for(catalogue(), target=target, modules=step), catalogue())
        except (ModulesInvalid, ValueError):
            continue
        chosen = step
        yield copy.deepcopy(chosen)
        if lot.random() < 0.03:
            chosen = _as_shipped()


def _as_shipped() -> dict[str, dict[str, Any]]:
    return {module.name: {"enabled": module.file.enabled} for module in catalogue()}


def _turn(step: dict[str, dict[str, Any]], module: Module) -> None:
    on = not step[module.name]["enabled"]
    others = with_needs({module.name}) if on else _needing(module.name)
    for name in {module.name} | others:
        step[name]["enabled"] = on


def _needing(name: str) -> set[str]:
    return {module.name for module in catalogue() if name in with_needs({module.name})}


def _other_value(option: OptionEntry, lot: random.Random) -> object:
    """Some value the option may have."""
    low = 1 if option.minimum is None else option.minimum
    high = low + 100 if option.maximum is None else option.maximum
    match option.kind:
        case "switch":
            return lot.random() < 0.5
        case "choice":
            return lot.choice(option.choices)
        case "integer":
            return lot.randint(low, min(high, low + 6))
        case "size":
            return f"{lot.randint(low, high)}Gi"
    return option.default
