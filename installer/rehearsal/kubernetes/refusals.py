"""Refusals as the API server words them: a `Status` body with code, reason and details.

The reasons and their codes are those of `k8s.io/apimachinery` (`StatusReason`).
"""

from __future__ import annotations

from dataclasses import dataclass

from installer.rehearsal.kubernetes.kinds import Kind, Object


@dataclass(frozen=True)
class Cause:
    """One reason among several, with the field it is about."""

    reason: str
    message: str
    field: str

    def body(self) -> Object:
        """The cause as JSON."""
        return {"reason": self.reason, "message": self.message, "field": self.field}


class Refused(Exception):
    """A request the server answers with a failure Status."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        kind: Kind | None = None,
        name: str = "",
        uid: str = "",
        causes: tuple[Cause, ...] = (),
        retry_after: int = 0,
    ) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message
        self.kind, self.name, self.uid = kind, name, uid
        self.causes, self.retry_after = causes, retry_after

    def body(self) -> Object:
        """The Status document."""
        status: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        details = self._details()
        if details:
            status["details"] = details
        return status

    def _details(self) -> Object:
        details: Object = {}
        if self.name:
            details["name"] = self.name
        if self.kind is not None:
            details["group"] = self.kind.group
            # The real server puts the kind here for validation, the plural everywhere else.
            details["kind"] = self.kind.kind if self.reason == "Invalid" else self.kind.plural
        if self.uid:
            details["uid"] = self.uid
        if self.causes:
            details["causes"] = [cause.body() for cause in self.causes]
        if self.retry_after:
            details["retryAfterSeconds"] = self.retry_after
        return details


def not_found(kind: Kind, name: str) -> Refused:
    """404 for an object that is not there."""
    return Refused(404, "NotFound", f'{kind.key} "{name}" not found', kind=kind, name=name)


def no_such_path() -> Refused:
    """404 for a path that is not served."""
    return Refused(404, "NotFound", "the server could not find the requested resource")


def already_exists(kind: Kind, name: str) -> Refused:
    """409 for a create on an existing name."""
    message = f'{kind.key} "{name}" already exists'
    return Refused(409, "AlreadyExists", message, kind=kind, name=name)


def conflict(kind: Kind, name: str, why: str = "") -> Refused:
    """409 for a stale resourceVersion or a failed precondition."""
    why = why or (
        "the object has been modified; please apply your changes to the latest version "
        "and try again"
    )
    message = f'Operation cannot be fulfilled on {kind.key} "{name}": {why}'
    return Refused(409, "Conflict", message, kind=kind, name=name)


def invalid(kind: Kind, name: str, causes: tuple[Cause, ...]) -> Refused:
    """422 with all mistakes at once."""
    words = [f"{cause.field}: {cause.message}" for cause in causes]
    told = words[0] if len(words) == 1 else "[" + ", ".join(words) + "]"
    group = f".{kind.group}" if kind.group else ""
    message = f'{kind.kind}{group} "{name}" is invalid: {told}'
    return Refused(422, "Invalid", message, kind=kind, name=name, causes=causes)


def forbidden(kind: Kind, name: str, why: str) -> Refused:
    """403 with the reason in words."""
    message = f'{kind.key} "{name}" is forbidden: {why}'
    return Refused(403, "Forbidden", message, kind=kind, name=name)


def bad_request(message: str) -> Refused:
    """400 for something that cannot be read."""
    return Refused(400, "BadRequest", message)


def unauthorized() -> Refused:
    """401 for an unknown or missing token."""
    return Refused(401, "Unauthorized", "Unauthorized")


def runs_nothing() -> Refused:
    """501 for what only containers could answer: pods are played here, not run."""
    return Refused(501, "NotImplemented", "this cluster is a rehearsal and runs no containers")


def expired(message: str) -> Refused:
    """410 for a resourceVersion or continue token that is too old."""
    return Refused(410, "Expired", message)


def required(field: str, hint: str = "") -> Cause:
    """The cause for a field that must be given."""
    return Cause("FieldValueRequired", "Required value" + (f": {hint}" if hint else ""), field)


def wrong_value(field: str, value: str, hint: str) -> Cause:
    """The cause for a value that is not possible."""
    return Cause("FieldValueInvalid", f"Invalid value: {value}: {hint}", field)


def not_allowed(field: str, hint: str) -> Cause:
    """The cause for a change or a field that is not possible here."""
    return Cause("FieldValueForbidden", f"Forbidden: {hint}", field)
