"""The file that repeats a run."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from installer.answers import (
    Answers,
    AnswersError,
    Layer,
    Source,
    answers_text,
    example_text,
    gather,
    questions,
    read_file,
    read_flags,
    write_answers,
)

from .made_up import model

FLAGS = (
    "access.domain=health.example.org",
    "modules.store.label=no",
    "cluster.kubernetes_version=1.36",
    "oracle.key_passphrase=env:PASSPHRASE",
    "secrets.store.main.app=file:~/app",
    "images.overrides=a=b:1",
    "money.accept_monthly_usd=3.5",
)


def test_a_written_file_repeats_the_run(tmp_path: Path) -> None:
    first = gather(model(), [read_flags(FLAGS, model())])
    path = write_answers(first, tmp_path / "answers.yaml")
    second = gather(model(), [read_file(path, model())])
    assert second.answers == first.answers
    assert second.sources["access.domain"].source is Source.FILE


def test_writing_what_was_read_changes_no_byte(tmp_path: Path) -> None:
    path = write_answers(gather(model(), [read_flags(FLAGS, model())]), tmp_path / "a.yaml")
    again = gather(model(), [read_file(path, model())])
    assert answers_text(again) == path.read_text(encoding="utf-8")


def test_a_written_file_holds_every_answer_and_explains_it(tmp_path: Path) -> None:
    text = answers_text(gather(model(), ()))
    layer = read_file(_put(tmp_path, text), model())
    assert set(layer.values) == {question.path for question in questions(model())}
    for question in questions(model()):
        assert f"# {question.title}." in text
    assert max(map(len, text.splitlines())) <= 96


@pytest.mark.parametrize("made_from", [Answers, model()], ids=["no modules", "made up"])
def test_the_example_is_taken_as_it_is(tmp_path: Path, made_from: type[Answers]) -> None:
    path = _put(tmp_path, example_text(made_from))
    assert gather(made_from, [read_file(path, made_from)]).answers == made_from()


def test_only_the_owner_may_read_a_written_file(tmp_path: Path) -> None:
    path = _put(tmp_path, "old")
    path.chmod(0o644)
    write_answers(gather(model(), ()), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _put(tmp_path, "old")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(AnswersError) as caught:
        write_answers(gather(model(), ()), path)
    assert "No space left" in caught.value.why
    assert caught.value.then
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real = _put(tmp_path, "old")
    link = tmp_path / "link.yaml"
    link.symlink_to(real)
    write_answers(gather(model(), ()), link)
    assert link.is_symlink()
    assert real.read_text().startswith("# Answers for health-install")


def test_what_a_rehearsal_laid_over_the_answers_is_not_written(tmp_path: Path) -> None:
    rehearsed = Layer(Source.REHEARSAL, {"oracle.config_file": "/somewhere/config"})
    gathered = gather(model(), [rehearsed, read_flags(["oracle.profile=MINE"], model())])
    assert gathered.answers.oracle.config_file == "/somewhere/config"
    path = write_answers(gathered, tmp_path / "answers.yaml")
    repeated = gather(model(), [read_file(path, model())]).answers
    assert repeated.oracle.config_file == "~/.oci/config"
    assert repeated.oracle.profile == "MINE"


def _put(folder: Path, text: str) -> Path:
    path = folder / "answers.yaml"
    path.write_text(text, encoding="utf-8")
    return path
