"""A secret put where a reference belongs is refused, and seen nowhere."""

from __future__ import annotations

import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from installer.answers import (
    Answers,
    AnswersError,
    BadAnswer,
    SecretRef,
    SecretUnavailable,
    gather,
    questions,
    read_environment,
    read_file,
    read_flags,
    variable_name,
)

from .made_up import model

CANARY = "Canary-7f3a:91/secret"
SECRETS = [question.path for question in questions(model()) if question.secret]


def everything_said_by(act: Callable[[], object]) -> str:
    """All a person or a log could see of the failure, chained errors included."""
    with pytest.raises(AnswersError) as caught:
        act()
    error = caught.value
    shown = traceback.TracebackException.from_exception(error, capture_locals=False)
    return "\n".join([str(error), repr(error), error.what, error.why, error.then,
                      repr(error.args), *shown.format(chain=True)])  # fmt: skip


@pytest.mark.parametrize("path", SECRETS)
def test_a_literal_secret_is_refused_by_every_source_and_repeated_by_none(
    path: str, tmp_path: Path
) -> None:
    file = tmp_path / "answers.yaml"
    section, _, key = path.partition(".")
    file.write_text(f"version: 1\n{section}:\n  {key}: {CANARY}\n")
    for layer in (
        read_file(file, model()),
        read_flags([f"{path}={CANARY}"], model()),
        read_environment(model(), {variable_name(path): CANARY}),
    ):
        said = everything_said_by(lambda layer=layer: gather(model(), [layer]))  # type: ignore[misc]
        assert "never written into the answers" in said
        assert CANARY not in said
        assert CANARY not in repr(layer)


@pytest.mark.parametrize("path", SECRETS)
@pytest.mark.parametrize(
    "raw", [CANARY, f" {CANARY}\n", f"env:{CANARY}", f"generate:{CANARY}", f"keyring:{CANARY[:6]}"]
)
def test_a_prompt_refuses_without_repeating(path: str, raw: str) -> None:
    question = next(question for question in questions(model()) if question.path == path)
    with pytest.raises(BadAnswer) as caught:
        question.parse(raw)
    assert "anary" not in caught.value.sentence


@pytest.mark.parametrize(
    "text",
    [
        f"version: 1\nimages:\n  pull_password: {CANARY}: {CANARY}\n",
        f"version: 1\nimages:\n  pull_password: '{CANARY}\n",
        f"version: 1\nimages:\n  pull_password: *{CANARY}\n",
        f"version: 1\nimages:\n  pull_password: !{CANARY} x\n",
        f"version: 1\nimages:\n  pull_password: [{CANARY}]\n",
        f"version: 1\nimages:\n  pull_password:\n    {CANARY}: x\n",
        f"version: {CANARY}\n",
    ],
)
def test_a_broken_file_is_told_without_its_text(text: str, tmp_path: Path) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text(text)
    assert CANARY not in everything_said_by(lambda: gather(model(), [read_file(file, model())]))


def test_a_flag_without_its_path_is_not_repeated() -> None:
    said = everything_said_by(lambda: gather(model(), [read_flags([CANARY], model())]))
    assert CANARY not in said
    assert "Number 1 is not of the form path=value" in said


def test_a_private_key_in_place_of_a_public_one_is_not_repeated() -> None:
    question = next(q for q in questions(Answers) if q.path == "cluster.ssh_public_key")
    with pytest.raises(BadAnswer) as caught:
        question.parse(f"-----BEGIN OPENSSH PRIVATE KEY----- {CANARY}")
    assert "private key" in caught.value.sentence
    assert CANARY not in caught.value.sentence


def test_a_reference_is_followed_only_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{CANARY}\n")
    monkeypatch.setenv("CANARY", CANARY)
    by_file, by_variable = SecretRef.read(f"file:{file}"), SecretRef.read("env:CANARY")
    assert CANARY not in f"{by_file!r}{by_variable!r}{by_file}{by_variable}"
    assert by_file.resolve() == by_variable.resolve() == CANARY
    assert SecretRef.read("generate").resolve() is None


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("env:NOT_THERE", "no variable NOT_THERE"),
        ("env:EMPTY", "empty"),
        ("file:/not/there", "No such file"),
        ("file:/", "directory"),
    ],
)
def test_a_reference_that_leads_nowhere_says_why_and_what_next(
    reference: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMPTY", "")
    with pytest.raises(SecretUnavailable) as caught:
        SecretRef.read(reference).resolve()
    assert why in caught.value.why
    assert reference in caught.value.what
    assert caught.value.then


def test_a_file_that_is_no_text_is_told_without_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(CANARY.encode() + b"\xff")
    said = everything_said_by(SecretRef.read(f"file:{file}").resolve)
    assert "not text" in said
    assert CANARY not in said


def test_the_keyring_is_asked_for_service_and_user(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = types.ModuleType("keyring")
    ring.errors = types.SimpleNamespace(KeyringError=RuntimeError)  # type: ignore[attr-defined]
    kept = {("clinic", "ana/admin"): CANARY}
    ring.get_password = lambda *key: kept.get(key)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", ring)
    assert SecretRef.read("keyring:clinic/ana/admin").resolve() == CANARY
    with pytest.raises(SecretUnavailable, match="cannot be read"):
        SecretRef.read("keyring:clinic/nobody").resolve()


def test_without_the_keyring_package_another_way_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SecretUnavailable) as caught:
        SecretRef.read("keyring:clinic/ana").resolve()
    assert "env:NAME or file:PATH" in caught.value.then


@pytest.mark.parametrize("path", ["oracle.key_passphrase", "images.pull_password"])
def test_what_exists_already_cannot_be_generated(path: str) -> None:
    question = next(question for question in questions(Answers) if question.path == path)
    with pytest.raises(BadAnswer, match="cannot be generated"):
        question.parse("generate")
    assert question.parse("") is None
