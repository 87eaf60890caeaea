"""What the SDK raises becomes something a person can act on; with the SDK's own exceptions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from oci._vendor.requests.structures import CaseInsensitiveDict
from oci.exceptions import ConnectTimeout, RequestException, ServiceError

from installer.engine.errors import (
    AccountError,
    ClusterError,
    ExitCode,
    InstallError,
    Parked,
    Temporary,
    Unreachable,
)
from installer.oracle.errors import OutOfCapacity, Throttled, TokenSpent, translate
from installer.oracle.node_failures import LimitReached, nodes_failed


def service_error(status: int, code: str | None, message: str, **headers: str) -> ServiceError:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    held: Any = CaseInsensitiveDict({"opc-request-id": "A/B/C", **given})
    return ServiceError(status, code, held, message)


def translated(error: BaseException) -> InstallError:
    ours = translate(error, "creating the network health-vcn", "eu-amsterdam-1")
    assert ours is not None
    return ours


CASES = [
    (400, "LimitExceeded", "vcn-count", AccountError, "limit"),
    (400, "QuotaExceeded", "quota", AccountError, "limit"),
    (400, "InvalidParameter", "cidrBlock is odd", InstallError, "refused"),
    (400, "RelatedResourceNotAuthorizedOrNotFound", "vcnId", AccountError, "does not find"),
    (401, "NotAuthenticated", "The required information", AccountError, "credentials"),
    (403, "NotAllowed", "Go to your home region", AccountError, "does not allow"),
    (403, "SignUpRequired", "not open", AccountError, "not open to this account"),
    (404, "NotAuthorizedOrNotFound", "or not found", AccountError, "does not find"),
    (409, "IncorrectState", "is PROVISIONING", Temporary, "right state"),
    (409, "IncorrectState", "is disabled, contact support", AccountError, "disabled"),
    (409, "Conflict", "subnet is in use", Temporary, "busy"),
    (409, "InvalidatedRetryToken", "used with other contents", TokenSpent, "earlier attempt"),
    (409, "CompartmentAlreadyExists", "exists", AccountError, "taken"),
    (412, "NoEtagMatch", "etag", Temporary, "changed"),
    (429, "TooManyRequests", "slow down", Throttled, "pause"),
    (500, "InternalError", "Out of host capacity.", OutOfCapacity, "no free machine"),
    (500, "InternalError", "An internal error", Temporary, "trouble of its own"),
    (503, "ServiceUnavailable", "later", Temporary, "trouble of its own"),
    (502, None, "", Temporary, "trouble of its own"),
    (501, "MethodNotImplemented", "no", InstallError, "refused"),
]


@pytest.mark.parametrize(("status", "code", "message", "kind", "said"), CASES)
def test_every_answer_becomes_the_right_kind_of_error(
    status: int, code: str, message: str, kind: type[InstallError], said: str
) -> None:
    error = translated(service_error(status, code, message))
    assert type(error) is kind or (kind is InstallError and not isinstance(error, Temporary))
    assert said in error.what
    assert error.then or isinstance(error, Temporary)


@pytest.mark.parametrize(("status", "code", "message", "kind", "said"), CASES)
def test_every_error_carries_status_code_and_request_id(
    status: int, code: str | None, message: str, kind: type[InstallError], said: str
) -> None:
    error = translated(service_error(status, code, message))
    assert f"{status} " in error.why
    assert "(request id A/B/C)" in error.why
    assert message.rstrip(".") in error.why


def test_capacity_is_parked_and_a_limit_is_not() -> None:
    full = translated(service_error(500, "InternalError", "Out of host capacity."))
    assert isinstance(full, Parked)
    assert full.exit_code == ExitCode.PARKED
    assert not isinstance(translated(service_error(400, "LimitExceeded", "x")), Parked)


def test_a_throttled_call_comes_back_when_oracle_says() -> None:
    said = translated(service_error(429, "TooManyRequests", "x", retry_after="42"))
    assert isinstance(said, Temporary)
    assert said.retry_after == 42
    unsaid = translated(service_error(429, "TooManyRequests", "x"))
    assert isinstance(unsaid, Temporary)
    assert unsaid.retry_after is not None
    assert unsaid.retry_after >= 60


@pytest.mark.parametrize(("minutes", "words"), [(-9, "9 minutes behind"), (12, "12 minutes ahead")])
def test_a_wrong_clock_is_told_in_minutes(minutes: int, words: str) -> None:
    server = datetime.now(UTC) - timedelta(minutes=minutes)
    date = format_datetime(server, usegmt=True)
    error = translated(
        service_error(401, "NotAuthenticated", "Date is not within allowed clock skew", date=date)
    )
    assert isinstance(error, AccountError)
    assert words in error.what
    assert "clock" in error.then


def test_a_right_clock_is_not_blamed() -> None:
    date = format_datetime(datetime.now(UTC), usegmt=True)
    error = translated(service_error(401, "NotAuthenticated", "The required", date=date))
    assert "clock" not in error.what
    assert "fingerprint" in error.then


def test_not_found_names_the_region_it_was_looked_for_in() -> None:
    error = translated(service_error(404, "NotAuthorizedOrNotFound", "x"))
    assert "eu-amsterdam-1" in error.then
    assert "policies" in error.then


def test_nobody_answering_is_temporary_and_says_why() -> None:
    for raised in (
        RequestException(ConnectionError("Name or service not known")),
        ConnectTimeout("timed out"),
        ConnectionResetError("reset by peer"),
    ):
        error = translated(raised)
        assert isinstance(error, Unreachable)
        assert error.exit_code == ExitCode.UNREACHABLE
        assert error.why
    assert "Name or service" in translated(RequestException(ConnectionError("Name or service"))).why


def test_an_open_circuit_breaker_is_temporary() -> None:
    from circuitbreaker import (  # type: ignore[import-untyped]
        CircuitBreaker,
        CircuitBreakerError,
    )

    error = translated(CircuitBreakerError(CircuitBreaker(name="x")))
    assert isinstance(error, Temporary)
    assert error.retry_after == 30


def test_a_bug_of_ours_is_not_dressed_up() -> None:
    assert translate(KeyError("x"), "thinking") is None


def test_long_messages_are_cut() -> None:
    error = translated(service_error(400, "InvalidParameter", "x" * 5000))
    assert len(error.why) < 600


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (
            "InternalError: 1 node(s) launch failure. First failure: (500, InternalError, false) "
            "Out of host capacity.",
            OutOfCapacity,
            "free machine",
        ),
        ("RegisterTimeout: 1 nodes(s) register timeout", ClusterError, "did not join"),
        ("LimitExceeded: standard-a1-core-count", LimitReached, "limit for machines"),
        ("Unknown: something new", ClusterError, "could not be made"),
    ],
)
def test_failed_machines_are_told_apart(said: str, kind: type[InstallError], words: str) -> None:
    error = nodes_failed([said, "", said])
    assert type(error) is kind
    assert words in error.what
    assert error.why.count(said) == 1
