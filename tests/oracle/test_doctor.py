"""The examination of an account: all findings at once, each with what to do about it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from installer.cli import main
from installer.engine.errors import ExitCode
from installer.oracle.access import Access
from installer.oracle.doctor import Diagnosis, Level, examine
from installer.oracle.limits import Needs
from installer.oracle.permissions import PERMISSIONS
from tests.commands.standin import kubectl_says, put_kubectl
from tests.oracle.world import Person, World


def diagnoses(access: Access, needs: Needs | None = None) -> list[Diagnosis]:
    return list(examine(access, needs or Needs(), "health"))


def words(found: list[Diagnosis], level: Level) -> str:
    return "\n".join(f"{each.words} -> {each.remedy}" for each in found if each.level is level)


def copied(access: Access, folder: Path, more: str = "") -> Access:
    """The same account from files of our own."""
    key = folder / "key.pem"
    text = access.config_file.read_text()
    (line,) = [each for each in text.splitlines() if each.startswith("key_file")]
    shutil.copy(line.partition("=")[2].strip(), key)
    key.chmod(0o600)
    config = folder / "config"
    config.write_text(text.replace(line, f"key_file={key}") + "\n" + more)
    return replace(access, config_file=config)


def test_a_healthy_account_has_nothing_bad(world: World) -> None:
    found = diagnoses(world.access)
    assert words(found, Level.BAD) == ""
    told = words(found, Level.GOOD)
    for each in ("Oracle accepts", "clock agrees", "home region", "FREE_TIER", "room for the plan"):
        assert each in told
    assert "networks, Kubernetes clusters, machines" in told


def test_everything_wrong_is_told_at_once_each_with_its_remedy(
    world: World, tmp_path: Path
) -> None:
    access = copied(world.access, tmp_path, "[broken]\nkey_file=/nowhere\n")
    (tmp_path / "key.pem").chmod(0o644)
    refused = {"do": "error", "status": 404, "code": "NotAuthorizedOrNotFound", "times": "always"}
    world.weather(
        {"operation": "ANY", "do": "skew", "minutes": 3, "times": "always"},
        {"operation": "ANY", "do": "limit_zero", "limit": "vcn-count", "times": "always"},
        {"operation": "ANY", "do": "limit_zero", "limit": "cluster-count", "times": "always"},
        {"operation": "ListVolumes", **refused},
        {"operation": "ListClusters", **refused},
    )
    found = diagnoses(replace(access, compartment="clinic"))
    hints, bad = words(found, Level.HINT), words(found, Level.BAD)
    assert "Profile broken" in hints
    assert f"Run: chmod 600 {tmp_path / 'key.pem'}" in hints
    assert "3 minutes behind" in hints
    assert "virtual networks: 1 needed, 0 left" in bad
    assert "Kubernetes clusters: 1 needed, 0 left" in bad
    assert "to manage volume-family in compartment clinic" in bad
    assert "to manage cluster-family in compartment clinic" in bad
    assert all(each.remedy for each in found if each.level is not Level.GOOD)


def test_what_needs_oracles_answer_is_not_asked_without_one(world: World) -> None:
    world.weather({"operation": "ANY", "do": "skew", "minutes": 9, "times": "always"})
    (bad,) = [each for each in diagnoses(world.access) if each.level is Level.BAD]
    assert "9 minutes behind" in bad.words
    assert "timedatectl" in bad.remedy


def test_an_installation_does_not_stand_in_its_own_way(world: World, tmp_path: Path) -> None:
    person = Person(world, tmp_path)
    assert person.run("install", person.network_steps()).error is None
    world.weather({"operation": "ANY", "do": "limit_zero", "limit": "vcn-count", "times": "always"})
    access = replace(world.access, compartment="health-platform")
    assert words(diagnoses(access), Level.BAD) == ""


def test_nothing_is_changed(world: World) -> None:
    asked = world.requests()
    diagnoses(world.access)
    assert all(name.startswith(("Get", "List")) for name in world.operations(asked))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEALTH_INSTALL_HOME", str(tmp_path / "home"))
    return tmp_path


def test_the_command_ends_with_the_accounts_code_when_something_is_bad(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = ["--set", f"oracle.config_file={home / 'none'}", "--set", "images.check=false"]
    code = main(["doctor", "oracle", *here])
    said = capsys.readouterr().out
    assert code == ExitCode.ACCOUNT
    assert "does not exist" in said
    assert "next: Run 'oci setup config'" in said
    assert "In the way of an installation: 1." in said


def test_the_version_asked_for_is_compared_with_those_checked_and_with_kubectl(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_kubectl(monkeypatch, home, kubectl_says("v1.36.1"))
    here = ["--set", f"oracle.config_file={home / 'none'}", "--set", "images.check=false"]
    main(["doctor", "oracle", *here])
    newest = capsys.readouterr().out
    assert "good  kubectl v1.36.1 is there." in newest
    assert "the manifests are checked against" not in newest
    main(["doctor", "oracle", *here, "--set", "cluster.kubernetes_version=1.38"])
    said = capsys.readouterr().out
    assert "hint  Kubernetes 1.38 is newer than those the manifests are checked against" in said
    assert "is 2 minor versions older than the cluster's Kubernetes 1.38." in said


def test_the_command_examines_a_rehearsal(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--rehearse"]) == ExitCode.OK
    said = capsys.readouterr().out
    assert "In the way of an installation: nothing." in said
    # This machine's programs are no part of what is rehearsed.
    assert "kubectl" not in said


def test_the_policy_is_printed_whole_without_asking_anybody(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "policy", "--set", "place.compartment=clinic"]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert [each for each in lines if not each.startswith("#")] == [
        each.statement("clinic") for each in PERMISSIONS
    ]


def test_an_area_the_answers_do_not_name_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "cluster"]) == ExitCode.ANSWERS
    assert "target=existing" in capsys.readouterr().err


def test_a_network_of_the_answers_that_cannot_be_used_is_among_the_findings(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = "place.vcn=ocid1.vcn.oc1.eu-frankfurt-1.aaaaelsewhere"
    assert main(["doctor", "--rehearse", "--set", network]) == ExitCode.ACCOUNT
    said = capsys.readouterr().out
    assert "it is of region eu-frankfurt-1" in said
    assert "In the way of an installation: 1." in said
