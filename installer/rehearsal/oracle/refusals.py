"""The ways Oracle says no, with the codes and words clients know.

Codes and statuses follow Oracle's public list of API errors.
"""

from __future__ import annotations

from collections.abc import Mapping


class Refused(Exception):
    """An error answer: HTTP status, Oracle's code, a message, extra headers."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def not_found(what: str = "") -> Refused:
    """404: absent, or hidden from this user; Oracle does not say which."""
    subject = f" {what}" if what else ""
    return Refused(
        404,
        "NotAuthorizedOrNotFound",
        f"Authorization failed or requested resource{subject} not found.",
    )


def related_not_found(what: str) -> Refused:
    """400: something the body refers to is absent or hidden."""
    return Refused(
        400,
        "RelatedResourceNotAuthorizedOrNotFound",
        f"Authorization failed or a resource the request refers to was not found: {what}.",
    )


def invalid(message: str) -> Refused:
    """400: a value that cannot be."""
    return Refused(400, "InvalidParameter", message)


def missing(name: str) -> Refused:
    """400: a parameter that must be given."""
    return Refused(400, "MissingParameter", f"The required parameter {name} is missing.")


def malformed(message: str) -> Refused:
    """400: a body that is not JSON, or not an object."""
    return Refused(400, "CannotParseRequest", message)


def limit_exceeded(limit: str, service: str) -> Refused:
    """400: the service limit does not allow one more."""
    return Refused(
        400,
        "LimitExceeded",
        f"The following service limits were exceeded: {limit} ({service}). "
        "Request a service limit increase from the service limits page in the console.",
    )


def conflict(message: str) -> Refused:
    """409: another thing still refers to this one."""
    return Refused(409, "Conflict", message)


def incorrect_state(what: str, state: str) -> Refused:
    """409: not possible in the state the resource is in."""
    return Refused(409, "IncorrectState", f"The resource {what} is in state {state}.")


def token_invalidated() -> Refused:
    """409: the retry token belongs to another request, or its resource is gone."""
    return Refused(
        409,
        "InvalidatedRetryToken",
        "The retry token was used with different contents, or its resource has been deleted.",
    )


def stale(etag: str) -> Refused:
    """412: if-match names another version."""
    return Refused(412, "NoEtagMatch", f"The etag does not match; the current one is {etag}.")


def not_authenticated(message: str) -> Refused:
    """401: the signature, the key or the date is not accepted."""
    return Refused(401, "NotAuthenticated", message)


def out_of_host_capacity() -> Refused:
    """500: no machine of that shape is free; the code is misleading but real."""
    return Refused(500, "InternalError", "Out of host capacity.")
