"""Work requests: how Oracle's Kubernetes service tells of work that takes minutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from installer.oracle.account import Account

_ENDED_BADLY = ("FAILED", "CANCELED", "CANCELING")


@dataclass(frozen=True)
class WorkRequest:
    """One piece of work; `resources` are the OCIDs it is about."""

    id: str
    operation: str
    status: str
    resources: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether it ended, or is about to end, without success."""
        return self.status in _ENDED_BADLY

    @property
    def succeeded(self) -> bool:
        """Whether it ended well."""
        return self.status == "SUCCEEDED"

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.failed or self.succeeded

    @property
    def words(self) -> str:
        """Such as "the work is in progress"."""
        return f"the work is {self.status.lower().replace('_', ' ')}"


class WorkRequests:
    """Those of the container engine."""

    def __init__(self, account: Account) -> None:
        self._clients = account.clients

    @property
    def _client(self) -> Any:
        return self._clients.client("clusters")

    def get(self, request_id: str) -> WorkRequest | None:
        """One work request; None when it is not known, or no longer."""
        found = self._clients.find(
            "asking how the work goes", lambda: self._client.get_work_request(request_id)
        )
        return _work_request(found.data) if found else None

    def latest(self, compartment: str, resource_id: str) -> WorkRequest | None:
        """The newest work request about a resource; None when there is none any more."""
        found = self._clients.all(
            "looking for work in progress",
            self._client.list_work_requests,
            compartment,
            resource_id=resource_id,
            sort_by="TIME_ACCEPTED",
            sort_order="DESC",
        )
        return _work_request(found[0]) if found else None

    def errors(self, compartment: str, request_id: str) -> tuple[str, ...]:
        """What went wrong, one sentence each; empty when Oracle does not say."""
        found = self._clients.find(
            "asking what went wrong",
            lambda: self._client.list_work_request_errors(compartment, request_id),
        )
        return tuple(f"{each.code}: {each.message}" for each in found.data) if found else ()


def _work_request(model: Any) -> WorkRequest:
    return WorkRequest(
        id=str(model.id),
        operation=str(model.operation_type or ""),
        status=str(model.status or ""),
        resources=tuple(str(each.identifier) for each in model.resources or () if each.identifier),
    )
