"""The command line as a script meets it: help, exit codes, and bad input that ends in one message.

Each bad input must say what, why and what next, end with its own code and leave nothing behind.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from installer.cli import main, version
from installer.engine.errors import ExitCode
from installer.oracle.profile import fingerprint_of
from installer.rehearsal.oracle.control import INVENTORIED
from installer.rehearsal.oracle.sessions import Session, new_token
from installer.rehearsal.shelf import Shelf
from tests.journeys.person import ROOT, Ended, Person

KEY = generate_private_key(65537, 2048)
OTHER_KEY = generate_private_key(65537, 2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
TENANCY = "ocid1.tenancy.oc1..aaaatenancy"
USER = "ocid1.user.oc1..aaaauser"


@dataclass(frozen=True)
class Said:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def everything(self) -> str:
        """All words, in whichever stream they came."""
        return self.out + self.err


Run = Callable[..., Said]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process; there is no terminal."""

    def runner(*words: str) -> Said:
        try:
            code = main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return runner


def check_refusal(said: Said | Ended, code: ExitCode, *needed: str) -> None:
    """One message, with these words in it, and nothing that only a programmer understands."""
    text = said.out + said.err
    assert said.code == code, text
    assert "Traceback" not in text
    assert "mistake of its own" not in text
    for label in ("error: ", "  why: ", " next: "):
        told = [line for line in said.err.splitlines() if line.startswith(label)]
        assert len(told) == 1, f"one line with {label!r} is needed:\n{text}"
    for words in needed:
        assert words in text


def nothing_was_made(home: Path) -> None:
    """No installation on this machine claims to have made anything."""
    for state in home.glob("state/*/*/state.sqlite"):
        with closing(sqlite3.connect(state)) as db:
            assert db.execute("SELECT * FROM resources").fetchall() == []
    for world in home.glob("state/rehearsals/*/world/oracle.sqlite"):
        shelf = Shelf(world)
        assert set(shelf.kinds()).isdisjoint(INVENTORIED)
        shelf.close()


# -- help ---------------------------------------------------------------------------------------


def test_help_names_every_exit_code_and_its_meaning(run: Run) -> None:
    said = run("--help")
    assert (said.code, said.err) == (0, "")
    told = dict(re.findall(r"^ +(\d+)  (.+)$", said.out.split("exit codes:")[1], re.MULTILINE))
    assert told == {str(int(code)): code.meaning for code in ExitCode}
    for words in ("--rehearse", "--headless", "answers example", "destroy"):
        assert words in said.out


@pytest.mark.parametrize("command", ["plan", "status", "destroy", "render", "answers"])
def test_every_command_explains_itself(run: Run, command: str) -> None:
    said = run(command, "--help")
    assert (said.code, said.err) == (0, "")
    assert f"health-install {command}" in said.out


def test_version_is_the_packages(run: Run) -> None:
    said = run("--version")
    assert (said.code, said.out) == (0, f"health-install {version()}\n")


@pytest.mark.parametrize(
    "words",
    [
        ("--nonsense",),
        ("instal",),
        ("plan", "--output", "poem"),
        ("answers",),
        ("answers", "check"),
        ("--events", "smoke"),
        ("--speed", "fast"),
    ],
    ids=" ".join,
)
def test_a_command_line_that_is_not_understood_ends_with_64(
    run: Run, words: tuple[str, ...], own_home: Path
) -> None:
    said = run(*words)
    assert said.code == ExitCode.USAGE
    assert said.out == ""
    assert "usage: health-install" in said.err
    assert said.err.strip().splitlines()[-1].startswith("health-install")
    assert list(own_home.iterdir()) == []


# -- answers --------------------------------------------------------------------------------------

TEN_MISTAKES = """\
version: 1
target: okee
name: Health
acces:
  domain: health.example.org
access:
  domian: health.example.org
  email: nobody
place:
  region: eu-amsterdm-1
cluster:
  vcn_cidr: 10.20.1.0/16
  nodes: many
images:
  pull_password: canary-of-a-password
money:
  accept_monthly_usd: 12,50
"""
LINES_OF_MISTAKES = (2, 3, 4, 7, 8, 10, 12, 13, 15, 17)


@pytest.fixture
def ten_mistakes(tmp_path: Path) -> str:
    """An answers file with ten mistakes."""
    path = tmp_path / "ten.yaml"
    path.write_text(TEN_MISTAKES, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    "words", [("answers", "check"), ("plan",), ("render",), ("--rehearse", "--headless")]
)
def test_ten_mistakes_are_all_told_at_once_each_with_its_line(
    run: Run, ten_mistakes: str, words: tuple[str, ...], own_home: Path
) -> None:
    said = run(*words, ten_mistakes)
    check_refusal(said, ExitCode.ANSWERS, "There are 10 mistakes in the answers.")
    for line in LINES_OF_MISTAKES:
        assert f"ten.yaml:{line}: " in said.everything
    assert "did you mean access.domain?" in said.everything
    assert "canary-of-a-password" not in said.everything
    nothing_was_made(own_home)


@pytest.mark.parametrize(
    ("setting", "needed"),
    [
        ("access.domain=health.example.org.", "dot at the end"),
        ("access.domain=https://health.example.org", "access.domain"),
        ("access.domain=health", "access.domain"),
        ("access.domain=-bad-.example.org", "access.domain"),
        ("place.region=eu-amsterdm-1", "did you mean eu-amsterdam-1?"),
        ("access.domian=health.example.org", "did you mean access.domain?"),
    ],
)
def test_a_malformed_answer_is_told_with_its_source(
    run: Run, own_home: Path, setting: str, needed: str
) -> None:
    for words in (("plan",), ("--rehearse",)):
        said = run(*words, "--set", setting)
        check_refusal(said, ExitCode.ANSWERS, "--set: ", needed)
    nothing_was_made(own_home)


@pytest.mark.parametrize("words", [("answers", "check"), ("plan",), ("--headless",)])
def test_a_missing_answers_file_is_named(run: Run, words: tuple[str, ...]) -> None:
    check_refusal(
        run(*words, "nowhere.yaml"), ExitCode.ANSWERS, "nowhere.yaml cannot be read", "No such file"
    )


@pytest.mark.slow
def test_a_secret_that_is_not_where_it_should_be_is_told_before_anything_is_made(
    run: Run, own_home: Path, tmp_path: Path
) -> None:
    question = "secrets.infrastructure.redis_auth.password"
    for where in ("env:NOT_THERE_AT_ALL", f"file:{tmp_path / 'nowhere'}"):
        said = run("--rehearse", "--set", f"{question}={where}")
        check_refusal(said, ExitCode.ANSWERS, where, "cannot be read")
    nothing_was_made(own_home)


@pytest.mark.slow
def test_secrets_that_cannot_be_used_are_all_told_before_anything_is_made(
    run: Run, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOO_SHORT", "short-1")
    monkeypatch.setenv("STRANGE", "with a blank and a / in it")
    flags: list[str] = []
    for path, name in (("redis_auth.password", "TOO_SHORT"), ("rabbitmq.admin", "STRANGE")):
        flags += ["--set", f"secrets.infrastructure.{path}=env:{name}"]
    said = run("--rehearse", *flags)
    check_refusal(said, ExitCode.ANSWERS, "redis_auth.password", "rabbitmq.admin")
    assert "short-1" not in said.everything
    assert "with a blank" not in said.everything
    nothing_was_made(own_home)


def test_without_a_terminal_it_names_the_way_without_questions(run: Run, own_home: Path) -> None:
    said = run()
    check_refusal(said, ExitCode.ANSWERS, "no terminal", "--headless", "answers example")
    check_refusal(run("destroy", "--rehearse"), ExitCode.ANSWERS, "Add --yes")
    nothing_was_made(own_home)


MODULE = """\
version: 1
title: Greeter
purpose: Says hello.
needs: [house]
namespaces: [{name: health-greeter}]
waves: {2: Servers}
templates: [{file: greeter.yaml.j2, wave: 2}]
"""
HOUSE = MODULE.replace("Greeter", "House").replace("needs: [house]", "needs: []")
OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: greeter}\ndata: {words: hello}\n"


def test_a_module_switched_off_that_another_needs_is_told_with_both_ways_out(
    tmp_path: Path,
) -> None:
    """With made-up modules in a copy of the assets, which are found before the real ones."""
    shutil.copytree(ROOT / "assets", tmp_path / "assets")
    for name, text in (("greeter", MODULE), ("house", HOUSE.replace("-greeter", "-house"))):
        folder = tmp_path / "assets" / "modules" / name
        folder.mkdir()
        (folder / "module.yaml").write_text(text, encoding="utf-8")
        (folder / "greeter.yaml.j2").write_text(OBJECT, encoding="utf-8")
    person = Person(tmp_path, cwd=tmp_path, extra={"PYTHONPATH": str(ROOT)})
    off = ("--set", "modules.house.enabled=false")
    both = person.plain("plan", "--rehearse")
    assert both.code == 0, both.err
    said = person.plain("plan", "--rehearse", *off)
    check_refusal(said, ExitCode.ANSWERS, "do not go together", "greeter", "house")
    assert (
        person.plain("plan", "--rehearse", *off, "--set", "modules.greeter.enabled=false").code == 0
    )


# -- the machine ----------------------------------------------------------------------------------


def state_of_tomorrow(home: Path) -> Path:
    """A state file in a format that is not known yet."""
    folder = home / "state" / "rehearsals" / "health"
    folder.mkdir(parents=True)
    path = folder / "state.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=99")
        db.execute("CREATE TABLE tomorrow (x)")
        db.commit()
    return path


@pytest.mark.parametrize("words", [(), ("destroy", "--yes"), ("status",), ("plan", "--live")])
def test_the_state_of_a_newer_version_is_left_as_it_is(
    run: Run, own_home: Path, words: tuple[str, ...]
) -> None:
    path = state_of_tomorrow(own_home)
    before = path.read_bytes()
    said = run(*words, "--rehearse")
    check_refusal(said, ExitCode.STATE, "newer health-install", "Upgrade")
    assert path.read_bytes() == before


def test_a_state_file_that_is_none_is_told_and_kept(run: Run, own_home: Path) -> None:
    folder = own_home / "state" / "rehearsals" / "health"
    folder.mkdir(parents=True)
    (folder / "state.sqlite").write_bytes(b"not a database, whatever it says " * 200)
    before = (folder / "state.sqlite").read_bytes()
    check_refusal(run("--rehearse"), ExitCode.STATE, "cannot be used", "move it away")
    assert (folder / "state.sqlite").read_bytes() == before


@pytest.mark.parametrize("words", [(), ("destroy", "--yes"), ("status",)])
def test_a_folder_that_cannot_be_written_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """Below a file, since the one who runs this may be allowed to write everywhere else."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("HEALTH_INSTALL_HOME", str(tmp_path / "file" / "home"))
    said = run(*words, "--rehearse")
    check_refusal(said, ExitCode.STATE, "Cannot write", "Not a directory", "HEALTH_INSTALL_HOME")


# -- the account ----------------------------------------------------------------------------------


@pytest.fixture
def account(tmp_path: Path) -> Callable[..., tuple[str, ...]]:
    """Write an Oracle profile, right but for what is given; returns the words that use it."""

    def writer(key: bytes = PEM, **changed: str) -> tuple[str, ...]:
        key_file = tmp_path / "key.pem"
        key_file.write_bytes(key)
        key_file.chmod(0o600)
        values = {
            "user": USER,
            "tenancy": TENANCY,
            "fingerprint": fingerprint_of(KEY),
            "region": "eu-amsterdam-1",
            "key_file": str(key_file),
            **changed,
        }
        config = tmp_path / "config"
        lines = [f"{name}={value}" for name, value in values.items() if value]
        config.write_text("\n".join(["[DEFAULT]", *lines]), encoding="utf-8")
        answers = tmp_path / "answers.yaml"
        answers.write_text(
            f"version: 1\ntarget: oke\noracle: {{config_file: {config}}}\n", encoding="utf-8"
        )
        return ("--headless", str(answers))

    return writer


def test_a_missing_configuration_file_is_named(run: Run, own_home: Path) -> None:
    answers = own_home / "answers.yaml"
    answers.write_text("version: 1\ntarget: oke\noracle: {config_file: /nowhere/config}\n")
    check_refusal(
        run("--headless", str(answers)), ExitCode.ACCOUNT, "/nowhere/config does not exist"
    )
    nothing_was_made(own_home)


def test_a_missing_or_unreadable_key_is_named(
    run: Run, own_home: Path, tmp_path: Path, account: Callable[..., tuple[str, ...]]
) -> None:
    gone = tmp_path / "gone.pem"
    check_refusal(run(*account(key_file=str(gone))), ExitCode.ACCOUNT, str(gone))
    check_refusal(run(*account(key_file=str(tmp_path))), ExitCode.ACCOUNT, str(tmp_path))
    check_refusal(run(*account(key=b"no key at all")), ExitCode.ACCOUNT, "key.pem")
    nothing_was_made(own_home)


def test_another_keys_fingerprint_is_told(
    run: Run, own_home: Path, account: Callable[..., tuple[str, ...]]
) -> None:
    said = run(*account(fingerprint=fingerprint_of(OTHER_KEY)))
    check_refusal(said, ExitCode.ACCOUNT, fingerprint_of(KEY), fingerprint_of(OTHER_KEY))
    nothing_was_made(own_home)


def test_a_session_that_has_ended_is_told_with_the_way_to_renew_it(
    run: Run, own_home: Path, tmp_path: Path, account: Callable[..., tuple[str, ...]]
) -> None:
    token = tmp_path / "token"
    token.write_text(new_token(KEY, Session(USER, TENANCY), -60), encoding="utf-8")
    said = run(*account(user="", security_token_file=str(token)))
    check_refusal(said, ExitCode.ACCOUNT, "oci session authenticate")
    assert token.read_text(encoding="utf-8") not in said.everything
    nothing_was_made(own_home)


@pytest.mark.slow
def test_a_clock_off_by_minutes_is_told_with_how_many(tmp_path: Path) -> None:
    weather = tmp_path / "weather.yaml"
    weather.write_text(
        yaml.safe_dump([{"operation": "ANY", "do": "skew", "minutes": 12, "times": "always"}])
    )
    person = Person(tmp_path / "person")
    ended = person.install("--weather", str(weather))
    check_refusal(ended, ExitCode.ACCOUNT, "12 minutes", "clock")
    with person.world() as world:
        assert world.inventory() == []
    assert person.install().code == 0, "the same command goes on once the clock is right"


@pytest.mark.slow
def test_every_mistake_in_a_weather_file_is_told(tmp_path: Path) -> None:
    person = Person(tmp_path)
    weather = tmp_path / "weather.yaml"
    missing = person.install("--weather", str(weather))
    check_refusal(missing, ExitCode.ANSWERS, "weather file cannot be used", "No such file")
    weather.write_text("- {operation: CreateVcn, do: rain}\n- {do: slow, seconds: long}\n")
    wrong = person.install("--weather", str(weather))
    check_refusal(wrong, ExitCode.ANSWERS, "do must be one of", "rule 2: operation is missing")
    assert "No such file" not in wrong.out + wrong.err


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "inf", "fast"])
def test_a_speed_that_is_none_is_refused(run: Run, speed: str) -> None:
    said = run("--rehearse", "--speed", speed)
    assert said.code == ExitCode.USAGE
    assert "--speed: a number above 0" in said.err
