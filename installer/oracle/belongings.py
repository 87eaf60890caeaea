"""Everything that stands in a compartment, whoever made it: the list before and after a removal.

Each type that can be billed or that keeps a compartment from being removed, in every availability
domain. What Oracle makes by itself for a network is left out: it goes with its network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from installer.engine.errors import AccountError
from installer.oracle.account import Account
from installer.oracle.buckets import Buckets
from installer.oracle.resource import Life, Resource

# Client, listing call, how people call it, and whether it is asked domain by domain.
LISTS: tuple[tuple[str, str, str, bool], ...] = (
    ("balancers", "list_load_balancers", "load balancer", False),
    ("network_balancers", "list_network_load_balancers", "network load balancer", False),
    ("clusters", "list_node_pools", "node pool", False),
    ("clusters", "list_clusters", "cluster", False),
    ("compute", "list_instances", "machine", False),
    ("volumes", "list_volumes", "block volume", True),
    ("volumes", "list_boot_volumes", "boot volume", True),
    ("network", "list_subnets", "subnet", False),
    ("network", "list_security_lists", "security list", False),
    ("network", "list_network_security_groups", "security group", False),
    ("network", "list_route_tables", "route table", False),
    ("network", "list_internet_gateways", "internet gateway", False),
    ("network", "list_nat_gateways", "NAT gateway", False),
    ("network", "list_service_gateways", "service gateway", False),
    ("network", "list_vcns", "network", False),
    ("network", "list_public_ips", "reserved address", False),
)
# What a listing call wants to know besides the compartment.
MORE: dict[str, dict[str, str]] = {
    "list_public_ips": {"scope": "REGION", "lifetime": "RESERVED"},
}
# Kept in the root compartment, whatever they guard; of those there only ours are of interest.
GUARDS: tuple[tuple[str, str, str], ...] = (
    ("quotas", "list_quotas", "quota policy"),
    ("budgets", "list_budgets", "budget"),
)
_MADE_BY_ORACLE = ("Default Security List for ", "Default Route Table for ")
_ENDING = (Life.GONE, Life.GOING)


@dataclass(frozen=True)
class Belonging(Resource):
    """One thing; `gb` of a volume (Oracle's GB), `domain` where it lies in one."""

    noun: str = ""
    domain: str = ""
    gb: int = 0

    @property
    def words(self) -> str:
        """Such as "block volume csi-1, 50 GB (AVAILABLE)"."""
        size = f", {self.gb} GB" if self.gb else ""
        return f"{self.noun} {self.name}{size} ({self.state})"


@dataclass(frozen=True)
class Inventory:
    """What was found, what could not be looked at (in words), and the compartments looked into."""

    things: tuple[Belonging, ...] = ()
    unseen: tuple[str, ...] = ()
    places: tuple[str, ...] = ()

    def of(self, installation_id: str) -> tuple[Belonging, ...]:
        """Those that carry the installation's tag."""
        return tuple(each for each in self.things if each.is_of(installation_id))

    def others(self, installation_id: str) -> tuple[Belonging, ...]:
        """Those that do not."""
        return tuple(each for each in self.things if not each.is_of(installation_id))


class Belongings:
    """Lists what is in compartments of one account's region; changes nothing."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._clients = account.clients

    def of_installation(self, installation_id: str, more: Sequence[str] = ()) -> Inventory:
        """Everything in the compartments that carry the tag, with these, and in `more` by OCID.

        Of `more`, those that are gone are passed over.
        """
        standing = self._compartments()
        tagged = [each for each in standing if each.is_of(installation_id)]
        known = {each.id for each in standing}
        wanted = [each for each in more if each in known or each == self._account.tenancy]
        places = tuple(dict.fromkeys([*(each.id for each in tagged), *wanted]))
        found = [self.inside(place) for place in places]
        things = [each for part in found for each in part.things]
        unseen = tuple(dict.fromkeys(words for part in found for words in part.unseen))
        guards = self._guards(installation_id)
        return Inventory((*things, *guards, *tagged), unseen, places)

    def _guards(self, installation_id: str) -> list[Belonging]:
        """Our quota policy and budget; accounts that have neither refuse the question."""
        found: list[Belonging] = []
        for client, call, noun in GUARDS:
            keeper = self._clients.client(client, self._account.home_region)
            try:
                listed = self._clients.all(
                    f"listing each {noun}", getattr(keeper, call), self._account.tenancy
                )
            except AccountError:
                continue
            found += [_belonging(each, noun) for each in listed]
        return [each for each in found if each.is_of(installation_id) and _counts(each)]

    def inside(self, compartment: str) -> Inventory:
        """Everything in one compartment that is not gone or going."""
        things: list[Belonging] = []
        unseen: list[str] = []
        domains = self._account.availability_domains()
        for client, call, noun, by_domain in LISTS:
            try:
                for model in self._all(client, call, compartment, domains if by_domain else ()):
                    things.append(_belonging(model, noun))
            except AccountError:
                unseen.append(f"{noun}s")
        try:
            things += [_from_bucket(each) for each in Buckets(self._account).all_in(compartment)]
        except AccountError:
            unseen.append("buckets")
        # A list may be asked once for each domain and answer the same every time.
        kept = {each.id: each for each in things if _counts(each)}
        return Inventory(tuple(kept.values()), tuple(unseen))

    def _all(
        self, client: str, call: str, compartment: str, domains: Iterable[str]
    ) -> Iterator[Any]:
        options = [{"availability_domain": each} for each in domains] or [{}]
        for option in options:
            yield from self._clients.all(
                "listing what is in the compartment",
                getattr(self._clients.client(client), call),
                compartment_id=compartment,
                **option,
                **MORE.get(call, {}),
            )

    def _compartments(self) -> list[Belonging]:
        identity = self._clients.client("identity")
        listed = self._clients.all(
            "listing the compartments",
            identity.list_compartments,
            self._account.tenancy,
            compartment_id_in_subtree=True,
        )
        found = (_belonging(each, "compartment") for each in listed)
        return [each for each in found if each.life not in _ENDING]


def _from_bucket(bucket: Resource) -> Belonging:
    return Belonging(bucket.id, bucket.name, bucket.state, bucket.tags, noun="bucket")


def _counts(thing: Belonging) -> bool:
    return thing.life not in _ENDING and not thing.name.startswith(_MADE_BY_ORACLE)


def _belonging(model: Any, noun: str) -> Belonging:
    return Belonging(
        id=str(model.id),
        name=str(getattr(model, "display_name", None) or getattr(model, "name", None) or ""),
        state=str(model.lifecycle_state),
        tags=dict(model.freeform_tags or {}),
        noun=noun,
        domain=str(getattr(model, "availability_domain", None) or ""),
        gb=int(getattr(model, "size_in_gbs", None) or 0),
    )
