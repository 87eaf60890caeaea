"""Whole files: the good ones are taken, the bad ones get every mistake told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from installer.answers import AnswersError, AnswersInvalid, Source, gather, read_file

from .made_up import model

FOLDER = Path(__file__).parent
VALID = sorted((FOLDER / "valid").glob("*.yaml"))
INVALID = sorted((FOLDER / "invalid").glob("*.yaml"))


def problems_of(path: Path) -> list[str]:
    with pytest.raises(AnswersInvalid) as caught:
        gather(model(), [read_file(path, model())])
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_file_is_taken(path: Path) -> None:
    gathered = gather(model(), [read_file(path, model())])
    assert gathered.answers.version == 1


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_file_gets_exactly_the_problems_written_beside_it(path: Path) -> None:
    expected = path.with_suffix(".problems").read_text(encoding="utf-8").splitlines()
    assert problems_of(path) == expected


def test_ten_mistakes_are_told_as_ten() -> None:
    assert len(problems_of(FOLDER / "invalid" / "ten_mistakes.yaml")) == 10


def test_a_file_says_where_each_value_came_from() -> None:
    file = FOLDER / "valid" / "oracle.yaml"
    lines = [line.strip().partition(" ")[0] for line in file.read_text().splitlines()]

    def line_of(key: str) -> int:
        return lines.index(key) + 1

    gathered = gather(model(), [read_file(file, model())])
    domain = gathered.sources["access.domain"]
    assert (domain.source, domain.origin, domain.line) == (
        Source.FILE,
        "oracle.yaml",
        line_of("domain:"),
    )
    assert gathered.sources["cluster.nodes"].source is Source.DEFAULT
    assert gathered.sources["images.overrides.postgresql"].line == line_of("postgresql:")
    assert str(domain) == f"file oracle.yaml:{line_of('domain:')}"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "answers.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("line", "path", "value"),
    [
        ("name: no", "name", "no"),
        ("name: on", "name", "on"),
        ("cluster: {kubernetes_version: 1.30}", "cluster.kubernetes_version", "1.30"),
        ("cluster: {context: 010}", "cluster.context", "010"),
        ("cluster: {context: 1e3}", "cluster.context", "1e3"),
        ("cluster: {context: 2026-11-23}", "cluster.context", "2026-11-23"),
        ("cluster: {context: ~}", "cluster.context", ""),
        ("cluster: {nodes: '3'}", "cluster.nodes", 3),
        ("modules: {store: {enabled: no}}", "modules.store.enabled", False),
        ("modules: {store: {enabled: 'yes'}}", "modules.store.enabled", True),
        ("modules: {store: {copies: 02}}", "modules.store.copies", 2),
        ("access: {domain: Health.Example.ORG}", "access.domain", "health.example.org"),
        ("access.domain: health.example.org", "access.domain", "health.example.org"),
        ("images: {overrides: 'a=b:1 c=d:2'}", "images.overrides", {"a": "b:1", "c": "d:2"}),
    ],
)
def test_yaml_never_changes_what_a_person_wrote(
    tmp_path: Path, line: str, path: str, value: object
) -> None:
    file = written(tmp_path, f"version: 1\n{line}\n")
    assert gather(model(), [read_file(file, model())]).values[path] == value


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 'open", "1: Column 9: A quotation mark or bracket that is opened here or above"),
        ("a: [1, 2", "1: Column 9: A bracket opened here or above is never closed."),
        ("{", "1: Column 2: A bracket opened here or above is never closed."),
        ("a: b\n c: d", "2: Column 3: A second colon stands on this line, or the line is"),
        ("access:\n  domain: x\n email: y", "3: Column 2: This line is indented differently"),
        ("a: @x", "1: Column 4: A value begins here with a sign YAML keeps for itself"),
        ('a: "C:\\q"', "1: Column 8: A backslash stands in double quotes"),
        ("a: 1\n---\nb: 2", "2: Column 1: Only one document is read"),
        ("a: &x 1\nb: *x", "1: Column 4: Anchors and aliases"),
        ("<<: *x", "1: Column 5: Anchors and aliases"),
        ("a: !!python/object:os.system x", "1: Column 4: A value cannot begin with !"),
        ("- version: 1", "1: Column 1: Answers are lines of the form key: value"),
        ("just words", "1: Column 1: Answers are lines of the form key: value"),
        ("? [a]\n: b", "1: Column 3: A key must be a single word."),
        ("a: \x07", "The file holds signs that are not plain text"),
        ("a: " + "[" * 100_000, "1: Column 23: The blocks are nested too deeply"),
        ("{a: " * 50 + "}" * 50, "nested too deeply"),
    ],
)
def test_what_is_not_yaml_is_told_with_line_and_column(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(AnswersInvalid) as caught:
        read_file(written(tmp_path, text), model())
    assert sentence in str(caught.value)


def test_a_self_containing_file_does_not_hang_or_crash(tmp_path: Path) -> None:
    with pytest.raises(AnswersInvalid, match="Anchors and aliases"):
        read_file(written(tmp_path, "a: &a [*a, *a]"), model())


def test_a_file_that_is_not_there_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AnswersError) as caught:
        read_file(tmp_path / "nothing.yaml", model())
    assert "nothing.yaml cannot be read" in caught.value.what
    assert "No such file" in caught.value.why
    assert "answers example" in caught.value.then


def test_a_folder_a_binary_and_a_huge_file_are_each_told_plainly(tmp_path: Path) -> None:
    with pytest.raises(AnswersError, match="cannot be read"):
        read_file(tmp_path, model())
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"version: 1\nname: \xff\xfe\n")
    with pytest.raises(AnswersInvalid, match=r"binary\.yaml:2: The file is not text in UTF-8"):
        read_file(binary, model())
    huge = tmp_path / "huge.yaml"
    huge.write_bytes(b"#" * 600_000)
    with pytest.raises(AnswersError, match="too large"):
        read_file(huge, model())


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "answers.yaml"
    path.write_bytes(b"\xef\xbb\xbfversion: 1\r\naccess:\r\n  domain: a.example.org\r\n")
    layer = read_file(path, model())
    assert layer.values == {"access.domain": "a.example.org"}
    assert layer.lines == {"access.domain": 3}


def test_a_key_full_of_line_ends_stays_on_one_line(tmp_path: Path) -> None:
    path = written(tmp_path, 'version: 1\n"a\\nb\\e[31m": 1\n')
    (problem,) = problems_of(path)
    assert "\n" not in problem
    assert "\x1b" not in problem
