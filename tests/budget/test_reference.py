"""The arithmetic of the reference's report, reproduced: what it states, and what is true."""

from __future__ import annotations

import pytest

from installer.budget.envelope import load_envelope
from installer.budget.quantities import GIB, MIB, milli, whole
from installer.budget.reference import Counted, load_reference, reckon, report
from installer.cli import main

THEN, NOW = load_envelope("always-free-2025"), load_envelope("always-free-2026")
REFERENCE = load_reference()


@pytest.mark.parametrize(
    ("part", "counted", "cpu", "memory_mib", "storage"),
    [
        ("infrastructure", "stated", 1150, 3072, 185),
        ("infrastructure", "deployed", 1350, 3328, 185),
        ("webauthn", "stated", 700, 1280, 0),
        ("webauthn", "deployed", 1000, 1792, 0),
        ("health", "stated", 700, 1024, 1),
        ("observability", "stated", 2000, 4416, 45),
    ],
)
def test_a_part_is_as_recomputed_by_hand(
    part: str, counted: Counted, cpu: int, memory_mib: int, storage: int
) -> None:
    found = reckon(REFERENCE, THEN, counted, [part])
    assert (found.cpu_milli, found.memory_bytes, found.asked_gib) == (
        cpu,
        memory_mib * MIB,
        storage,
    )


@pytest.mark.parametrize(
    ("counted", "cpu", "memory_mib"),
    [("stated", 4550, 9792), ("deployed", 5050, 10560), ("everything", 8000, 14272)],
)
def test_the_whole_is_as_recomputed_by_hand(counted: Counted, cpu: int, memory_mib: int) -> None:
    found = reckon(REFERENCE, THEN, counted)
    assert (found.cpu_milli, found.memory_bytes) == (cpu, memory_mib * MIB)
    assert (found.asked_gib, found.billed_gb) == (231, 790)


def test_without_observability_it_is_what_the_report_says_of_cpu_and_storage() -> None:
    parts = ["infrastructure", "webauthn", "health"]
    found = reckon(REFERENCE, THEN, "stated", parts)
    assert (found.cpu_milli, found.asked_gib) == (2550, 186)
    # The report has 5.6 GiB.
    assert found.memory_bytes == 5376 * MIB
    shares = found.words(REFERENCE)
    assert "(63.75 %)" in shares
    assert "(93 %)" in shares


def test_the_stated_sums_hold_for_cpu_and_storage_and_not_for_memory() -> None:
    found, stated = reckon(REFERENCE, THEN), REFERENCE.stated
    assert found.cpu_milli == milli(stated.cpu)
    assert found.asked_gib * GIB == whole(stated.storage)
    assert whole(stated.memory) - found.memory_bytes == pytest.approx(GIB, rel=0.05)
    assert found.words(REFERENCE) == (
        "CPU 4,550 m (113.75 %), memory 9.6 GiB (39.84 %), storage 231 GiB (115.5 %),"
        " billed with boot volumes 790 GB (395 %)"
    )


@pytest.mark.parametrize(
    ("name", "cpu", "memory_mib", "storage"),
    [("A", 4050, 8896, 211), ("B", 2760, 6400, 211), ("C", 4550, 9792, 231)],
)
def test_none_of_the_ways_out_does_what_it_promises(
    name: str, cpu: int, memory_mib: int, storage: int
) -> None:
    option = next(each for each in REFERENCE.options if each.name == name)
    found = reckon(REFERENCE, THEN, option=option)
    assert found.cpu_milli == cpu
    # Lowered by a fifth each, some requests end in a fraction of a MiB.
    assert abs(found.memory_bytes - memory_mib * MIB) < MIB
    assert found.asked_gib == storage
    assert not found.verdict.fits
    assert found.verdict.row("storage").over


def test_leaving_logs_out_saves_what_the_report_says_of_cpu_and_memory_and_half_of_storage() -> (
    None
):
    option = REFERENCE.options[0].model_copy(update={"claims": {}})
    whole_of_it, less = reckon(REFERENCE, THEN), reckon(REFERENCE, THEN, option=option)
    assert whole_of_it.cpu_milli - less.cpu_milli == 500
    assert whole_of_it.memory_bytes - less.memory_bytes == 896 * MIB
    assert whole_of_it.asked_gib - less.asked_gib == 5


def test_the_report_names_stated_and_true_figures_and_todays_share() -> None:
    text = "\n".join(report(THEN, NOW))
    for words in (
        "stated: 4,550 m, 10.60 GiB, 231 GiB",
        "of 2 OCPUs and 12 GB: CPU 227.5 %, memory 79.68 %",
        "CPU 4,550 m of 2,650 m left by Oracle's own pods: 1,900 m too much",
        "A. stated: about 4 vCPU, 9.7 Gi and 196 Gi; fits",
        "Minimal observability, true: CPU 4,050 m (101.25 %)",
    ):
        assert words in text


def test_the_reference_is_planned_by_its_profile_and_cannot_be_installed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["plan", "--profile", "reference-2025", "--against", "always-free-2026"]) == 3
    against_today = capsys.readouterr().out
    for words in ("OVER  CPU 4,550 m", "OVER  storage 790 GB of 200 GB"):
        assert words in against_today
    assert main(["plan", "--profile", "reference-2025"]) == 3
    assert "4,550 m (113.75 %)" in capsys.readouterr().out
    assert main(["render", "--profile", "reference-2025"]) == 4
    assert "There is no profile called" in capsys.readouterr().err
