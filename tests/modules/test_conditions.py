"""The language of `when:`."""

from __future__ import annotations

import pytest

from installer.modules.conditions import OptionValue, holds, mistakes

CHOSEN: dict[str, OptionValue] = {
    "on": True,
    "off": False,
    "tls": "acme",
    "replicas": 2,
    "@there": True,
    "@there.switch": True,
    "@there.kind": "disk",
    "@absent": False,
    "@absent.switch": True,
}
KINDS = {"on": "switch", "tls": "choice", "replicas": "integer"}


@pytest.mark.parametrize(
    ("when", "true"),
    [
        ("", True),
        ("on", True),
        ("not on", False),
        ("off", False),
        ("not off", True),
        ("tls=acme", True),
        ("tls=own", False),
        ("not tls=own", True),
        ("replicas>1", True),
        ("replicas>2", False),
        ("replicas<3", True),
        ("@there", True),
        ("@absent", False),
        ("not @absent", True),
        ("@there.switch", True),
        ("@there.kind=disk", True),
        ("@there.kind=memory", False),
        ("on and tls=acme and replicas>1", True),
        ("on and tls=own", False),
    ],
)
def test_a_condition_holds_for_what_was_chosen(when: str, true: bool) -> None:
    assert holds(when, CHOSEN) is true


def test_nothing_is_on_in_a_module_that_is_not_there() -> None:
    assert not holds("@absent.switch", CHOSEN)
    assert holds("not @absent.switch", CHOSEN)


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("nobody", "not among the options"),
        ("tls", "not a switch"),
        ("tls>1", "not a whole number"),
        ("replicas>many", "is not a whole number"),
        ("on or off", "is not a condition"),
        ("@stranger", "neither under needs nor under looks_at"),
        ("@stranger.switch", "neither under needs nor under looks_at"),
    ],
)
def test_what_is_wrong_with_a_condition_is_said(when: str, words: str) -> None:
    (found,) = mistakes(when, KINDS, {"there"})
    assert words in found


def test_a_good_condition_has_no_mistakes() -> None:
    assert list(mistakes("on and not tls=own and @there.kind=disk", KINDS, {"there"})) == []
