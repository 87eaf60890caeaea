"""Reserved public addresses, which outlive the balancer that uses them.

Oracle names no price for an IPv4 address (its price list, read in October 2026); free-only accounts
may have one, others fifty. The balancer of a cluster can only use one of the cluster's compartment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from installer.oracle.account import Account
from installer.oracle.leftovers import KEPT_TAG
from installer.oracle.resource import ID_TAG, NAME_TAG, Life, Resource
from installer.oracle.sdk import models

_REGION, _RESERVED = "REGION", "RESERVED"


@dataclass(frozen=True)
class PublicAddress(Resource):
    """A reserved address; `digits` as people know it."""

    digits: str = ""

    @property
    def was_kept(self) -> bool:
        """Whether an earlier removal left it on purpose."""
        return KEPT_TAG in self.tags and ID_TAG not in self.tags


class PublicAddresses:
    """Reserved addresses of one account's region."""

    def __init__(self, account: Account) -> None:
        self._clients = account.clients

    @property
    def _client(self) -> Any:
        return self._clients.client("network")

    def get(self, part_id: str) -> PublicAddress | None:
        """One; None when absent."""
        found = self._clients.find(
            "reading the reserved address", lambda: self._client.get_public_ip(part_id)
        )
        return _address(found.data) if found else None

    def all_in(self, compartment: str) -> list[PublicAddress]:
        """Those of a compartment that are not gone."""
        found = self._clients.all(
            "looking for reserved addresses",
            self._client.list_public_ips,
            scope=_REGION,
            compartment_id=compartment,
            lifetime=_RESERVED,
        )
        return [each for each in map(_address, found) if each.life is not Life.GONE]

    def create(self, compartment: str, name: str, tags: Mapping[str, str], retry_token: str) -> str:
        """Begin one; returns its OCID."""
        details = models("core").CreatePublicIpDetails(
            compartment_id=compartment,
            display_name=name,
            lifetime=_RESERVED,
            freeform_tags=dict(tags),
        )
        answer = self._clients.ask(
            f"reserving the address {name}",
            lambda: self._client.create_public_ip(details, opc_retry_token=retry_token),
        )
        return str(answer.data.id)

    def take_back(self, address: PublicAddress, tags: Mapping[str, str]) -> None:
        """Put our tags on one that an earlier removal kept."""
        others = {key: text for key, text in address.tags.items() if key != KEPT_TAG}
        self._tag(address, {**others, **tags})

    def let_go(self, address: Resource, installation: str) -> None:
        """Take our tags off; one that tells whose it was stays on it."""
        kept = {key: text for key, text in address.tags.items() if key not in (ID_TAG, NAME_TAG)}
        self._tag(address, {**kept, KEPT_TAG: installation})

    def delete(self, part_id: str) -> None:
        """Ask for its removal; absent is fine."""
        self._clients.find(
            "giving the reserved address back", lambda: self._client.delete_public_ip(part_id)
        )

    def _tag(self, address: Resource, tags: Mapping[str, str]) -> None:
        details = models("core").UpdatePublicIpDetails(freeform_tags=dict(tags))
        self._clients.ask(
            f"marking the address {address.name}",
            lambda: self._client.update_public_ip(address.id, details),
        )


def _address(model: Any) -> PublicAddress:
    return PublicAddress(
        id=str(model.id),
        name=str(model.display_name),
        state=str(model.lifecycle_state),
        tags=dict(model.freeform_tags or {}),
        digits=str(model.ip_address or ""),
    )
