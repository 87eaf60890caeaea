"""Every kind of network part, by the same five verbs: read, list, make, change, remove."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from installer.oracle.clients import Clients
from installer.oracle.resource import Life, Resource
from installer.oracle.sdk import models

P_co = TypeVar("P_co", bound=Resource, covariant=True)


@dataclass(frozen=True)
class Kind(Generic[P_co]):
    """One kind: `noun` as people say it, `operation` as the SDK's calls have it ("route_table" of
    `get_route_table`), and `read`, which makes our value of the SDK's.

    Not every list of Oracle's can be asked for a name.
    """

    noun: str
    operation: str
    read: Callable[[Any], P_co]
    listed_by_name: bool = True

    def details(self, verb: str, **fields: Any) -> Any:
        """What a call takes, for instance `CreateRouteTableDetails`."""
        model = "".join(word.capitalize() for word in self.operation.split("_"))
        return getattr(models("core"), f"{verb}{model}Details")(**fields)


class Parts(Generic[P_co]):
    """All parts of one kind in one account's region."""

    def __init__(self, clients: Clients, kind: Kind[P_co]) -> None:
        self._clients = clients
        self._kind = kind

    def get(self, part_id: str) -> P_co | None:
        """One by its OCID; None when absent."""
        call = self._call(f"get_{self._kind.operation}")
        found = self._clients.find(f"reading the {self._kind.noun}", lambda: call(part_id))
        return self._kind.read(found.data) if found else None

    def all(self, compartment: str, vcn: str = "", name: str = "") -> list[P_co]:
        """Those of a compartment that are not gone; of one network and one name where given."""
        asked = {"vcn_id": vcn, "display_name": name if self._kind.listed_by_name else ""}
        where = {key: text for key, text in asked.items() if text}
        call = self._call(f"list_{self._kind.operation}s")
        doing = f"looking for the {self._kind.noun}"
        listed = self._clients.all(doing, call, compartment_id=compartment, **where)
        found = [each for each in map(self._kind.read, listed) if each.life is not Life.GONE]
        return [each for each in found if not name or each.name == name]

    def create(
        self, compartment: str, name: str, tags: Mapping[str, str], retry_token: str, **more: Any
    ) -> str:
        """Begin one, with whatever else its kind needs; returns its OCID."""
        details = self._kind.details(
            "Create",
            compartment_id=compartment,
            display_name=name,
            freeform_tags=dict(tags),
            **more,
        )
        call = self._call(f"create_{self._kind.operation}")
        answer = self._clients.ask(
            f"creating the {self._kind.noun} {name}",
            lambda: call(details, opc_retry_token=retry_token),
        )
        return str(answer.data.id)

    def change(self, part_id: str, **fields: Any) -> None:
        """Set some of its fields and leave the others."""
        call = self._call(f"update_{self._kind.operation}")
        details = self._kind.details("Update", **fields)
        self._clients.ask(f"changing the {self._kind.noun}", lambda: call(part_id, details))

    def delete(self, part_id: str) -> None:
        """Ask for its removal; absent is fine."""
        call = self._call(f"delete_{self._kind.operation}")
        self._clients.find(f"removing the {self._kind.noun}", lambda: call(part_id))

    def _call(self, name: str) -> Callable[..., Any]:
        call: Callable[..., Any] = getattr(self._clients.client("network"), name)
        return call


def common(model: Any) -> dict[str, Any]:
    """What every kind has, as arguments of a `Resource`."""
    return {
        "id": str(model.id),
        "name": str(model.display_name),
        "state": str(model.lifecycle_state),
        "tags": dict(model.freeform_tags or {}),
    }
