"""What goes wrong in a rehearsal, and when: a YAML list of rules, counted and never random.

    - operation: CreateNodePool    # or "GET /20160918/vcns", "PATCH pods", ANY; * and ? match
      do: no_capacity              # see Fault
      after: 0                     # let so many matching calls pass first
      times: 1                     # then strike so often; "always" never stops
    - operation: "PATCH pods"
      subject: "health/postgres*"  # only calls about this thing
      do: error
      status: 503
      code: ServiceUnavailable
      message: come back later

The counts are kept on the shelf, so that a world killed in a storm comes back into the same storm
when it is started with the same file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, cast, get_args

import yaml

from installer.rehearsal.shelf import Shelf

FaultKind = Literal[
    "error",
    "slow",
    "cut",
    "throttle",
    "no_capacity",
    "register_timeout",
    "skew",
    "not_found_for",
    "limit_zero",
    "fail",
    "hold",
    "empty",
    "stuck",
    "wrong_shape",
    "late",
    "other_machines",
    "moved",
]
KINDS: tuple[str, ...] = get_args(FaultKind)

_RULES = "weather"
_COUNTS = "weathercounts"
_FILE_KEY = "file"
_INJECTED_KEY = "injected"
_ALWAYS = -1
_FAULT_NUMBERS = ("status", "seconds", "retry_after", "minutes")
_FAULT_FIELDS = (*_FAULT_NUMBERS, "code", "message", "when", "limit")
_NUMBERS = (*_FAULT_NUMBERS, "after", "times")
_TEXTS = ("operation", "do", "subject", "code", "message", "when", "limit")


class WeatherInvalid(Exception):
    """The weather file cannot be used; `problems` names every mistake."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Fault:
    """One stroke of bad weather; which fields count depends on `kind`.

    error: status, code, message.
    slow: seconds (real) before the work.
    cut: the connection closes without an answer, `when` "before" or "after" the work.
    throttle: 429 with retry_after (seconds).
    no_capacity: machines cannot be launched. register_timeout: machines never join.
    skew: the server's clock is off by minutes.
    not_found_for: what was made is not found for seconds (simulated).
    limit_zero: the service limit reads 0 (`limit` names one, empty means that of the operation).
    fail: what has a life of its own (a pod, a cluster, machines) ends badly; message says how.
    hold: a call that made something gets its answer only after seconds (real).
    empty: a list, or the options on offer, come back with nothing in them.
    stuck: machines cannot be launched, and their pool stays UPDATING for ever.
    wrong_shape: machines come with half of what was asked for.
    late: while the rule stands, machines join the cluster only after seconds (simulated).
    other_machines: an image is made for other machines than those of the rehearsal.
    moved: a tag points to another image than before.
    """

    kind: FaultKind
    status: int = 500
    code: str = "InternalError"
    message: str = "An internal server error occurred."
    seconds: float = 1.0
    retry_after: float = 1.0
    minutes: float = 0.0
    when: Literal["before", "after"] = "before"
    limit: str = ""


@dataclass(frozen=True)
class Rule:
    """When a fault strikes: matching calls number after+1 to after+times."""

    operation: str
    fault: Fault
    subject: str = "*"
    after: int = 0
    times: int = 1

    def matches(self, names: Iterable[str], subject: str) -> bool:
        """Whether one of the call's names and its subject fit."""
        if not fnmatchcase(subject, self.subject):
            return False
        return self.operation == "ANY" or any(fnmatchcase(name, self.operation) for name in names)

    def due(self, seen: int) -> bool:
        """Whether the call that is number `seen` (from 1) is struck."""
        return seen > self.after and (self.times == _ALWAYS or seen <= self.after + self.times)


class Weather:
    """The rules in force, and how many calls each has seen."""

    def __init__(self, rules: Iterable[Rule] = (), shelf: Shelf | None = None) -> None:
        """`rules`: those of a file; rules injected earlier are taken from the shelf."""
        self._shelf = shelf
        self._rules = {f"file {number}": rule for number, rule in enumerate(rules)}
        self._seen: dict[str, int] = {}
        self._held: list[str] = []
        if shelf is not None:
            self._add_injected(_kept(shelf, _INJECTED_KEY))
            self._seen = {key: int(doc["seen"]) for key, doc in shelf.all(_COUNTS)}

    @classmethod
    def load(cls, path: Path | None, shelf: Shelf | None = None) -> Weather:
        """Reads the file, if there is one; raises WeatherInvalid naming every mistake.

        Counts go on where an earlier start with the same file left them; a changed file starts
        anew.
        """
        if path is None:
            return cls((), shelf)
        raw = _read(path)
        rules = rules_of(raw)
        if shelf is not None and _kept(shelf, _FILE_KEY) != raw:
            for key, _ in shelf.all(_COUNTS):
                if key.startswith("file "):
                    shelf.delete(_COUNTS, key)
            shelf.put(_RULES, _FILE_KEY, {"rules": raw})
        return cls(rules, shelf)

    def inject(self, raw: object) -> None:
        """Adds rules, given as in the file, while the world runs; they stay until `clear`.

        Raises WeatherInvalid naming every mistake.
        """
        rules_of(raw)
        added = [raw] if isinstance(raw, Mapping) else list(cast("list[object]", raw))
        if self._shelf is not None:
            everything = [*(_kept(self._shelf, _INJECTED_KEY) or []), *added]
            self._shelf.put(_RULES, _INJECTED_KEY, {"rules": everything})
        self._add_injected(added)

    def _add_injected(self, raw: object) -> None:
        first = sum(1 for key in self._rules if key.startswith("injected "))
        for number, rule in enumerate(rules_of(raw), first):
            self._rules[f"injected {number}"] = rule

    def clear(self) -> None:
        """Fine weather from now on."""
        self._rules.clear()
        self._seen.clear()
        if self._shelf is None:
            return
        for kind in (_RULES, _COUNTS):
            for key, _ in self._shelf.all(kind):
                self._shelf.delete(kind, key)

    def strike(
        self, *operation: str, subject: str = "", kinds: tuple[FaultKind, ...] = ()
    ) -> Fault | None:
        """The fault that meets this call, or None.

        `operation`: the names under which rules may know the call, e.g. "CreateVcn" and
        "POST /20160918/vcns", or "PATCH pods". `subject`: what it is about, e.g.
        "health/postgres-0". `kinds`: what can strike here; rules of other kinds neither strike nor
        count. Empty means any.
        """
        struck: Fault | None = None
        for key, rule in self._rules.items():
            if kinds and rule.fault.kind not in kinds:
                continue
            if not rule.matches(operation, subject):
                continue
            seen = self._count(key)
            if struck is None and rule.due(seen):
                struck = rule.fault
        return struck

    def standing(self, kind: FaultKind, subject: str | None = None) -> tuple[Fault, ...]:
        """All faults of that kind in the rules, whatever has been counted: lasting conditions.

        With a subject, those of rules about it.
        """
        return tuple(
            rule.fault
            for rule in self._rules.values()
            if rule.fault.kind == kind and (subject is None or fnmatchcase(subject, rule.subject))
        )

    @property
    def held(self) -> tuple[str, ...]:
        """Calls whose work is done and whose answer is kept back at this moment."""
        return tuple(self._held)

    async def hold(self, *operation: str, subject: str = "", what: str) -> None:
        """Keeps back the answer of a call that made something, if a rule says so.

        `what` says in `held` what was made.
        """
        fault = self.strike(*operation, subject=subject, kinds=("hold",))
        if fault is None:
            return
        self._held.append(what)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            self._held.remove(what)

    def _count(self, key: str) -> int:
        self._seen[key] = self._seen.get(key, 0) + 1
        if self._shelf is not None:
            self._shelf.put(_COUNTS, key, {"seen": self._seen[key]})
        return self._seen[key]


def rules_of(raw: object) -> tuple[Rule, ...]:
    """The rules in a parsed weather file; raises WeatherInvalid naming every mistake."""
    if raw is None:
        return ()
    items = [raw] if isinstance(raw, Mapping) else raw
    if not isinstance(items, list):
        raise WeatherInvalid(("The weather must be a list of rules.",))
    problems = [text for n, item in enumerate(items, 1) for text in _problems(n, item)]
    if problems:
        raise WeatherInvalid(tuple(problems))
    return tuple(_rule(item) for item in items)


def _problems(number: int, item: object) -> list[str]:
    where = f"Weather rule {number}"
    if not isinstance(item, Mapping):
        return [f"{where} must be a mapping with at least operation and do."]
    known = (*_NUMBERS, *_TEXTS)
    found = [f"{where}: {key} is unknown." for key in item if key not in known]
    found += [f"{where}: {key} is missing." for key in ("operation", "do") if key not in item]
    if "do" in item and item["do"] not in KINDS:
        found.append(f"{where}: do must be one of {', '.join(KINDS)}.")
    if item.get("when", "before") not in ("before", "after"):
        found.append(f"{where}: when must be before or after.")
    return found + [
        f"{where}: {key} must be a number."
        for key in _NUMBERS
        if key in item and not _is_number(key, item[key])
    ]


def _is_number(key: str, value: object) -> bool:
    if key == "times" and value == "always":
        return True
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rule(item: Mapping[str, Any]) -> Rule:
    times = item.get("times", 1)
    given: dict[str, Any] = {key: item[key] for key in _FAULT_FIELDS if key in item}
    return Rule(
        operation=str(item["operation"]),
        fault=Fault(kind=item["do"], **given),
        subject=str(item.get("subject", "*")),
        after=int(item.get("after", 0)),
        times=_ALWAYS if times == "always" else int(times),
    )


def _read(path: Path) -> object:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeatherInvalid((f"{path} cannot be read: {error.strerror}.",)) from error
    except yaml.YAMLError as error:
        raise WeatherInvalid((f"{path} is not YAML: {error}",)) from error


def _kept(shelf: Shelf, key: str) -> Any:
    doc = shelf.get(_RULES, key)
    return None if doc is None else doc["rules"]
