"""The lock that keeps a mistake from costing money, and the warning beside it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from installer.engine.events import Ending, Note, StepLooked
from installer.engine.state import State
from installer.oracle.belongings import Belongings
from installer.oracle.limits import Needs
from installer.oracle.spending import SpendPlan, all_statements, machine_statements
from tests.oracle.test_holdings import stranger
from tests.oracle.world import Person, World

PLAN = SpendPlan("health-platform", Needs(storage_gb=50), email="me@example.org")
REFUSED = {"do": "error", "status": 403, "code": "NotAllowed", "times": "always"}


@pytest.fixture
def locked(person: Person) -> Person:
    person.spending = PLAN
    return person


def quota(world: World) -> Any:
    account = world.account()
    client = account.clients.client("quotas")
    (found,) = client.list_quotas(account.tenancy).data
    return client.get_quota(found.id).data


def notes(person: Person) -> str:
    return "\n".join(each.words for each in person.events if isinstance(each, Note))


def looked(person: Person, step: str) -> str:
    return next(
        each.words for each in person.events if isinstance(each, StepLooked) and each.step == step
    )


def test_the_compartment_is_locked_before_anything_is_made_in_it(
    world: World, locked: Person
) -> None:
    result = locked.run("install")
    assert (result.error, locked.bugs) == (None, [])
    assert tuple(quota(world).statements) == all_statements(PLAN)
    assert quota(world).freeform_tags["health-install"] == locked.id()
    order = [each.step for each in locked.events if isinstance(each, StepLooked)]
    assert order.index("spend-lock") < order.index("vcn")
    assert order.index("spend-alert") < order.index("vcn")
    assert locked.run("install").ending is Ending.NOTHING_TO_DO

    assert locked.run("destroy").error is None
    assert world.inventory() == []


@pytest.mark.slow
def test_what_the_plan_does_not_need_is_refused_and_what_it_needs_is_not(
    world: World, locked: Person
) -> None:
    from installer.engine.errors import AccountError

    assert locked.run("install", locked.network_steps()).error is None
    subnet, place = locked.recall("subnet-nodes"), locked.recall("compartment")
    account = world.account()
    with pytest.raises(AccountError) as caught:
        account.clients.ask("launching", lambda: stranger(world, place, subnet, (3, 12)))
    assert "QuotaExceeded" in caught.value.why
    stranger(world, place, subnet, (2, 12))
    stranger(world, account.tenancy, subnet, (3, 12))


@pytest.mark.slow
def test_the_warning_tells_the_person_of_the_first_cent(world: World, locked: Person) -> None:
    assert locked.run("install", locked.network_steps()).error is None
    account = world.account()
    client = account.clients.client("budgets")
    (budget,) = client.list_budgets(account.tenancy).data
    (rule,) = client.list_alert_rules(budget.id).data
    assert (budget.amount, list(budget.targets)) == (1, [locked.recall("compartment")])
    assert (rule.type, rule.threshold_type, rule.threshold) == ("ACTUAL", "ABSOLUTE", 0.01)
    assert rule.recipients == "me@example.org"


@pytest.mark.slow
def test_a_changed_plan_and_a_changed_policy_are_brought_together(
    world: World, locked: Person
) -> None:
    steps = locked.network_steps
    assert locked.run("install", steps()).error is None
    locked.spending = SpendPlan("health-platform", Needs(storage_gb=200), monthly_usd=Decimal(7))
    assert locked.run("install", steps()).changed == 2
    assert any("total-storage-gb to 200" in each for each in quota(world).statements)
    assert locked.run("install", steps()).changed == 0


@pytest.mark.parametrize(("operation", "step"), [("CreateQuota", "spend-lock"), ("ListQuotas", "")])
def test_where_oracle_has_no_lock_it_says_what_protects_instead(
    world: World, locked: Person, operation: str, step: str
) -> None:
    world.weather({"operation": operation, **REFUSED})
    result = locked.run("install", locked.network_steps())
    assert result.error is None
    assert "quota" not in world.count()
    told = notes(locked) if step else looked(locked, "spend-lock")
    assert "limits are read first" in told
    asked = world.requests()
    assert locked.run("install", locked.network_steps()).ending is Ending.NOTHING_TO_DO
    assert "CreateQuota" not in world.operations(asked)
    assert locked.run("destroy", locked.network_steps()).error is None


@pytest.mark.slow
def test_an_account_without_some_families_still_has_its_machines_locked(
    world: World, locked: Person
) -> None:
    world.weather({"operation": "CreateQuota", "do": "error", "status": 400, "times": 1})
    assert locked.run("install", locked.network_steps()).error is None
    assert tuple(quota(world).statements) == machine_statements(PLAN)
    assert locked.run("install", locked.network_steps()).changed == 0


@pytest.mark.slow
def test_a_lock_nobody_wants_any_more_is_taken_away(world: World, locked: Person) -> None:
    assert locked.run("install", locked.network_steps()).error is None
    locked.spending = SpendPlan("health-platform", Needs(storage_gb=50), wanted=False)
    assert locked.run("install", locked.network_steps()).changed == 2
    assert not {"quota", "budget"} & set(world.count())
    assert locked.run("install", locked.network_steps()).changed == 0


@pytest.mark.slow
def test_a_namesake_that_is_not_ours_is_left_alone_and_stops_nothing(
    world: World, locked: Person
) -> None:
    from oci.limits.models import CreateQuotaDetails

    account = world.account()
    statements = ["zero database quotas in tenancy"]
    account.clients.client("quotas").create_quota(
        CreateQuotaDetails(
            compartment_id=account.tenancy,
            name="health-spend-lock-health-platform",
            description="somebody's",
            statements=statements,
        )
    )
    assert locked.run("install", locked.network_steps()).error is None
    assert "no tag of ours" in looked(locked, "spend-lock")
    assert locked.run("install", locked.network_steps()).changed == 0
    assert locked.run("destroy", locked.network_steps()).error is None
    assert quota(world).statements == statements
    assert world.count() == {"quota": 1}


@pytest.mark.slow
def test_a_lost_state_finds_lock_and_warning_again(
    world: World, locked: Person, tmp_path: Any
) -> None:
    assert locked.run("install", locked.network_steps()).error is None
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    state = State(elsewhere / "state.sqlite")
    state.adopt(locked.id())
    state.close()
    other = Person(world, elsewhere, spending=PLAN)
    assert other.run("install", other.network_steps()).changed == 0
    assert other.run("destroy", other.network_steps()).error is None
    assert world.inventory() == []


@pytest.mark.slow
def test_a_receipt_names_lock_and_warning(world: World, locked: Person) -> None:
    assert locked.run("install", locked.network_steps()).error is None
    inventory = Belongings(world.account()).of_installation(locked.id())
    assert {"quota policy", "budget"} <= {each.noun for each in inventory.of(locked.id())}
    assert locked.run("destroy", locked.network_steps()).error is None
    assert Belongings(world.account()).of_installation(locked.id()).things == ()


def test_a_compartment_that_was_given_is_not_locked(world: World, locked: Person) -> None:
    locked.compartment = "ocid1.compartment.oc1..given"
    assert not {"spend-lock", "spend-alert"} & {step.id for step in locked.steps()}
