"""Service limits: what the account may still have, and which of that a plan lacks.

Names, scopes and traps as seen in live listings: a limit that counts per availability domain must
be asked with one and any other without; some cannot say what is left; a name can be absent; what is
left can be negative; and every limit at 0 is a suspended account, not an empty one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from installer.engine.errors import InstallError, Temporary
from installer.oracle.account import Account

AD, REGION, ELSEWHERE = "AD", "REGION", "ELSEWHERE"


@dataclass(frozen=True)
class Needs:
    """What a plan takes of the account; `paid` when the person agreed to a bill."""

    clusters: int = 1
    ocpus: float = 2.0
    memory_gb: float = 12.0
    storage_gb: int = 50
    flexible_balancers: int = 0
    network_balancers: int = 0
    networks: int = 1
    nat_gateways: int = 0
    addresses: int = 0
    paid: bool = False


@dataclass(frozen=True)
class Limit:
    """One of Oracle's limits, the unit it counts in, and how much of it a plan needs.

    `group` puts those together of which the smallest decides.
    """

    service: str
    name: str
    scope: str
    group: str
    needs: Callable[[Needs], float]


CLUSTERS = "Kubernetes clusters"
CORES = "A1 OCPUs"
MEMORY = "GB of A1 memory"
FREE_STORAGE = "GB of free boot and block storage"
STORAGE = "GB of boot and block storage"
NETWORKS = "virtual networks"
FLEXIBLE = "flexible load balancers"
NETWORK_BALANCERS = "network load balancers"
NAT = "NAT gateways"
ADDRESSES = "reserved addresses"


def _free(needs: Needs) -> float:
    return 0 if needs.paid else needs.storage_gb


def _billed(needs: Needs) -> float:
    return needs.storage_gb if needs.paid else 0


LIMITS: tuple[Limit, ...] = (
    Limit("container-engine", "cluster-count", REGION, CLUSTERS, lambda n: n.clusters),
    Limit("compute", "standard-a1-core-count", AD, CORES, lambda n: n.ocpus),
    Limit("compute", "standard-a1-core-regional-count", REGION, CORES, lambda n: n.ocpus),
    Limit("compute", "standard-a1-memory-count", AD, MEMORY, lambda n: n.memory_gb),
    Limit("compute", "standard-a1-memory-regional-count", REGION, MEMORY, lambda n: n.memory_gb),
    Limit("block-storage", "total-free-storage-gb", AD, FREE_STORAGE, _free),
    Limit("block-storage", "total-free-storage-gb-regional", REGION, FREE_STORAGE, _free),
    Limit("block-storage", "total-storage-gb", AD, STORAGE, _billed),
    Limit("vcn", "vcn-count", REGION, NETWORKS, lambda n: n.networks),
    Limit("load-balancer", "lb-flexible-count", REGION, FLEXIBLE, lambda n: n.flexible_balancers),
    Limit(
        "network-load-balancer-api",
        "max-nlb-flexible-count",
        REGION,
        NETWORK_BALANCERS,
        lambda n: n.network_balancers,
    ),
    Limit("vcn", "reserved-public-ip-count", REGION, ADDRESSES, lambda n: n.addresses),
    # Counts per network, which the API cannot be asked about: only its value is read.
    Limit("vcn", "nat-gateway-count", ELSEWHERE, NAT, lambda n: n.nat_gateways),
)


@dataclass(frozen=True)
class Reading:
    """What Oracle says of one limit; None where it does not say. `left` may be negative.

    `domain` is the availability domain it was asked for, where there are several.
    """

    limit: Limit
    value: int | None = None
    left: int | None = None
    domain: str = ""


@dataclass(frozen=True)
class Shortage:
    """Something the plan needs and the account does not give; `value` is the limit itself.

    `domain` is the availability domain with the most room, where there are several.
    """

    what: str
    needed: float
    left: int
    value: int | None
    domain: str = ""

    @property
    def words(self) -> str:
        """One line with every number."""
        told = f"{self.what}: {self.needed:g} needed, {max(0, self.left)} left"
        if self.domain:
            told += f" in {self.domain}, the availability domain with the most room"
        if self.value is None:
            return told
        return f"{told}; the account's limit for {self.what} in this region is {self.value}"


class LimitsReader:
    """Reads those limits that a plan has a use for."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._clients = account.clients

    def read(self, needs: Needs) -> tuple[Reading, ...]:
        """One reading for each limit the plan needs something of.

        Those that count per availability domain are of one and the same: all machines and volumes
        go to one, so one with room for everything is enough, and three with a part of it are not.
        """
        wanted = [limit for limit in LIMITS if limit.needs(needs) > 0]
        there = self._by_domain([limit for limit in wanted if limit.scope == AD])
        best = min(there.values(), key=lambda found: _lack(found, needs), default=())
        known = {reading.limit: reading for reading in best}
        return tuple(known.get(limit) or self._one(limit) for limit in wanted)

    def domains_with_room(self, needs: Needs) -> tuple[str, ...]:
        """Availability domains whose own limits leave room; where nothing can be read, too."""
        limits = [each for each in LIMITS if each.scope == AD and each.needs(needs) > 0]
        there = self._by_domain(limits)
        return tuple(domain for domain, found in there.items() if not shortages(found, needs))

    def _by_domain(self, limits: Sequence[Limit]) -> dict[str, tuple[Reading, ...]]:
        domains = self._account.availability_domains() if limits else ()
        return {
            domain: tuple(self._there(limit, domain, several=len(domains) > 1) for limit in limits)
            for domain in domains
        }

    def _there(self, limit: Limit, domain: str, *, several: bool) -> Reading:
        found = self._one(limit, domain)
        return replace(found, domain=domain) if several else found

    def _one(self, limit: Limit, domain: str = "") -> Reading:
        try:
            return self._availability(limit, domain) or self._value(limit, domain)
        except Temporary:
            raise
        except InstallError:
            # Reading limits needs a permission of its own; without it Oracle says so later.
            return Reading(limit)

    def _availability(self, limit: Limit, domain: str) -> Reading | None:
        """None where this limit cannot say what is left of it."""
        if limit.scope == ELSEWHERE:
            return None
        client = self._clients.client("limits")
        where = {"availability_domain": domain} if domain else {}
        found = self._clients.find(
            f"reading the limit {limit.name}",
            lambda: client.get_resource_availability(
                limit.service, limit.name, self._account.tenancy, **where
            ),
        )
        if found is None or found.data.available is None:
            return None
        left, used = int(found.data.available), found.data.used
        return Reading(limit, None if used is None else int(used) + left, left)

    def _value(self, limit: Limit, domain: str) -> Reading:
        client = self._clients.client("limits")
        where = {"availability_domain": domain} if domain else {}
        found = self._clients.all(
            f"reading the limit {limit.name}",
            client.list_limit_values,
            self._account.tenancy,
            limit.service,
            name=limit.name,
            **where,
        )
        values = [each.value for each in found if each.name == limit.name]
        if not values or values[0] is None:
            return Reading(limit)
        return Reading(limit, int(values[0]), int(values[0]))


def shortages(
    readings: Sequence[Reading], needs: Needs, own: Needs | None = None
) -> tuple[Shortage, ...]:
    """What is lacking, one for each kind of thing; `own` is there already and counts no more.

    Of several limits on one thing the smallest decides; what nobody could read is no obstacle.
    """
    found: dict[str, Shortage] = {}
    for reading in readings:
        needed = reading.limit.needs(needs) - (reading.limit.needs(own) if own else 0)
        if reading.left is None or needed <= max(0, reading.left):
            continue
        shortage = Shortage(
            reading.limit.group, needed, reading.left, reading.value, reading.domain
        )
        known = found.get(shortage.what)
        if known is None or shortage.left < known.left:
            found[shortage.what] = shortage
    return tuple(found.values())


def _lack(readings: Sequence[Reading], needs: Needs) -> tuple[int, float]:
    """How far a domain is from being enough: how many things lack, and how much of them."""
    lacking = shortages(readings, needs)
    left = sum(each.left for each in readings if each.left is not None)
    return len(lacking), -left


def is_suspended(readings: Sequence[Reading]) -> bool:
    """Whether every limit that could be read is 0, as in an account that is suspended."""
    known = [each.value for each in readings if each.value is not None]
    return len(known) > 2 and not any(known)
