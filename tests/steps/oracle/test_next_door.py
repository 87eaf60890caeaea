"""A tenancy full of other people's things is, byte for byte, as it was."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from oci.util import to_dict

from installer.oracle.account import Account
from installer.oracle.belongings import LISTS, MORE, Belongings
from installer.oracle.sdk import models
from tests.oracle.world import Person, World


def everything(account: Account) -> str:
    """All that Oracle tells of all that stands in the tenancy."""
    identity = account.clients.client("identity")
    folders = identity.list_compartments(account.tenancy).data
    standing = [each for each in folders if each.lifecycle_state != "DELETED"]
    places = [account.tenancy, *(each.id for each in standing)]
    found: dict[str, Any] = {"compartments": [to_dict(each) for each in standing]}
    for client, call, _, _ in LISTS:
        listing = getattr(account.clients.client(client), call)
        for place in places:
            answer = listing(compartment_id=place, **MORE.get(call, {})).data
            items = getattr(answer, "items", answer)
            alive = [to_dict(each) for each in items]
            found[f"{call} {place}"] = [
                each for each in alive if each["lifecycle_state"] not in ("TERMINATED", "DELETED")
            ]
    return json.dumps(found, sort_keys=True)


def move_in(account: Account) -> None:
    """Others have the same names, in a place of their own and in the root."""
    core, clients = models("core"), account.clients
    identity, network = clients.client("identity"), clients.client("network")
    details = models("identity").CreateCompartmentDetails(
        compartment_id=account.tenancy, name="theirs", description="not ours"
    )
    theirs = identity.create_compartment(details).data.id
    until(lambda: bool(identity.get_compartment(theirs).data.lifecycle_state == "ACTIVE"))
    other = {"health-install": "hsomebodyels", "health-install-name": "health"}
    for place, tags in ((theirs, {}), (account.tenancy, other)):
        common = {"compartment_id": place, "freeform_tags": tags}
        vcn = network.create_vcn(
            core.CreateVcnDetails(display_name="health-vcn", cidr_blocks=["10.20.0.0/16"], **common)
        ).data.id
        network.create_internet_gateway(
            core.CreateInternetGatewayDetails(
                display_name="health-gateway", vcn_id=vcn, is_enabled=True, **common
            )
        )
        network.create_subnet(
            core.CreateSubnetDetails(
                display_name="health-subnet-nodes", vcn_id=vcn, cidr_block="10.20.1.0/24", **common
            )
        )
        clients.client("volumes").create_volume(
            core.CreateVolumeDetails(
                display_name="csi-theirs",
                availability_domain=account.availability_domains()[0],
                size_in_gbs=50,
                **common,
            )
        )


def until(done: Any) -> None:
    for _ in range(400):
        if done():
            return
        time.sleep(0.02)
    raise AssertionError("it never came to that")


def settled(account: Account) -> str:
    """Nothing is on its way any more."""
    until(
        lambda: not {"PROVISIONING", "CREATING"} & set(json.dumps(everything(account)).split('\\"'))
    )
    return everything(account)


@pytest.mark.slow
def test_other_peoples_things_are_byte_for_byte_as_they_were(world: World, person: Person) -> None:
    account = world.account()
    move_in(account)
    before = settled(account)
    others = {each.id for each in Belongings(account).inside(account.tenancy).things}
    assert len(others) == 4

    assert person.run("install").error is None
    ours = Belongings(account).of_installation(person.id())
    nouns = {each.noun for each in ours.of(person.id())}
    assert {"compartment", "network", "subnet", "cluster", "node pool", "machine"} <= nouns
    assert {"boot volume", "internet gateway", "security list", "route table"} <= nouns
    assert ours.others(person.id()) == ()
    assert person.run("destroy").error is None

    assert everything(account) == before
    assert Belongings(account).of_installation(person.id()).things == ()
