"""What `plan --live` says of the world: a line for each thing that would change."""

from __future__ import annotations

from installer.commands.plan import _differences
from installer.engine.errors import ExitCode
from installer.engine.events import Ending
from installer.engine.run import Result
from installer.engine.step import Condition, Seen


def seen(**steps: Seen) -> Result:
    return Result(Ending.DONE, ExitCode.OK, 0, None, steps)


def test_each_change_of_a_step_has_a_line_of_its_own() -> None:
    rules = Seen(Condition.DIFFERENT, "two rules", ("open inbound: TCP 22", "close inbound: all"))
    assert _differences(seen(rules=rules, vcn=Seen(Condition.AS_WANTED, "there"))) == [
        "rules: different (open inbound: TCP 22)",
        "rules: different (close inbound: all)",
    ]


def test_what_is_absent_says_so_with_or_without_words() -> None:
    found = seen(a=Seen(Condition.ABSENT), b=Seen(Condition.ABSENT, "no cluster yet"))
    assert _differences(found) == ["a: absent", "b: absent (no cluster yet)"]
    assert _differences(seen()) == ["Nothing would change."]
