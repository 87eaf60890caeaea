"""A secret is in the cluster's Secrets and nowhere else: not in a byte that is written or shown.

Canaries are given for every secret question, half by env: and half by file:. What the installation
makes itself is looked for too, once it is read back from the cluster.
"""

from __future__ import annotations

import base64
import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from installer.answers.asking import questions
from installer.cli import main, parser
from installer.commands.desk import InstallDesk
from installer.commands.ending import run as run_command
from installer.commands.sources import case, model
from installer.engine.errors import ExitCode
from installer.engine.masking import known_secrets
from installer.oracle.profile import fingerprint_of
from installer.plan import make_plan
from screens.inspection import InspectionPage
from screens.outcome import OutcomePage
from screens.progress import ProgressPage
from screens.review import ReviewPage
from tests.journeys.person import Person
from tests.journeys.world import WorldView
from tests.screens.reading import greeted, page, running, text, until

PASSPHRASE = "oracle.key_passphrase"
QUESTIONS = [question.path for question in questions(model()) if question.secret]
# A rehearsal brings its own account, so the passphrase has a test of its own.
REHEARSED = [path for path in QUESTIONS if path != PASSPHRASE]
CONFIDENTIAL = ("password", "access_key", "secret_key", "encryption_key")


def canary_of(path: str) -> str:
    """A value that is found nowhere by chance, other than through the secret of this question."""
    return f"Canary{QUESTIONS.index(path):02d}-9vQ2xW7rTz_4"


def questions_in_use() -> set[str]:
    """The secrets that the usual answers need; others are never followed to where they are."""
    rendered = make_plan(model().model_validate({"version": 1})).rendered
    paths = {value.question_path for spec in rendered.secrets for value in spec.values}
    return paths - {""}


def forms_of(secret: str) -> set[str]:
    """How a secret may look in text; base64 at each of its three beginnings."""
    found = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}
    for offset in range(3):
        whole = base64.b64encode(b" " * offset + secret.encode()).decode()
        found.add(whole[4 if offset else 0 :].rstrip("=")[:-1])
    return found


def found_in(text: str, secrets: Mapping[str, str]) -> list[str]:
    """The names of those secrets that can be read in a text."""
    return [
        name for name, secret in secrets.items() if any(form in text for form in forms_of(secret))
    ]


def references(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """For each question a reference to its canary, and the variables that some of them name."""
    folder.mkdir()
    variables: dict[str, str] = {}
    answers: dict[str, str] = {}
    for number, path in enumerate(REHEARSED):
        if number % 2:
            variables[f"CANARY_{number}"] = canary_of(path)
            answers[path] = f"env:CANARY_{number}"
        else:
            file = folder / f"canary-{number}"
            file.write_text(canary_of(path) + "\n", encoding="utf-8")
            answers[path] = f"file:{file}"
    return answers, variables


def write_answers(path: Path, given: Mapping[str, str]) -> None:
    """An answers file with these references, and a registry's user to go with its password."""
    pull = given["images.pull_password"]
    kept = {key.removeprefix("secrets."): ref for key, ref in given.items() if "secrets." in key}
    document = {
        "version": 1,
        "secrets": kept,
        "images": {"pull_user": "puller", "pull_password": pull},
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")


# -- the whole journey ---------------------------------------------------------------------------


@contextmanager
def watched_processes() -> Iterator[set[str]]:
    """The arguments of every process that was seen meanwhile."""
    seen: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.03):
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(entry.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    continue  # It has ended meanwhile.

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


def generated_in(world: WorldView, person: Person) -> dict[str, str]:
    """What the installation made for itself and must keep to itself, by where it is."""
    words = parser().parse_args(["--headless", str(person.answers), "--rehearse"])
    answers = case(words, str(person.answers)).gathered().answers
    found = {}
    for spec in make_plan(answers).rendered.secrets:
        kept = world.get(f"/api/v1/namespaces/{spec.namespace}/secrets/{spec.name}")["data"]
        for value in spec.values:
            if value.make in CONFIDENTIAL:
                plain = base64.b64decode(kept[value.key]).decode()
                found[f"{spec.namespace}/{spec.name}/{value.key}"] = plain
    return found


def written_by(person: Person, but: Path) -> Iterator[tuple[str, str]]:
    """Every file below the person's folder, as text, and what the rehearsed cluster keeps in
    other places than Secrets."""
    for path in sorted(person.folder.rglob("*")):
        if path.is_relative_to(but) or not path.is_file():
            continue
        if path.name.startswith("cluster.sqlite"):
            continue
        yield str(path), path.read_bytes().decode("latin-1")
    for store in person.folder.rglob("cluster.sqlite"):
        with closing(sqlite3.connect(store)) as db:
            for kind, key, doc in db.execute("SELECT kind, key, doc FROM shelf"):
                if kind != "secrets" and not str(kind).endswith("/secrets"):
                    yield f"{store} {kind} {key}", doc


@pytest.mark.slow
def test_no_secret_is_in_any_byte_written_or_printed(tmp_path: Path) -> None:
    given, variables = references(tmp_path / "vault")
    person = Person(tmp_path / "person", extra=variables)
    write_answers(person.answers, given)
    said: dict[str, str] = {}

    with watched_processes() as arguments:
        first = person.install()
        assert first.code == 0, first.err
        said["install"] = first.out + first.err
        with person.world() as world:
            secrets = generated_in(world, person)
        at_world = ("--rehearse", "--speed", "600")
        for words in (
            ("--headless", str(person.answers), *at_world),
            ("status", *at_world),
            ("plan", str(person.answers), "--live", "--output", "json", *at_world),
            ("plan", "--output", "yaml", *at_world),
            ("render", str(person.answers), *at_world),
        ):
            ended = person.plain(*words)
            assert ended.code == 0, ended.err
            said[" ".join(words)] = ended.out + ended.err

    used = {f"secrets.{path}" for path in questions_in_use()}
    typed = {path: canary_of(path) for path in REHEARSED if path in used}
    assert len(typed) >= 12
    assert set(typed.values()) <= set(secrets.values()), "the canaries are in use"
    looked_for = {**secrets, **{path: canary_of(path) for path in REHEARSED}}
    for spoken, answer in said.items():
        assert found_in(answer, looked_for) == [], spoken
    assert found_in("\n".join(arguments), looked_for) == []
    assert any("screens.start" in words for words in arguments), "processes were watched"
    for place, content in written_by(person, tmp_path / "vault"):
        assert found_in(content, looked_for) == [], place
    removed = person.destroy()
    assert found_in(removed.out + removed.err, looked_for) == []


@pytest.mark.slow
def test_a_server_that_repeats_a_secret_in_its_refusal_is_not_quoted(tmp_path: Path) -> None:
    given, variables = references(tmp_path / "vault")
    person = Person(tmp_path / "person", extra=variables)
    write_answers(person.answers, given)
    canary = canary_of("secrets.infrastructure.redis_auth.password")
    encoded = base64.b64encode(canary.encode()).decode()
    rule = {
        "operation": "POST secrets",
        "do": "error",
        "status": 422,
        "code": "Invalid",
        "message": f'Secret "x" is invalid: data.password: "{canary}" or "{encoded}"',
        "times": "always",
    }
    weather = tmp_path / "weather.yaml"
    weather.write_text(yaml.safe_dump([rule]), encoding="utf-8")
    ended = person.install("--weather", str(weather))
    assert ended.code == ExitCode.CLUSTER, ended.out + ended.err
    assert "is invalid" in ended.out
    looked_for = {path: canary_of(path) for path in REHEARSED}
    assert found_in(ended.out + ended.err, looked_for) == []
    for file in ("install.log", "state.sqlite", "state.sqlite-wal", "answers.yaml"):
        if (person.state / file).exists():
            content = (person.state / file).read_bytes().decode("latin-1")
            assert found_in(content, looked_for) == [], file


# -- screens --------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_no_screen_shows_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, variables = references(tmp_path / "vault")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    flags = [word for path, ref in given.items() for word in ("--set", f"{path}={ref}")]
    words = ["--rehearse", "--speed", "600", *flags, "--set", "images.pull_user=puller"]
    looked_for = {path: canary_of(path) for path in REHEARSED}
    with InstallDesk(case(parser().parse_args(words))) as desk:
        async with running(desk, (100, 40)) as pilot:
            await greeted(pilot)
            pictures = [pilot.app.export_screenshot()]
            await pilot.press("end", "enter")
            await page(pilot, InspectionPage)
            await until(pilot, lambda: "Go on" in text(pilot), "the findings")
            pictures.append(pilot.app.export_screenshot())
            await pilot.press("enter")
            await page(pilot, ReviewPage)
            pictures.append(pilot.app.export_screenshot())
            await pilot.press("enter")
            while not isinstance(pilot.app.screen, OutcomePage):
                await until(pilot, lambda: isinstance(pilot.app.screen, ProgressPage | OutcomePage))
                pictures.append(pilot.app.export_screenshot())
                await pilot.pause(0.5)
            await pilot.pause()
            pictures.append(pilot.app.export_screenshot())
            await pilot.press("enter")
    assert "Done" in pictures[-1].replace("&#160;", " ")
    for picture in pictures:
        assert found_in(picture.replace("&#160;", " "), looked_for) == []


# -- what goes wrong -----------------------------------------------------------------------------


def test_a_secret_typed_where_a_reference_belongs_is_not_repeated(
    tmp_path: Path, own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed: dict[str, dict[str, str]] = {}
    for path in QUESTIONS:
        section, _, key = path.partition(".")
        typed.setdefault(section, {})[key] = canary_of(path)
    answers = tmp_path / "answers.yaml"
    answers.write_text(yaml.safe_dump({"version": 1, **typed}), encoding="utf-8")
    by_flag = [["plan", "--set", f"{path}={canary_of(path)}"] for path in QUESTIONS]
    for words in (
        ["answers", "check", str(answers)],
        ["plan", str(answers)],
        ["--headless", str(answers), "--rehearse"],
        ["--headless", str(answers), "--rehearse", "--events", "json"],
        *by_flag,
    ):
        assert main(words) == ExitCode.ANSWERS
        said = capsys.readouterr()
        assert "never written into the answers" in said.out + said.err
        assert found_in(said.out + said.err, {path: canary_of(path) for path in QUESTIONS}) == []
    for file in own_home.rglob("*"):
        assert not file.is_file() or "Canary" not in file.read_text(errors="replace")


def test_the_passphrase_of_a_key_is_not_repeated_when_the_account_is_refused(
    tmp_path: Path,
    own_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    canary = canary_of(PASSPHRASE)
    key, other = (generate_private_key(65537, 2048) for _ in range(2))
    lock = serialization.BestAvailableEncryption(canary.encode())
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
    )
    (tmp_path / "config").write_text(
        "[DEFAULT]\nuser=ocid1.user.oc1..aaaauser\ntenancy=ocid1.tenancy.oc1..aaaatenancy\n"
        f"region=eu-amsterdam-1\nkey_file={tmp_path / 'key.pem'}\n"
        f"fingerprint={fingerprint_of(other)}\n"
    )
    answers = tmp_path / "answers.yaml"
    answers.write_text(
        f"version: 1\ntarget: oke\noracle: {{config_file: {tmp_path / 'config'}, "
        "key_passphrase: env:CANARY}\n"
    )
    said = []
    for value, needed in ((canary, fingerprint_of(key)), (f"{canary}x", "passphrase")):
        monkeypatch.setenv("CANARY", value)
        for events in ("lines", "json"):
            assert main(["--headless", str(answers), "--events", events]) == ExitCode.ACCOUNT
            out, err = capsys.readouterr()
            assert needed in out + err
            said.append(out + err)
    written = [
        file.read_bytes().decode("latin-1") for file in own_home.rglob("*") if file.is_file()
    ]
    assert written
    assert found_in("\n".join([*said, *written]), {PASSPHRASE: canary}) == []


def test_a_crash_tells_no_secret(own_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    canary = "Canary-in-a-traceback-5hT8"
    known_secrets.add(canary)

    def crash(_asked: object) -> int:
        raise RuntimeError(f"could not send {canary} to {base64.b64encode(canary.encode())!r}")

    assert run_command(crash, parser().parse_args([])) == ExitCode.BUG
    out, err = capsys.readouterr()
    log = (own_home / "state" / "crash.log").read_text(encoding="utf-8")
    assert "RuntimeError" in log
    assert "Traceback" not in out + err
    assert found_in(out + err + log, {"canary": canary}) == []


def test_secrets_are_asked_for_as_references_everywhere() -> None:
    """Every secret the modules make can be given, and all of them are canaries above."""
    assert PASSPHRASE in QUESTIONS
    assert "images.pull_password" in REHEARSED
    assert len([path for path in QUESTIONS if path.startswith("secrets.")]) >= 10
