"""One conversation, told three ways, gives the same plan, byte for byte."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from textual import events
from textual.widgets import Input

from installer.answers.titles import SECTION_TITLES
from installer.cli import parser
from installer.commands.desk import InstallDesk
from installer.commands.sources import case
from installer.conversation import Conclusion, Draft, Finding
from installer.engine.events import Ending, Report
from installer.engine.step import StopFlag
from installer.prompts.asking import ADVANCED
from installer.prompts.walk import GO_ON, INSTALL, QUESTIONS_FIRST, converse
from screens.lists import ChoiceList
from screens.modules import ModulesPage
from screens.outcome import OutcomePage
from screens.page import Page
from screens.question import QuestionPage
from screens.review import ReviewPage
from screens.welcome import WelcomePage
from tests.screens.reading import AppPilot, enter, greeted, next_page, page, running, until

FOLDER = Path(__file__).parent / "conversations"
SCRIPTS = sorted(FOLDER.glob("*.yaml"), key=lambda path: path.stem)


@dataclass(frozen=True)
class Script:
    """What a person says: to each question some attempts, the last of which is right."""

    profile: str
    advanced: bool
    attempts: Mapping[str, Sequence[str]]

    @classmethod
    def read(cls, path: Path) -> Script:
        """Read a script from its file."""
        found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        attempts = {
            key: said if isinstance(said, list) else [said]
            for key, said in found["answers"].items()
        }
        return cls(found.get("profile", "free"), found.get("advanced", False), attempts)


class TalkingDesk(InstallDesk):
    """The real desk, except that it does not go out into the world."""

    draft: Draft | None = None

    def inspect(self, draft: Draft, stop: StopFlag) -> tuple[Finding, ...]:
        """Nothing is looked at."""
        return ()

    def install(self, draft: Draft, report: Report, stop: StopFlag) -> Conclusion:
        """Keep the draft."""
        self.draft = draft
        return Conclusion(Ending.DONE, 0, "Done.")


# Nobody publishes these two, so that nothing is installed before they are named.
IMAGES = "health-api=registry.example.org/api:1, etl-engine=registry.example.org/etl:1"


def desk(*words: str, answers_file: Path | None = None) -> TalkingDesk:
    """A desk behind this command line."""
    asked = parser().parse_args([*words, "--set", f"images.overrides={IMAGES}"])
    return TalkingDesk(case(asked, str(answers_file) if answers_file else None))


# -- on the screen ----------------------------------------------------------------------------


async def say(pilot: AppPilot, found: QuestionPage, text: str) -> None:
    """Choose, or paste over what is there; then Enter."""
    if found.choices:
        for key in ("home", *["down"] * found.choices.index(text)):
            pilot.app.simulate_key(key)
        choices = found.query_one("#answer", ChoiceList)
        await until(pilot, lambda: choices.highlighted == found.choices.index(text))
    else:
        field = found.query_one("#answer", Input)
        await pilot.press("end", "ctrl+u")
        pilot.app.post_message(events.Paste(text))
        await until(pilot, lambda: field.value == text)
    await enter(pilot)


async def on_screen(script: Script) -> str:
    """Play the script with keys; the document of the plan that was agreed to."""
    asked: set[str] = set()
    at = desk("--profile", script.profile)
    async with running(at) as pilot:
        await greeted(pilot)
        found = await next_page(pilot, lambda: pilot.press("enter"))
        if script.advanced:
            found = await next_page(pilot, lambda: pilot.press("f2"))
        while not isinstance(found, OutcomePage):
            if isinstance(found, QuestionPage):
                asked.add(found.ask.question.path)
            found = await one_page(pilot, found, script)
    assert asked >= set(script.attempts), "the script answers what is not asked"
    assert at.draft is not None
    return at.plan_document(at.draft)


async def one_page(pilot: AppPilot, found: Page, script: Script) -> Page:
    """Do what the script says on this page; the page after it."""
    if isinstance(found, QuestionPage):
        question = found
        attempts = script.attempts.get(question.ask.question.path, [])
        for refused in attempts[:-1]:
            await say(pilot, question, refused)
            await until(pilot, lambda: question.query_one("#refusal").has_class("-failed"))
        if attempts:
            return await next_page(pilot, lambda: say(pilot, question, attempts[-1]))
    if isinstance(found, ReviewPage):
        await pilot.press("home", "enter")
        return await page(pilot, OutcomePage)
    if isinstance(found, ModulesPage | QuestionPage):
        return await next_page(pilot, lambda: enter(pilot))
    # What is only looked at passes by itself.
    assert not isinstance(found, WelcomePage)
    await next_page(pilot, lambda: asyncio.sleep(0))
    assert isinstance(pilot.app.screen, Page)
    return pilot.app.screen


# -- in lines ---------------------------------------------------------------------------------


class ScriptedAsker:
    """Answers by the title of the question, as the script says."""

    def __init__(self, script: Script, at: InstallDesk) -> None:
        self._script = script
        self._advanced_asked = not script.advanced
        self._paths = {
            (SECTION_TITLES[each.section], each.title): each.path for each in at.questions()
        }
        self._section = ""
        self._tries: dict[str, int] = {}

    def say(self, text: str = "") -> None:
        """Remember under which heading the next question stands."""
        heading = text.rpartition(" ")[0]
        if heading in SECTION_TITLES.values():
            self._section = heading

    def text(self, title: str, default: str, *, secret: bool = False) -> str:
        """Say what the script says, or take the suggestion."""
        return self._said(title, default)

    def choose(self, title: str, choices: Sequence[str], default: str) -> str:
        """The same; the first page, the modules and the review are gone through."""
        for wanted in (QUESTIONS_FIRST, GO_ON, INSTALL):
            if wanted in choices:
                return wanted
        if title == "Profile to begin with":
            return self._script.profile
        return self._said(title, default)

    def _said(self, title: str, default: str) -> str:
        if not self._advanced_asked:
            self._advanced_asked = True
            return ADVANCED
        path = self._paths[self._section, title]
        attempts = self._script.attempts.get(path, [default])
        number = self._tries.get(path, 0)
        self._tries[path] = number + 1
        return attempts[number]

    @property
    def asked(self) -> set[str]:
        """Paths of all questions put so far."""
        return set(self._tries)


def in_lines(script: Script) -> str:
    """Play the script at the prompts; the document of the plan that was agreed to."""
    at = desk("--profile", script.profile)
    asker = ScriptedAsker(script, at)
    assert converse(at, asker) == 0
    assert asker.asked >= set(script.attempts), "the script answers what is not asked"
    assert at.draft is not None
    return at.plan_document(at.draft)


# -- from a file ------------------------------------------------------------------------------


def from_file(script: Script, folder: Path) -> str:
    """Write what the script ends up saying into an answers file; the document of its plan."""
    top: dict[str, Any] = {"version": 1}
    for path, attempts in script.attempts.items():
        *above, last = path.split(".")
        block = top
        for key in above:
            block = block.setdefault(key, {})
        block[last] = attempts[-1]
    written = folder / "answers.yaml"
    written.write_text(yaml.safe_dump(top), encoding="utf-8")
    at = desk("--profile", script.profile, answers_file=written)
    return at.plan_document(Draft(script.profile))


# Some forty pages, one key press after the other.
LONG = {"rarer_questions"}


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=pytest.mark.slow if path.stem in LONG else (), id=path.stem)
        for path in SCRIPTS
    ],
)
async def test_screen_lines_and_file_give_the_same_plan(path: Path, tmp_path: Path) -> None:
    script = Script.read(path)
    document = from_file(script, tmp_path)
    assert in_lines(script) == document
    assert await on_screen(script) == document


def test_other_answers_give_another_plan(tmp_path: Path) -> None:
    documents = {from_file(Script.read(path), tmp_path) for path in SCRIPTS}
    assert len(documents) == len(SCRIPTS)
