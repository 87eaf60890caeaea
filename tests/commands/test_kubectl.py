"""The kubectl of this machine: none, one that fits, one too far away, and broken ones."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from installer.commands.kubectl import Kubectl, find_kubectl, kubectl_told
from installer.kube.release import Release, release_of
from installer.oracle.doctor import Diagnosis, Level
from tests.commands.standin import kubectl_says, no_kubectl, put_kubectl

CLUSTER = Release(1, 36)


def told(found: Kubectl, cluster: Release | None = CLUSTER) -> Diagnosis:
    (only,) = kubectl_told(found, cluster)
    return only


def test_without_one_the_installer_says_that_it_needs_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    no_kubectl(monkeypatch, tmp_path)
    said = told(find_kubectl())
    assert said.level is Level.HINT
    assert "The installer needs none" in said.words
    assert "port-forward" in said.words
    assert "1.35 to 1.37" in said.remedy


@pytest.mark.parametrize("version", ["v1.35.0", "v1.36.4", "v1.37.1+k3s1"])
def test_one_a_minor_version_away_at_most_fits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str
) -> None:
    put_kubectl(monkeypatch, tmp_path, kubectl_says(version))
    said = told(find_kubectl())
    assert said.level is Level.GOOD
    assert version in said.words


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("v1.34.9", "2 minor versions older"),
        ("v1.38.0", "2 minor versions newer"),
        ("v2.0.0", "is newer than"),
    ],
)
def test_one_further_away_is_told_with_the_rule_and_what_to_get(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, words: str
) -> None:
    program = put_kubectl(monkeypatch, tmp_path, kubectl_says(version))
    said = told(find_kubectl())
    assert said.level is Level.HINT
    assert words in said.words
    assert str(program) in said.words
    assert "1.35 to 1.37" in said.remedy
    assert "https://kubernetes.io/releases/version-skew-policy/" in said.remedy


@pytest.mark.parametrize(
    ("script", "trouble"),
    [
        ("exit 3", "it ends with 3"),
        ("echo no json at all", "no version in its answer"),
        ("echo '[1, 2]'", "no version in its answer"),
        ('echo \'{"clientVersion": {"gitVersion": 36}}\'', "no version in its answer"),
        ('echo \'{"clientVersion": "v1.36.0"}\'', "no version in its answer"),
        ("printf '\\377\\376'", "no version in its answer"),
    ],
)
def test_a_broken_one_is_told_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, trouble: str
) -> None:
    program = put_kubectl(monkeypatch, tmp_path, script)
    said = told(find_kubectl())
    assert said.level is Level.HINT
    assert f"{program} does not tell its version: {trouble}." in said.words
    assert f"{program} version --client -o json" in said.remedy


def test_one_that_is_no_program_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_kubectl(monkeypatch, tmp_path, "").write_bytes(b"\x7fELF of another machine")
    said = told(find_kubectl())
    assert said.level is Level.HINT
    assert "does not tell its version" in said.words


def test_one_that_never_answers_is_ended_with_all_it_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    left = tmp_path / "left-by-what-it-started"
    put_kubectl(monkeypatch, tmp_path, f"(sleep 2; echo > {left}; sleep 60) &\nwait")
    began = time.monotonic()
    found = find_kubectl(patience=0.5)
    assert time.monotonic() - began < 30
    assert found.trouble == "no answer within 0.5 seconds"
    time.sleep(2.5)
    assert not left.exists()


def test_without_a_cluster_to_compare_with_it_is_only_named() -> None:
    said = told(Kubectl("/bin/kubectl", "v1.20.0"), None)
    assert (said.level, said.words) == (Level.GOOD, "kubectl v1.20.0 is there.")


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("v1.36.4", Release(1, 36)),
        ("1.36", Release(1, 36)),
        ("v1.34.2-gke.1000+ab", Release(1, 34)),
        ("newest", None),
        ("", None),
    ],
)
def test_a_release_is_read_however_it_is_written(version: str, release: Release | None) -> None:
    assert release_of(version) == release
