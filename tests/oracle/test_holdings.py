"""What exists in the whole tenancy, counted over the real SDK, beside what is free."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from installer.answers.model import Answers
from installer.commands.sources import model
from installer.commands.target import OracleTarget
from installer.commands.usage import account_kind
from installer.engine.state import Installation, State
from installer.oracle.holdings import Held, Holdings
from installer.plan import make_plan
from tests.oracle.world import Person, World
from tests.steps.oracle.test_installing_and_removing import leave_behind, settle


def target(world: World, name: str = "health", **cluster: object) -> OracleTarget:
    answers: Answers = model()(
        version=1,
        name=name,
        oracle={"config_file": str(world.access.config_file), "profile": world.access.profile},
        cluster=cluster,
    )
    address = SimpleNamespace(oracle=world.access.endpoint, control=world.control)
    running: Any = SimpleNamespace(speed=600.0, address=address)
    return OracleTarget(answers, running)


def stranger(world: World, compartment: str, subnet: str, size: tuple[float, float]) -> None:
    """Somebody's own A1 machine."""
    from oci.core import models

    account = world.account()
    account.clients.client("compute").launch_instance(
        models.LaunchInstanceDetails(
            compartment_id=compartment,
            availability_domain=account.availability_domains()[0],
            display_name="web",
            shape="VM.Standard.A1.Flex",
            shape_config=models.LaunchInstanceShapeConfigDetails(
                ocpus=size[0], memory_in_gbs=size[1]
            ),
            create_vnic_details=models.CreateVnicDetails(subnet_id=subnet),
        )
    )


@pytest.fixture(scope="module")
def person(world: World, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Somebody who has a network here, and a neighbour with a machine in its subnet."""
    folder: Path = tmp_path_factory.mktemp("folder")
    person = Person(world, folder)
    assert person.run("install", person.network_steps()).error is None
    leave_behind(world, person, "volume", tagged=True)
    leave_behind(world, person, "networkloadbalancer", tagged=False)
    stranger(world, world.account().tenancy, person.recall("subnet-nodes"), (1, 6))
    settle(world)
    return person


def installation(person: Person) -> Installation:
    state = State(person.folder / "state.sqlite")
    try:
        return person.installation(state)
    finally:
        state.close()


def test_every_compartment_is_counted(world: World, person: Person) -> None:
    census = Holdings(world.account()).everywhere()
    assert (census.ocpus, census.memory_gb, census.gb) == (1, 6, 47 + 50)
    (machine,) = census.of(Held.MACHINE)
    assert machine.words == "A1 machine web (1 OCPU, 6 GB) in the root compartment"
    (balancer,) = census.of(Held.NETWORK_BALANCER)
    assert balancer.place == "health-platform"
    assert census.hidden == ()


def test_what_is_ours_is_not_taken_and_what_is_not_makes_the_bill_honest(
    world: World, person: Person
) -> None:
    surroundings, findings = target(world).survey(installation(person))
    taken = surroundings.already
    assert (taken.ocpu_hours, taken.memory_gb_hours) == (744, 6 * 744)
    assert (taken.block_gb, taken.network_balancers, taken.flexible_balancers) == (47, 1, 0)
    words = "\n".join(finding.words for finding in findings if not finding.good)
    assert "1 OCPU and 6 GB of the 2 and 12 that are free all month (figures of 2026-" in words
    assert "47 GB of the 200 that are free" in words
    assert "A1 machine web" in words
    assert "left-behind" in words

    alone = make_plan(target(world).answers)
    plan = make_plan(target(world).answers, surroundings)
    assert alone.verdict.bill.monthly_usd == Decimal("0.00")
    assert plan.verdict.bill.monthly_usd > 0


def test_a_machine_that_does_not_know_the_installation_tells_it_by_its_name(
    world: World, person: Person
) -> None:
    """The volume left behind carries the installation's id alone, so it counts as somebody's."""
    surroundings, _ = target(world).survey(None)
    assert surroundings.already.block_gb == 97


def test_what_may_not_be_looked_into_is_said(world: World, person: Person) -> None:
    world.weather(
        {
            "operation": "ListVolumes",
            "do": "error",
            "status": 404,
            "code": "NotAuthorizedOrNotFound",
            "times": "always",
        }
    )
    surroundings, findings = target(world).survey(installation(person))
    assert surroundings.already.block_gb == 47
    (gap,) = [each for each in findings if "could be counted" in each.words]
    assert "the root compartment" in gap.words
    assert "health-platform" in gap.words


def test_few_calls_count_a_small_tenancy(world: World, person: Person) -> None:
    asked = world.requests()
    Holdings(world.account()).everywhere()
    assert world.requests() - asked <= 11


@pytest.mark.parametrize(
    ("plan", "upgrade", "clusters", "words"),
    [
        ("PAYG", "UPGRADED", 1, "pay-as-you-go account"),
        ("FREE_TIER", "PROMO", 1, "trial account"),
        ("FREE_TIER", "", 1, "free-only account"),
        ("FREE_TIER", "", 0, "no Kubernetes cluster"),
        ("", "", None, "could not be read"),
    ],
)
def test_each_kind_of_account_is_told_what_it_means(
    plan: str, upgrade: str, clusters: int | None, words: str
) -> None:
    assert words in account_kind(plan, upgrade, clusters).words
