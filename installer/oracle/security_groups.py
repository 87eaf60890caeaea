"""Network security groups: rules that go with network cards instead of with subnets.

What a subnet's security lists and a card's groups allow adds up, so a group of ours opens what
lists of others do not, without a change to theirs.
https://docs.oracle.com/en-us/iaas/Content/Network/Concepts/networksecuritygroups.htm
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from installer.oracle.account import Account
from installer.oracle.network import SecurityList
from installer.oracle.network_parts import Kind, Parts, common
from installer.oracle.resource import Life
from installer.oracle.rules import Rule, RuleBook
from installer.oracle.rules_on_the_wire import from_group, to_group
from installer.oracle.sdk import models

_NOUN = "security group"
# So many rules Oracle takes in one call.
_AT_ONCE = 25


@dataclass(frozen=True)
class SecurityGroup(SecurityList):
    """A group; its rules, each with the id it is removed by, only when it was read by id."""

    ids: tuple[tuple[Rule, str], ...] = field(default=(), compare=False)


class SecurityGroups:
    """Security groups of one account's region."""

    def __init__(self, account: Account) -> None:
        self._clients = account.clients
        self.groups = Parts(self._clients, Kind(_NOUN, "network_security_group", _group))

    @property
    def _client(self) -> Any:
        return self._clients.client("network")

    def group(self, part_id: str) -> SecurityGroup | None:
        """One group with its rules; None when absent."""
        found = self.groups.get(part_id)
        if found is None or found.life is not Life.THERE:
            return found
        call = self._client.list_network_security_group_security_rules
        rules = self._clients.all("reading the rules of a security group", call, part_id)
        ids = tuple((from_group(each), str(each.id)) for each in rules)
        return replace(found, ids=ids, book=RuleBook(frozenset(rule for rule, _ in ids)))

    def settle_group(self, found: SecurityGroup, wanted: RuleBook) -> None:
        """Add the rules it lacks and take those away that are not wanted, or are there twice."""
        seen: set[Rule] = set()
        unwanted = []
        for rule, part_id in found.ids:
            if rule not in wanted.rules or rule in seen:
                unwanted.append(part_id)
            seen.add(rule)
        core = models("core")
        lacking = to_group(rule for rule in wanted.rules if rule not in seen)
        for some in _by(_AT_ONCE, lacking):
            details = core.AddNetworkSecurityGroupSecurityRulesDetails(security_rules=some)
            call = self._client.add_network_security_group_security_rules
            self._clients.ask(f"changing the {_NOUN}", partial(call, found.id, details))
        for some in _by(_AT_ONCE, unwanted):
            details = core.RemoveNetworkSecurityGroupSecurityRulesDetails(security_rule_ids=some)
            call = self._client.remove_network_security_group_security_rules
            self._clients.ask(f"changing the {_NOUN}", partial(call, found.id, details))

    def ours(self, compartment: str, vcn: str, installation_id: str) -> list[SecurityGroup]:
        """An installation's groups in a network."""
        found = self.groups.all(compartment, vcn)
        return [each for each in found if each.is_of(installation_id)]


def _by(count: int, things: Sequence[Any]) -> Iterable[list[Any]]:
    return (list(things[start : start + count]) for start in range(0, len(things), count))


def _group(model: Any) -> SecurityGroup:
    return SecurityGroup(**common(model))
