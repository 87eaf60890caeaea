"""What a tenancy holds that counts towards limits and the free allowance, whoever made it.

Limits do not know the allowance: on trial and pay-as-you-go accounts there is room that is billed.
So what exists is counted, compartment by compartment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from installer.engine.errors import AccountError
from installer.oracle.account import Account
from installer.oracle.resource import ID_TAG, NAME_TAG, Life, Resource

_A1_SHAPES = ("VM.Standard.A1.", "BM.Standard.A1.")
_AT_ONCE = 6
ROOT_NAME = "the root compartment"


class Held(StrEnum):
    """Kinds of things that use up limits and allowance."""

    MACHINE = "A1 machine"
    BOOT_VOLUME = "boot volume"
    VOLUME = "block volume"
    FLEXIBLE_BALANCER = "load balancer"
    NETWORK_BALANCER = "network load balancer"


@dataclass(frozen=True)
class Holding(Resource):
    """One thing; `ocpus` and `memory_gb` of a machine, `gb` of a volume (Oracle's GB)."""

    kind: Held = Held.MACHINE
    place: str = ""
    ocpus: float = 0.0
    memory_gb: float = 0.0
    gb: int = 0

    @property
    def words(self) -> str:
        """Such as "A1 machine web (2 OCPU, 12 GB) in backend"."""
        size = f" ({self.ocpus:g} OCPU, {self.memory_gb:g} GB)" if self.ocpus else ""
        size = f" ({self.gb} GB)" if self.gb else size
        return f"{self.kind} {self.name}{size}" + (f" in {self.place}" if self.place else "")


@dataclass(frozen=True)
class Census:
    """All holdings, and the names of compartments this user may not look into."""

    holdings: tuple[Holding, ...] = ()
    hidden: tuple[str, ...] = ()

    def of(self, *kinds: Held) -> tuple[Holding, ...]:
        """Those of these kinds."""
        return tuple(each for each in self.holdings if each.kind in kinds)

    @property
    def ocpus(self) -> float:
        """OCPUs of all A1 machines."""
        return sum(each.ocpus for each in self.holdings)

    @property
    def memory_gb(self) -> float:
        """Memory of all A1 machines."""
        return sum(each.memory_gb for each in self.holdings)

    @property
    def gb(self) -> int:
        """Boot and block volumes together."""
        return sum(each.gb for each in self.holdings)

    def only(self, when: Callable[[Holding], bool]) -> Census:
        """The part of it for which that is so."""
        return Census(tuple(each for each in self.holdings if when(each)), self.hidden)


def is_ours(resource: Resource, installation_id: str, name: str) -> bool:
    """Whether it belongs to the installation; by its name where the id is not known."""
    if installation_id:
        return resource.is_of(installation_id)
    return ID_TAG in resource.tags and resource.tags.get(NAME_TAG) == name


class Holdings:
    """Counts what one account's region holds."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._clients = account.clients

    def everywhere(self) -> Census:
        """All compartments of the tenancy; five questions for each of them."""
        places = [(self._account.tenancy, ROOT_NAME), *self._compartments()]
        with ThreadPoolExecutor(min(_AT_ONCE, len(places)), "census") as pool:
            found = list(pool.map(lambda place: self.inside(*place), places))
        return _together(found)

    def inside(self, compartment: str, name: str = "") -> Census:
        """One compartment; what this user may not list there is left out and told as hidden."""
        found: list[Holding] = []
        hidden = False
        for client, call, read in _LISTS:
            try:
                found += self._list(client, call, compartment, name, read)
            except AccountError:
                hidden = True
        there = tuple(each for each in found if each.life is not Life.GONE)
        return Census(there, (name,) if hidden else ())

    def _compartments(self) -> list[tuple[str, str]]:
        identity = self._clients.client("identity")
        found = self._clients.all(
            "listing the compartments",
            identity.list_compartments,
            self._account.tenancy,
            compartment_id_in_subtree=True,
            access_level="ACCESSIBLE",
            lifecycle_state="ACTIVE",
        )
        return [(str(each.id), str(each.name)) for each in found]

    def _list(
        self,
        client: str,
        call: str,
        compartment: str,
        name: str,
        read: _Read,
    ) -> list[Holding]:
        listed = self._clients.all(
            f"counting what {name or 'the compartment'} holds",
            getattr(self._clients.client(client), call),
            compartment_id=compartment,
        )
        return [held for each in listed if (held := read(each, name)) is not None]


def _together(parts: Sequence[Census]) -> Census:
    return Census(
        tuple(each for part in parts for each in part.holdings),
        tuple(each for part in parts for each in part.hidden),
    )


def _common(model: Any, kind: Held, place: str) -> dict[str, Any]:
    return {
        "id": str(model.id),
        "name": str(model.display_name),
        "state": str(model.lifecycle_state),
        "tags": dict(model.freeform_tags or {}),
        "kind": kind,
        "place": place,
    }


def _machine(model: Any, place: str) -> Holding | None:
    """Other shapes have no part in the plan; their boot volumes are counted as such."""
    if not str(model.shape).startswith(_A1_SHAPES):
        return None
    size = model.shape_config
    return Holding(
        **_common(model, Held.MACHINE, place),
        ocpus=float(size.ocpus or 0) if size else 0.0,
        memory_gb=float(size.memory_in_gbs or 0) if size else 0.0,
    )


def _boot_volume(model: Any, place: str) -> Holding:
    return Holding(**_common(model, Held.BOOT_VOLUME, place), gb=int(model.size_in_gbs or 0))


def _volume(model: Any, place: str) -> Holding:
    return Holding(**_common(model, Held.VOLUME, place), gb=int(model.size_in_gbs or 0))


def _balancer(model: Any, place: str) -> Holding:
    return Holding(**_common(model, Held.FLEXIBLE_BALANCER, place))


def _network_balancer(model: Any, place: str) -> Holding:
    return Holding(**_common(model, Held.NETWORK_BALANCER, place))


_Read = Callable[[Any, str], Holding | None]
# Client, its listing call, and how an item is read.
_LISTS: tuple[tuple[str, str, _Read], ...] = (
    ("compute", "list_instances", _machine),
    ("volumes", "list_boot_volumes", _boot_volume),
    ("volumes", "list_volumes", _volume),
    ("balancers", "list_load_balancers", _balancer),
    ("network_balancers", "list_network_load_balancers", _network_balancer),
)
