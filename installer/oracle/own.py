"""What an installation holds of an account's limits already; a rerun does not need it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from installer.engine.errors import AccountError
from installer.oracle.account import Account
from installer.oracle.cluster import Clusters
from installer.oracle.holdings import Census, Held, Holdings, is_ours
from installer.oracle.limits import Needs
from installer.oracle.network import Networks
from installer.oracle.private_gateways import PrivateGateways
from installer.oracle.public_addresses import PublicAddresses
from installer.oracle.resource import Life, Resource

NOTHING_OWN = Needs(clusters=0, ocpus=0, memory_gb=0, storage_gb=0, networks=0)


def held_by(
    account: Account,
    compartment: str,
    installation_id: str,
    name: str,
    *,
    gateways: bool = False,
    addresses: bool = False,
) -> Needs:
    """What there is of one installation in its compartment (an OCID, or empty for none).

    Without an id it is told by its name. What this user may not list there counts as nothing. NAT
    `gateways` and reserved `addresses` are only counted when asked for: few plans need one.
    """
    if not compartment:
        return NOTHING_OWN

    def ours(each: Resource) -> bool:
        return is_ours(each, installation_id, name)

    return _taken(
        Holdings(account).inside(compartment).only(ours),
        _count(lambda: Clusters(account).all_in(compartment), ours),
        _count(lambda: Networks(account).vcns.all(compartment), ours),
        _count(lambda: PrivateGateways(account).nats.all(compartment), ours) if gateways else 0,
        _count(lambda: PublicAddresses(account).all_in(compartment), ours) if addresses else 0,
    )


def _count(listed: Callable[[], Sequence[Resource]], ours: Callable[[Resource], bool]) -> int:
    try:
        found = listed()
    except AccountError:
        return 0
    there = (each for each in found if each.life not in (Life.GONE, Life.GOING))
    return sum(ours(each) for each in there)


def _taken(
    census: Census, clusters: int, networks: int, nat_gateways: int, addresses: int
) -> Needs:
    return Needs(
        clusters=clusters,
        ocpus=census.ocpus,
        memory_gb=census.memory_gb,
        storage_gb=census.gb,
        flexible_balancers=len(census.of(Held.FLEXIBLE_BALANCER)),
        network_balancers=len(census.of(Held.NETWORK_BALANCER)),
        networks=networks,
        nat_gateways=nat_gateways,
        addresses=addresses,
    )
