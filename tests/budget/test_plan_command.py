"""`health-install plan`: the exit codes, the advice, another allowance and the explanation."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from installer.budget.demand import measure
from installer.budget.envelope import load_envelope
from installer.budget.room import NodeShape
from installer.budget.verdict import judge
from installer.cli import main
from installer.commands.money import exit_code_of
from installer.modules.claims import VolumePlan
from tests.budget.pieces import recreated

SEPARATE = "modules.infrastructure.storage_sharing=separate"


def ended(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(["plan", *words])
    out, err = capsys.readouterr()
    return code, out + err


def document(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code, text = ended(capsys, "--output", "json", *words)
    found: dict[str, Any] = json.loads(text)
    return code, found


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 0),
        (("--set", SEPARATE), 2),
        (("--set", "cluster.nodes=2", "--set", "money.accept_monthly_usd=30"), 2),
        (("--set", "target=existing"), 0),
    ],
)
def test_the_exit_code_says_whether_it_fits_and_costs(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int
) -> None:
    assert ended(capsys, *words)[0] == code


def test_what_does_not_fit_ends_with_3_whatever_it_costs() -> None:
    demand = measure([recreated("large", "2000m", "1Gi")])
    verdict = judge(demand, VolumePlan(()), NodeShape(2, 12, count=2), load_envelope())
    assert (verdict.fits, verdict.costs_money) == (False, True)
    assert exit_code_of(verdict) == 3


def test_advice_taken_as_it_is_printed_makes_it_fit(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = ended(capsys, "--fit", "--set", SEPARATE)
    assert code == 2
    taken = text.split("--set ")[-1].split()[0]
    assert taken == "modules.infrastructure.storage_sharing=shared"
    assert ended(capsys, "--set", taken)[0] == 0


def test_advice_for_programs_holds_the_answers_to_change(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, found = document(capsys, "--fit", "--set", "cluster.nodes=2")
    (change,) = found["advice"][0]["changes"]
    assert (change["path"], change["was"], change["value"]) == ("cluster.nodes", "2", "1")


def test_what_fits_needs_no_advice_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Nothing has to change." in ended(capsys, "--fit")[1]
    assert document(capsys, "--fit")[1]["advice"] == []


def test_the_allowance_of_2025_gives_away_twice_the_machine(
    capsys: pytest.CaptureFixture[str],
) -> None:
    large = ("--set", "cluster.node_ocpus=4", "--set", "cluster.node_memory_gb=24")
    assert ended(capsys, *large)[0] == 2
    code, text = ended(capsys, "--against", "always-free-2025", *large)
    assert code == 0
    assert "Always Free until 14 June 2026, which is not in force" in text


def test_an_unknown_allowance_is_refused_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, text = ended(capsys, "--against", "always-free-1999")
    assert code == 4
    assert "always-free-2026, always-free-2025" in text


def test_a_number_is_explained_down_to_object_and_file(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = ended(capsys, "--explain", "cpu")
    assert code == 0
    assert "StatefulSet health-data/minio (infrastructure/objectstore.yaml.j2)" in text
    code, text = ended(capsys, "--explain", "patience")
    assert code == 4
    assert "It has CPU, memory, pods, storage, volumes, images, money." in text


def test_json_and_yaml_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    as_json = document(capsys)[1]
    assert yaml.safe_load(ended(capsys, "--output", "yaml")[1]) == as_json
