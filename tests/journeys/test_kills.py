"""The plug is pulled, again and again; in the end everything is there, once, as if nothing had
happened.
"""

from __future__ import annotations

import time
import urllib.error
from pathlib import Path

import pytest
import yaml

from tests.journeys.conftest import Undisturbed
from tests.journeys.person import Person, Running

pytestmark = pytest.mark.slow

# Everything that makes something, in Oracle or in the cluster, works but does not answer.
# What tries the network is thrown away after use and made anew by the next run, so it passes.
NO_ANSWERS = [
    {"operation": made, "subject": subject, "do": "hold", "seconds": seconds, "times": "always"}
    for subject, seconds in (("health-probe-*", 0), ("*", 600))
    for made in ("POST *", "APPLY *")
]
SETTLED = 0.4
# Oracle's way of reading by POST: these make nothing that stays.
ONLY_READS = {"CreateKubeconfig", "CreateComputeCapacityReport"}


def check_it_is_whole(
    person: Person, undisturbed: Undisturbed, secrets: dict[str, str], ids: set[str]
) -> None:
    """Everything as in the undisturbed installation; what was made is still the very same."""
    with person.world() as world:
        assert world.twins() == []
        assert world.likeness() == undisturbed.likeness
        assert ids <= world.ids()
        assert secrets.items() <= world.secret_hashes().items()


def check_it_can_be_removed(person: Person) -> None:
    """Nothing is left in the tenancy."""
    removed = person.destroy()
    assert (removed.code, removed.finished["ending"]) == (0, "done"), removed.err
    with person.world() as world:
        assert world.inventory() == []


def test_killed_after_every_step_it_ends_like_an_undisturbed_run(
    tmp_path: Path, undisturbed: Undisturbed
) -> None:
    person = Person(tmp_path)
    secrets: dict[str, str] = {}
    ids: set[str] = set()
    for step in undisturbed.steps:
        running = person.installing()
        assert running.until_finished(step), running.end().err
        running.freeze()
        world = person.world_now()
        now = world.secret_hashes()
        assert secrets.items() <= now.items(), f"a Secret changed before {step}"
        assert ids <= world.ids(), f"something was made anew before {step}"
        secrets, ids = now, world.ids()
        running.kill()
    last = person.install()
    assert (last.code, last.finished["ending"]) == (0, "nothing to do"), last.err
    assert secrets
    assert ids
    check_it_is_whole(person, undisturbed, secrets, ids)
    check_it_can_be_removed(person)


def what_is_held(person: Person, running: Running) -> list[str]:
    """What was made without an answer, once no more comes; empty when the command has ended."""
    before: list[str] = []
    since = time.monotonic()
    while running.process.poll() is None:
        try:
            held = person.world_now().held()
        except (urllib.error.URLError, OSError):
            held = []  # The world is not up yet, or is closing.
        if held != before:
            before, since = held, time.monotonic()
        if held and time.monotonic() - since > SETTLED:
            return held
        time.sleep(0.05)
    return []


def test_killed_in_every_call_that_makes_something_nothing_is_made_twice(
    tmp_path: Path, undisturbed: Undisturbed
) -> None:
    person = Person(tmp_path / "person")
    weather = tmp_path / "weather.yaml"
    weather.write_text(yaml.safe_dump(NO_ANSWERS), encoding="utf-8")
    cut: set[str] = set()
    secrets: dict[str, str] = {}
    ids: set[str] = set()
    for _ in range(len(undisturbed.made) + undisturbed.operations.total()):
        running = person.installing("--weather", str(weather))
        held = what_is_held(person, running)
        if not held:
            break
        running.freeze()
        assert cut.isdisjoint(held), "made a second time"
        cut.update(held)
        world = person.world_now()
        assert ids <= world.ids()
        now = world.secret_hashes()
        assert secrets.items() <= now.items()
        secrets, ids = now, world.ids()
        running.kill()
        person.world_is_gone()
    last = running.end()
    assert last.code == 0, f"{last.out}\n{last.err}"
    check_every_call_was_cut(cut, undisturbed)
    check_it_is_whole(person, undisturbed, secrets, ids)
    check_it_can_be_removed(person)


def check_every_call_was_cut(cut: set[str], undisturbed: Undisturbed) -> None:
    """By what an undisturbed run asks for, so that a new step is covered the day it comes."""
    creating = {name for name in undisturbed.operations if name.startswith("Create")}
    creating -= ONLY_READS
    called = {call.split()[0] for call in cut}
    assert creating <= called
    assert {call.split(" ", 1)[1] for call in cut if call[:6] in ("APPLY ", "CREATE")} == set(
        undisturbed.made
    )
