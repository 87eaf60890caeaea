"""Every number can be followed to the object, the file and the dated source it came from."""

from __future__ import annotations

import pytest

from installer.budget.demand import measure
from installer.budget.envelope import load_envelope
from installer.budget.explaining import explain, row_names
from installer.budget.room import NodeShape
from installer.budget.storage import plan_volumes
from installer.budget.verdict import Verdict, judge
from installer.modules.claims import Claim
from tests.budget.pieces import recreated


def verdict() -> Verdict:
    pieces = [
        recreated("api", "100m", "1Gi", replicas=2, module="etl"),
        recreated("db", "300m", "2Gi"),
        recreated("cache", "50m", "64Mi"),
    ]
    claims = [Claim("infrastructure", "health", "db", 12 * 2**30, "users")]
    volumes = plan_volumes(claims, sharing=True, floor_gib=50)
    return judge(measure(pieces), volumes, NodeShape(2, 12), load_envelope())


def test_a_number_leads_to_its_modules_objects_and_files_the_largest_first() -> None:
    lines = explain(verdict(), "cpu")
    assert lines[:7] == (
        "CPU 550 m of 1,530 m left by Oracle's own pods",
        "  etl: 200 m",
        "    200 m  2 x Deployment health/api (etl/api.yaml.j2)",
        "  infrastructure: 350 m",
        "    300 m  1 x Deployment health/db (infrastructure/db.yaml.j2)",
        "    50 m  1 x Deployment health/cache (infrastructure/cache.yaml.j2)",
        "  the limit:",
    )
    assert "measured" in lines[7]
    assert "2026-08-20" in lines[7]


def test_storage_names_the_volume_and_the_rule_that_rounds_it() -> None:
    text = "\n".join(explain(verdict(), "storage"))
    assert "1 x boot volume" in text
    assert "db: users (volume health/data, 50 GB)" in text
    assert "200 GB of boot and block volumes (Oracle's Always Free resources page" in text
    assert "billed as 50 GB at least" in text


def test_every_row_can_be_explained_and_nothing_else() -> None:
    found = verdict()
    assert row_names(found) == ("CPU", "memory", "pods", "storage", "volumes", "money")
    for name in row_names(found):
        assert explain(found, name)[0] == found.row(name).words
    with pytest.raises(KeyError):
        explain(found, "patience")
