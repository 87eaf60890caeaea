"""Compiled templates on the disk: quicker the second time, and never a different result."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jinja2
import pytest

from installer.modules.compiled import CompiledTemplates, cache_folder, compiled_templates

TEXT = "{% for each in wanted %}{{ each }} {% endfor %}"


def environment(rules: Path, text: str = TEXT) -> jinja2.Environment:
    """As a fresh process has it: nothing is compiled yet."""
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (text, f"module/{name}", lambda: True)),
        bytecode_cache=compiled_templates(rules),
        autoescape=False,
    )


def filled(rules: Path, text: str = TEXT) -> str:
    return environment(rules, text).get_template("one.j2").render(wanted=[1, 2])


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    made = tmp_path / "rules.py"
    made.write_text("# how templates are compiled\n")
    return made


@pytest.fixture
def compiling(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the templates that are compiled from now on."""
    names: list[str] = []
    real = jinja2.Environment.compile

    def compile_and_tell(self: jinja2.Environment, source: str, *args: Any, **given: Any) -> Any:
        names.append(str(args[0]))
        return real(self, source, *args, **given)

    monkeypatch.setattr(jinja2.Environment, "compile", compile_and_tell)
    return names


def test_a_second_process_compiles_nothing(rules: Path, compiling: list[str]) -> None:
    assert filled(rules) == "1 2 "
    assert compiling == ["one.j2"]
    assert filled(rules) == "1 2 "
    assert compiling == ["one.j2"]


def test_a_changed_template_is_compiled_anew(rules: Path) -> None:
    assert filled(rules) == "1 2 "
    assert filled(rules, "{{ wanted[1] }}") == "2"


def test_changed_rules_have_every_template_compiled_anew(rules: Path, compiling: list[str]) -> None:
    filled(rules)
    rules.write_text("# otherwise\n")
    filled(rules)
    assert len(compiling) == 2


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_file_is_as_good_as_none(rules: Path, damage: bytes | None) -> None:
    filled(rules)
    (kept,) = (cache_folder() / "templates").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert filled(rules) == "1 2 "


def test_a_folder_others_may_write_to_is_left_alone(rules: Path, compiling: list[str]) -> None:
    folder = cache_folder() / "templates"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    assert compiled_templates(rules) is None
    assert filled(rules) == filled(rules) == "1 2 "
    assert len(compiling) == 2
    assert not list(folder.iterdir())


def test_a_folder_of_somebody_else_is_left_alone(
    rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = cache_folder()
    assert compiled_templates(rules) is not None
    monkeypatch.setattr(os, "getuid", lambda: owner.stat().st_uid + 1)
    assert compiled_templates(rules) is None


def test_without_a_place_to_keep_them_templates_are_compiled_every_time(
    rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiling: list[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("HEALTH_INSTALL_HOME", str(tmp_path / "file"))
    assert filled(rules) == filled(rules) == "1 2 "
    assert len(compiling) == 2


def test_a_disk_that_takes_nothing_stops_nobody(rules: Path, tmp_path: Path) -> None:
    cache = CompiledTemplates(str(tmp_path / "gone"), "%s.jinja")
    made = environment(rules)
    made.bytecode_cache = cache
    assert made.get_template("one.j2").render(wanted=[1]) == "1 "


def test_nothing_is_kept_beside_the_home_that_is_set(
    rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEALTH_INSTALL_HOME", str(tmp_path / "home"))
    filled(rules)
    assert list((tmp_path / "home" / "cache" / "templates").iterdir())
    monkeypatch.delenv("HEALTH_INSTALL_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache_folder() == tmp_path / "cache" / "health-install"
