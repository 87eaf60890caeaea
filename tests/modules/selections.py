"""Plans for several selections of modules, for tests that must hold for all of them."""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any

from installer.modules import Module, catalogue
from installer.modules.addresses import Addresses
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
