"""Compartments: folders of a tenancy, written in the home region only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from installer.oracle.account import Account
from installer.oracle.resource import ID_TAG, NAME_TAG, Life, Resource
from installer.oracle.sdk import models

PURPOSE = "Made by health-install; removed by health-install destroy"
_OUR_TAGS = (ID_TAG, NAME_TAG)


class Compartments:
    """Compartments directly below the tenancy."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._clients = account.clients

    @property
    def _reader(self) -> Any:
        return self._clients.client("identity")

    @property
    def _writer(self) -> Any:
        return self._clients.client("identity", self._account.home_region)

    def get(self, compartment_id: str) -> Resource | None:
        """One compartment; None when absent or hidden."""
        found = self._clients.find(
            "reading the compartment", lambda: self._writer.get_compartment(compartment_id)
        )
        return _resource(found.data) if found else None

    def named(self, name: str) -> list[Resource]:
        """Those of that name that are not gone."""
        found = self._clients.all(
            "looking for the compartment",
            self._writer.list_compartments,
            self._account.tenancy,
            name=name,
        )
        return [each for each in map(_resource, found) if each.name == name and _lives(each)]

    def create(self, name: str, tags: Mapping[str, str], retry_token: str) -> str:
        """Begin one below the tenancy; returns its OCID."""
        details = models("identity").CreateCompartmentDetails(
            compartment_id=self._account.tenancy,
            name=name,
            description=PURPOSE,
            freeform_tags=dict(tags),
        )
        answer = self._clients.ask(
            f"creating the compartment {name}",
            lambda: self._writer.create_compartment(details, opc_retry_token=retry_token),
        )
        return str(answer.data.id)

    def delete(self, compartment_id: str) -> str:
        """Ask for its removal; returns the work request's id, "" when it is gone already."""
        answer = self._clients.find(
            "removing the compartment", lambda: self._writer.delete_compartment(compartment_id)
        )
        return str(answer.headers.get("opc-work-request-id") or "") if answer else ""

    def let_go(self, compartment: Resource) -> None:
        """Take our tags off, so that it is nobody's installation any more."""
        kept = {key: text for key, text in compartment.tags.items() if key not in _OUR_TAGS}
        details = models("identity").UpdateCompartmentDetails(freeform_tags=kept)
        self._clients.find(
            f"letting go of the compartment {compartment.name}",
            lambda: self._writer.update_compartment(compartment.id, details),
        )

    def removal_trouble(self, work_request: str) -> str:
        """Why a removal failed, in Oracle's words; "" while it goes on or is not told."""
        if not work_request:
            return ""
        found = self._clients.find(
            "asking how the removal goes", lambda: self._writer.get_work_request(work_request)
        )
        if found is None or found.data.status not in ("FAILED", "CANCELED"):
            return ""
        said = "; ".join(str(each.message) for each in found.data.errors or ())
        return said or "Oracle does not say why."

    def known_everywhere(self, compartment_id: str) -> str:
        """Which service does not know a new compartment yet; "" when all do.

        Identity tells the others in its own time; until then they answer 404.
        """
        network = self._clients.client("network")
        clusters = self._clients.client("clusters")
        for service, call in (
            ("network", lambda: network.list_vcns(compartment_id, limit=1)),
            ("Kubernetes", lambda: clusters.list_clusters(compartment_id, limit=1)),
        ):
            if self._clients.find(f"asking Oracle's {service} service", call) is None:
                return service
        return ""


def _lives(resource: Resource) -> bool:
    return resource.life is not Life.GONE


def _resource(model: Any) -> Resource:
    return Resource(
        id=str(model.id),
        name=str(model.name),
        state=str(model.lifecycle_state),
        tags=dict(model.freeform_tags or {}),
    )
