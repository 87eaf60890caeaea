"""Network security groups: rules that go with network cards instead of with subnets.

What a subnet's security lists and a card's groups allow adds up, so a group of ours opens what
lists of others do not, without a change to theirs.
https://docs.oracle.com/en-us/iaas/Content/Network/Concepts/networksecuritygroups.htm
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from installer.oracle.network import Networks, SecurityList
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


class SecurityGroups(Networks):
    """Security groups of one account's region."""

    def group(self, part_id: str) -> SecurityGroup | None:
        """One group with its rules; None when absent."""
        found: SecurityGroup | None = self._get(
            _NOUN, lambda: self._client.get_network_security_group(part_id), _group
        )
        if found is None or found.life is not Life.THERE:
            return found
        call = self._client.list_network_security_group_security_rules
        rules = self._clients.all("reading the rules of a security group", call, part_id)
        ids = tuple((from_group(each), str(each.id)) for each in rules)
        return replace(found, ids=ids, book=RuleBook(frozenset(rule for rule, _ in ids)))

    def groups(self, compartment: str, vcn: str, name: str = "") -> list[SecurityGroup]:
        """Those of a network, all or those of one name; without their rules."""
        where = {"display_name": name} if name else {}
        return self._named(
            _NOUN,
            self._client.list_network_security_groups,
            _group,
            compartment_id=compartment,
            vcn_id=vcn,
            **where,
        )

    def create_group(
        self, compartment: str, name: str, vcn: str, tags: Mapping[str, str], retry_token: str
    ) -> str:
        """Begin a group, which has no rules yet; returns its OCID."""
        details = models("core").CreateNetworkSecurityGroupDetails(
            compartment_id=compartment, display_name=name, vcn_id=vcn, freeform_tags=dict(tags)
        )
        call = self._client.create_network_security_group
        return self._create(_NOUN, call, details, retry_token)

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
            self._change(_NOUN, call, found.id, details)
        for some in _by(_AT_ONCE, unwanted):
            details = core.RemoveNetworkSecurityGroupSecurityRulesDetails(security_rule_ids=some)
            call = self._client.remove_network_security_group_security_rules
            self._change(_NOUN, call, found.id, details)

    def delete_group(self, part_id: str) -> None:
        """Ask for its removal, possible once no card is in it; absent is fine."""
        self._delete(_NOUN, self._client.delete_network_security_group, part_id)

    def ours(self, compartment: str, vcn: str, installation_id: str) -> list[SecurityGroup]:
        """An installation's groups in a network."""
        found = self.groups(compartment, vcn)
        return [each for each in found if each.is_of(installation_id)]


def _by(count: int, things: Sequence[Any]) -> Iterable[list[Any]]:
    return (list(things[start : start + count]) for start in range(0, len(things), count))


def _group(model: Any) -> SecurityGroup:
    return SecurityGroup(
        id=str(model.id),
        name=str(model.display_name),
        state=str(model.lifecycle_state),
        tags=dict(model.freeform_tags or {}),
    )
