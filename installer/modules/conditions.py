"""The small language of `when:` in a module.yaml.

exporters                 a switch among the module's own options is on
not exporters             ... is off
tls=acme                  a choice or text has this value
replicas>1                a whole number is larger; < likewise
@observability            that module is part of the installation
tls=acme and replicas>1   all of them
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

OptionValue = bool | int | str
_TERM = re.compile(
    r"^(?P<negated>not\s+)?(?P<name>@[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9_]*)?|[a-z][a-z0-9_]*)"
    r"(?:(?P<sign>[=<>])(?P<value>[A-Za-z0-9._-]*))?$"
)
_SIGNS: Mapping[str, Callable[[OptionValue, str], bool]] = {
    "=": lambda found, wanted: str(found).lower() == wanted.lower(),
    "<": lambda found, wanted: int(found) < int(wanted),
    ">": lambda found, wanted: int(found) > int(wanted),
}


@dataclass(frozen=True)
class Term:
    """One comparison: an option by name, or a module as `@name`."""

    name: str
    negated: bool = False
    sign: str = ""
    value: str = ""

    def holds(self, chosen: Mapping[str, OptionValue]) -> bool:
        """Whether it is true for these values; raises KeyError for a name without one.

        Nothing that a module which is not there has is on.
        """
        module, _, option = self.name.partition(".")
        if option and not chosen[module]:
            return self.negated
        found = chosen[self.name]
        held = _SIGNS[self.sign](found, self.value) if self.sign else bool(found)
        return held != self.negated


@lru_cache(maxsize=1024)
def terms(when: str) -> tuple[Term, ...]:
    """The terms of a condition, none for the empty one; raises ValueError with a sentence."""
    return tuple(_term(part.strip()) for part in when.split(" and ")) if when else ()


def _term(text: str) -> Term:
    match = _TERM.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a condition; write a name, name=value or name>number")
    sign, value = match["sign"] or "", match["value"] or ""
    if sign in ("<", ">") and not value.isdigit():
        raise ValueError(f"{text!r} compares with {value!r}, which is not a whole number")
    return Term(match["name"], bool(match["negated"]), sign, value)


def holds(when: str, chosen: Mapping[str, OptionValue]) -> bool:
    """Whether a condition is true; the empty one always is.

    `chosen` has the module's options by name, every module it may ask about as `@name` and that
    one's options as `@name.option`.
    """
    return not when or all(term.holds(chosen) for term in terms(when))


class Conditional(Protocol):
    """An entry of a module.yaml that may depend on answers."""

    @property
    def when(self) -> str: ...


def mistakes(
    when: str, kinds: Mapping[str, str], modules: Collection[str] | None = None
) -> Iterator[str]:
    """What is wrong with a condition, given the kinds of the options it may use.

    Without `modules` the names behind @ are not checked.
    """
    try:
        found = terms(when)
    except ValueError as error:
        yield f"when: {error}"
        return
    for term in found:
        if term.name.startswith("@"):
            module = term.name[1:].partition(".")[0]
            if modules is not None and module not in modules:
                yield f"when: {module} is neither under needs nor under looks_at"
        elif term.name not in kinds:
            yield f"when: {term.name} is not among the options"
        elif not term.sign and kinds[term.name] != "switch":
            yield f"when: {term.name} is not a switch; compare it with a value"
        elif term.sign in ("<", ">") and kinds[term.name] != "integer":
            yield f"when: {term.name} is not a whole number"
