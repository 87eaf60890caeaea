"""Which permission is for what, and the text to paste when one is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from installer.engine.errors import AccountError
from installer.oracle.access import open_account
from installer.oracle.network import Networks
from installer.oracle.permissions import (
    ANY_GROUP,
    PERMISSIONS,
    SERVICES,
    asked_by,
    needed_for,
    policy_text,
)
from tests.oracle.world import World
from tests.steps.oracle.test_order import steps


def test_every_step_at_oracle_has_its_statements_and_every_statement_its_steps() -> None:
    known = set(steps(private=True))
    told = {step for each in PERMISSIONS for step in each.steps}
    assert known - told == set()
    assert told - known - {"spend-lock", "spend-alert"} == set()


def test_every_service_that_can_refuse_leads_to_a_statement() -> None:
    resources = {each.resource for each in PERMISSIONS}
    assert {resource for named in SERVICES.values() for resource in named} == resources


@pytest.mark.parametrize(
    ("compartment", "where"),
    [
        ("health-platform", "in compartment health-platform"),
        ("ocid1.compartment.oc1..x", "in compartment id ocid1.compartment.oc1..x"),
        ("", "in tenancy"),
    ],
)
def test_statements_name_the_place(compartment: str, where: str) -> None:
    permission, _ = asked_by("virtual_network")
    assert permission.statement(compartment) == (
        f"Allow group {ANY_GROUP} to manage virtual-network-family {where}"
    )
    (limits, _) = needed_for("limits")
    assert limits.statement(compartment).endswith("in tenancy")


def test_no_statement_is_told_twice() -> None:
    lines = policy_text([*PERMISSIONS, *PERMISSIONS], "x").splitlines()
    assert len(lines) == len(PERMISSIONS) == len(set(lines))


@pytest.mark.parametrize(
    ("status", "code"), [(404, "NotAuthorizedOrNotFound"), (403, "NotAuthorized")]
)
def test_a_refused_call_tells_the_policy_to_paste(world: World, status: int, code: str) -> None:
    world.weather(
        {"operation": "ListVcns", "do": "error", "status": status, "code": code, "times": "always"}
    )
    account = open_account(replace(world.access, compartment="clinic"))
    with pytest.raises(AccountError) as caught:
        Networks(account).vcns.all(account.tenancy)
    assert (
        f"Allow group {ANY_GROUP} to manage virtual-network-family in compartment clinic"
        in caught.value.then.splitlines()
    )
    assert "volume-family" not in caught.value.then
