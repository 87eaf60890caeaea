"""What Kubernetes makes at Oracle behind our back: block volumes and balancers.

Deleting a cluster does not remove them. They carry our tag because the cluster was told to put it
on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from installer.oracle.account import Account
from installer.oracle.resource import ID_TAG, NAME_TAG, Life, Resource
from installer.oracle.sdk import models

# On a volume that outlives its installation: whose it was.
KEPT_TAG = "health-install-kept"


@dataclass(frozen=True)
class Leftover(Resource):
    """A volume or a balancer. `kind` is the client that removes it; `subnets` of a balancer."""

    kind: str = ""
    noun: str = ""
    availability_domain: str = ""
    subnets: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Such as "volume csi-1 (AVAILABLE)"."""
        return f"{self.noun} {self.name} ({self.state})"


class Leftovers:
    """Volumes and balancers of one account's region."""

    def __init__(self, account: Account) -> None:
        self._clients = account.clients

    def volumes(self, compartment: str) -> list[Leftover]:
        """Block volumes that are not gone, whoever made them."""
        client = self._clients.client("volumes")
        found = self._clients.all(
            "looking for block volumes", client.list_volumes, compartment_id=compartment
        )
        volumes = (_leftover(each, "volumes", "volume") for each in found)
        return [each for each in volumes if each.life is not Life.GONE]

    def boot_volumes(self, compartment: str) -> list[Leftover]:
        """Boot volumes that are not gone, whoever made them."""
        client = self._clients.client("volumes")
        found = self._clients.all(
            "looking for boot volumes", client.list_boot_volumes, compartment_id=compartment
        )
        volumes = (_leftover(each, "boot_volumes", "boot volume") for each in found)
        return [each for each in volumes if each.life is not Life.GONE]

    def balancers(self, compartment: str) -> list[Leftover]:
        """Load balancers of both kinds that are not gone, whoever made them."""
        large = self._clients.client("balancers")
        network = self._clients.client("network_balancers")
        found = [
            _leftover(each, "balancers", "load balancer")
            for each in self._clients.all(
                "looking for load balancers", large.list_load_balancers, compartment
            )
        ]
        found += [
            _leftover(each, "network_balancers", "network load balancer")
            for each in self._clients.all(
                "looking for network load balancers",
                network.list_network_load_balancers,
                compartment,
            )
        ]
        return [each for each in found if each.life is not Life.GONE]

    def let_go(self, volume: Resource, installation: str) -> None:
        """Take our tags off a block volume; one that tells whose it was stays on it."""
        kept = {key: text for key, text in volume.tags.items() if key not in (ID_TAG, NAME_TAG)}
        details = models("core").UpdateVolumeDetails(freeform_tags={**kept, KEPT_TAG: installation})
        client = self._clients.client("volumes")
        self._clients.find(
            f"keeping the volume {volume.name}", lambda: client.update_volume(volume.id, details)
        )

    def remove(self, leftover: Leftover) -> None:
        """Ask for its removal; absent is fine."""
        name = "volumes" if leftover.kind == "boot_volumes" else leftover.kind
        client = self._clients.client(name)
        call = {
            "volumes": "delete_volume",
            "boot_volumes": "delete_boot_volume",
            "balancers": "delete_load_balancer",
            "network_balancers": "delete_network_load_balancer",
        }[leftover.kind]
        self._clients.find(
            f"removing the {leftover.noun} {leftover.name}",
            lambda: getattr(client, call)(leftover.id),
        )


def _leftover(model: Any, kind: str, noun: str) -> Leftover:
    subnets = getattr(model, "subnet_ids", None) or [getattr(model, "subnet_id", None)]
    return Leftover(
        id=str(model.id),
        name=str(model.display_name),
        state=str(model.lifecycle_state),
        tags=dict(model.freeform_tags or {}),
        kind=kind,
        noun=noun,
        availability_domain=str(getattr(model, "availability_domain", None) or ""),
        subnets=tuple(str(each) for each in subnets if each),
    )
