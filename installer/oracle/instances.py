"""Machines as they were delivered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from installer.oracle.account import Account


@dataclass(frozen=True)
class Delivered:
    """What a machine really has; `ended` when it is gone for good and only its record is left."""

    shape: str
    ocpus: float
    memory_gb: float
    ended: bool = False

    @property
    def words(self) -> str:
        """As a person would say it."""
        return f"{self.shape} with {self.ocpus:g} OCPU and {self.memory_gb:g} GB"


def is_ended(account: Account, instance_id: str) -> bool:
    """Whether the machine of that OCID is gone for good and counts no more."""
    found = _instance(account, instance_id)
    return found is None or _is_over(found)


def delivered(account: Account, instance_id: str) -> Delivered | None:
    """What the machine of that OCID has; None when it is gone or hidden from us."""
    found = _instance(account, instance_id)
    if found is None or found.shape_config is None:
        return None
    size = found.shape_config
    return Delivered(
        str(found.shape), float(size.ocpus or 0), float(size.memory_in_gbs or 0), _is_over(found)
    )


def _instance(account: Account, instance_id: str) -> Any:
    """The machine as the SDK has it; None when it is gone or hidden from us."""
    clients = account.clients
    found = clients.find(
        "looking at the machine", lambda: clients.client("compute").get_instance(instance_id)
    )
    return None if found is None else found.data


def _is_over(instance: Any) -> bool:
    return str(instance.lifecycle_state) == "TERMINATED"
