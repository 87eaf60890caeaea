"""What is committed or written for people is of one mind with the program."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from installer.answers.schema import schema_text
from installer.cli import main, parser
from installer.commands.sources import model

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
# What the shell takes for itself, and remarks.
SHELL = re.compile(r"\s*(?:[|>]|&&|;|\s#).*$")


def test_the_committed_schema_is_that_of_the_program() -> None:
    committed = (ROOT / "assets" / "answers.schema.json").read_text(encoding="utf-8")
    assert committed.strip() == schema_text(model()).strip(), "run: make schema"


def test_the_example_is_taken_as_it_is_by_a_plan_of_a_rehearsal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["answers", "example"]) == 0
    example = tmp_path / "answers.yaml"
    example.write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(["answers", "check", str(example)]) == 0
    assert main(["plan", "--rehearse", "--output", "json", str(example)]) == 0
    from_file = capsys.readouterr().out
    assert main(["plan", "--rehearse", "--output", "json"]) == 0
    assert capsys.readouterr().out in from_file, "the example is the defaults"


def commands_in(text: str) -> list[str]:
    """Every `health-install ...` in code, as a person would type it; code spans may be wrapped."""
    blocks = re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    spans = [" ".join(span.split()) for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", text)]
    found = [line for line in [*lines, *spans] if line.startswith("health-install ")]
    return [SHELL.sub("", line) for line in found]


def test_every_command_in_the_readme_is_understood(capsys: pytest.CaptureFixture[str]) -> None:
    assert README.exists()
    for line in commands_in(README.read_text(encoding="utf-8")):
        words = [word for word in shlex.split(line)[1:] if word not in ("…", "...")]
        words = [re.sub(r"^\[(.*)\]$", r"\1", word) for word in words]
        assert parses(words), f"{line}\n{capsys.readouterr().err}"


def parses(words: list[str]) -> bool:
    """Whether the command line understands; asking for help is understood too."""
    try:
        parser().parse_args(words)
    except SystemExit as ended:
        return ended.code == 0
    return True


def test_commands_are_found_in_blocks_and_in_spans() -> None:
    text = "Try `health-install\nplan x.yaml`:\n```sh\n$ health-install --version > v # now\n```\n"
    assert commands_in(text) == ["health-install --version", "health-install plan x.yaml"]
