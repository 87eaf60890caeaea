"""What somebody did before the weather came; named in the expectation files."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from installer.oracle.sdk import models
from tests.oracle.world import Person, World

Incident = Callable[[World, Person], Callable[[], None]]
"""Does something, and returns what undoes it again."""


def foreign_balancer(world: World, person: Person) -> Callable[[], None]:
    """Somebody's own load balancer in our subnet."""
    account = world.account()
    client = account.clients.client("network_balancers")
    details = models("network_load_balancer").CreateNetworkLoadBalancerDetails(
        compartment_id=person.recall("compartment"),
        display_name="somebody-elses-door",
        subnet_id=person.recall("subnet-balancers"),
    )
    made = client.create_network_load_balancer(details).data.id
    _until(lambda: client.get_network_load_balancer(made).data.lifecycle_state == "ACTIVE")

    def undo() -> None:
        client.delete_network_load_balancer(made)
        _until(lambda: not _there(lambda: client.get_network_load_balancer(made)))

    return undo


def retained_volume(world: World, person: Person) -> Callable[[], None]:
    """A volume of ours that its cluster let go of and kept."""
    account = world.account()
    client = account.clients.client("volumes")
    details = models("core").CreateVolumeDetails(
        compartment_id=person.recall("compartment"),
        availability_domain=account.availability_domains()[0],
        display_name="csi-retained",
        size_in_gbs=50,
        freeform_tags={"health-install": person.id(), "health-install-name": "health"},
    )
    made = client.create_volume(details).data.id
    _until(lambda: client.get_volume(made).data.lifecycle_state == "AVAILABLE")
    return lambda: None


def foreign_volume(world: World, person: Person) -> Callable[[], None]:
    """Somebody's own volume in our compartment, which is theirs afterwards."""
    account = world.account()
    home = person.recall("compartment")
    client = account.clients.client("volumes")
    details = models("core").CreateVolumeDetails(
        compartment_id=person.recall("compartment"),
        availability_domain=account.availability_domains()[0],
        display_name="somebody-elses-data",
        size_in_gbs=50,
    )
    made = client.create_volume(details).data.id
    _until(lambda: client.get_volume(made).data.lifecycle_state == "AVAILABLE")

    def undo() -> None:
        client.delete_volume(made)
        _until(lambda: client.get_volume(made).data.lifecycle_state == "TERMINATED")
        identity = account.clients.client("identity")
        standing = identity.get_compartment(home).data
        assert standing.freeform_tags == {}, "what stays with somebody else is not ours any more"
        identity.delete_compartment(home)
        _until(lambda: identity.get_compartment(home).data.lifecycle_state == "DELETED")

    return undo


def live_next_door(world: World) -> None:
    """Other people's things in the same tenancy, which nobody may touch."""
    account = world.account()
    network, volumes = account.clients.client("network"), account.clients.client("volumes")
    core = models("core")
    vcn = network.create_vcn(
        core.CreateVcnDetails(
            compartment_id=account.tenancy,
            display_name="health-vcn",
            cidr_blocks=["10.20.0.0/16"],
            freeform_tags={"health-install": "hsomebodyels", "health-install-name": "health"},
        )
    ).data.id
    volume = volumes.create_volume(
        core.CreateVolumeDetails(
            compartment_id=account.tenancy,
            availability_domain=account.availability_domains()[0],
            display_name="somebody-elses-data",
            size_in_gbs=50,
        )
    ).data.id
    _until(lambda: network.get_vcn(vcn).data.lifecycle_state == "AVAILABLE")
    _until(lambda: volumes.get_volume(volume).data.lifecycle_state == "AVAILABLE")


def _there(get: Callable[[], Any]) -> bool:
    from oci.exceptions import ServiceError

    try:
        return str(get().data.lifecycle_state) not in ("DELETED", "TERMINATED")
    except ServiceError as error:
        if error.status == 404:
            return False
        raise


def _until(done: Callable[[], bool]) -> None:
    for _ in range(400):
        if done():
            return
        time.sleep(0.02)
    raise AssertionError("it never came to that")


INCIDENTS: dict[str, Incident] = {
    each.__name__: each for each in (foreign_balancer, retained_volume, foreign_volume)
}
