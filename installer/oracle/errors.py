"""Turns what the SDK raises into errors a person can act on, always with Oracle's request id.

Statuses and codes follow Oracle's public list of API errors; what each means in practice is from
reports of people who met them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from installer.engine.errors import (
    AccountError,
    InstallError,
    Parked,
    Temporary,
    Unreachable,
)
from installer.oracle.clock import ALLOWED_SECONDS, offset_seconds, offset_words
from installer.oracle.permissions import ANY_GROUP, asked_by, policy_text
from installer.oracle.sdk import part

_LONGEST = 400
# People who were throttled while launching machines did best with five minutes.
_THROTTLED_SECONDS = 60.0
_BREAKER_SECONDS = 30.0


class OutOfCapacity(Parked):
    """No machine of this shape is free in the region at the moment."""


class TokenSpent(Temporary):
    """The retry token of an open intent belongs to another request; look again, use a new one."""


class Throttled(Temporary):
    """Oracle asks for a pause."""


class NotVisible(Temporary):
    """Absent, or hidden, or not known to this service yet."""


@dataclass(frozen=True)
class Refusal:
    """A service error without its SDK type; `offset` is this clock against Oracle's, in seconds.

    `service` is the SDK's name for who refused, `place` the compartment of the installation.
    """

    doing: str
    region: str
    status: int
    code: str
    message: str
    request_id: str
    retry_after: float | None = None
    offset: float | None = None
    service: str = ""
    place: str = ""

    @property
    def policy(self) -> str:
        """How the service that refused is opened to a user who is no administrator."""
        statements = policy_text(asked_by(self.service), self.place)
        if not statements:
            return ""
        return (
            " For a user who is not an administrator, the tenancy's administrator adds to a policy "
            f"of the root compartment, with the user's group for {ANY_GROUP}:\n{statements}"
        )

    @property
    def why(self) -> str:
        """Oracle's own words with what support needs."""
        said = f"Oracle answered {self.status} {self.code}: {self.message}"
        return f"{said.rstrip('. ')} (request id {self.request_id or 'unknown'})."


def translate(
    error: BaseException, doing: str, region: str = "", place: str = ""
) -> InstallError | None:
    """Our error for one the SDK raised; None when it is none of the SDK's and so a bug of ours.

    `doing` completes "while ...", e.g. "creating the network health-vcn".
    """
    exceptions = part("exceptions")
    if isinstance(error, exceptions.ServiceError):
        return refused(refusal(error, doing, region, place))
    if isinstance(error, exceptions.ConnectTimeout | exceptions.RequestException):
        return unreachable(error, doing, region)
    if type(error).__name__ == "CircuitBreakerError":
        return Temporary(
            f"Too many failures in a row while {doing}.", _short(str(error)), "", _BREAKER_SECONDS
        )
    if isinstance(error, OSError):
        # A connection cut in the middle of an answer arrives without the SDK's wrapping.
        return unreachable(error, doing, region)
    if isinstance(error, exceptions.ClientError):
        return AccountError(
            f"The Oracle credentials cannot be used while {doing}.",
            _short(str(error)),
            "Check the profile in Oracle's configuration file.",
        )
    return None


def refusal(error: Any, doing: str, region: str, place: str = "") -> Refusal:
    """The parts of a ServiceError that we use."""
    headers: Mapping[str, str] = error.headers or {}
    return Refusal(
        doing=doing,
        region=region,
        status=int(error.status),
        code=str(error.code or "without a code"),
        message=_short(str(error.message or "no message")),
        request_id=str(error.request_id or ""),
        retry_after=_seconds(headers.get("retry-after")),
        offset=offset_seconds(headers.get("date")),
        service=str(getattr(error, "target_service", None) or ""),
        place=place,
    )


def refused(refusal: Refusal) -> InstallError:
    """The error for an answer that says no; decides whether trying again can help."""
    if "out of host capacity" in refusal.message.lower():
        return out_of_capacity(refusal.why)
    if (by_code := _BY_CODE.get(refusal.code)) is not None:
        return by_code(refusal)
    if (by_status := _BY_STATUS.get(refusal.status)) is not None:
        return by_status(refusal)
    if refusal.status >= 500 and refusal.status != 501:
        return _trouble_at_oracle(refusal)
    return InstallError(
        f"Oracle refused while {refusal.doing}.",
        refusal.why,
        "Trying again will not help. The log has the details; please report it with the request "
        "id if the answers look right.",
    )


def out_of_capacity(why: str) -> OutOfCapacity:
    """The region has no machine to give just now; nothing is wrong with the installation."""
    return OutOfCapacity(
        "Oracle has no free machine of this shape in the region at the moment.",
        why,
        "Everything made so far is kept and costs nothing: the network and a basic cluster are "
        "free. Run the same command again later, every few minutes or over days: machines become "
        "free without notice. Upgrading the account to pay-as-you-go helps most often, and free "
        "use stays free.",
    )


def unreachable(error: BaseException, doing: str, region: str) -> Unreachable:
    """Nobody answered."""
    where = f" of region {region}" if region else ""
    return Unreachable(
        f"Oracle{where} cannot be reached while {doing}.",
        _cause(error),
        "Check the network connection, a proxy or a firewall in between, and that the region is "
        "the right one. Run the same command again to go on.",
    )


def _not_authenticated(refusal: Refusal) -> InstallError:
    off = refusal.offset or 0.0
    if abs(off) > ALLOWED_SECONDS or "clock skew" in refusal.message.lower():
        return AccountError(
            f"This machine's clock is {offset_words(off)} Oracle's, which refuses more than "
            "five minutes.",
            refusal.why,
            "Set the clock (for example: sudo timedatectl set-ntp true) and run the same command "
            "again.",
        )
    return AccountError(
        f"Oracle does not accept the credentials while {refusal.doing}.",
        refusal.why,
        "Check in the profile that user, tenancy and fingerprint belong to the key, that the key "
        "is still listed under the user's API keys, and that the region is one the tenancy is "
        "subscribed to. For a session profile run: oci session authenticate",
    )


def _not_found(refusal: Refusal) -> InstallError:
    region = f" ({refusal.region})" if refusal.region else ""
    return AccountError(
        f"Oracle does not find, or does not show, what is needed while {refusal.doing}.",
        refusal.why,
        f"Either the region of the profile{region} is not the one it lives in, or this user's "
        "policies do not allow it, or the identifier in the answers is wrong." + refusal.policy,
    )


def _limit(refusal: Refusal) -> InstallError:
    if "compartment-count" in refusal.message.lower():
        return AccountError(
            f"No further compartment is allowed in this account; met while {refusal.doing}.",
            refusal.why,
            "Give the OCID of a compartment that exists already in place.compartment, or remove "
            "one that nobody needs; a removed one may count for a while.",
        )
    return AccountError(
        f"A limit of the account is reached while {refusal.doing}.",
        refusal.why,
        "Free-only accounts may have a limit of 0 for clusters; trial and pay-as-you-go accounts "
        "have at least 1. Remove what is not needed, upgrade the account or ask Oracle for a "
        "higher limit, then run the same command again. After a machine failed to start, its "
        "ghost can hold the limit for about an hour.",
    )


def _not_allowed(refusal: Refusal) -> InstallError:
    return AccountError(
        f"Oracle does not allow this account to go on while {refusal.doing}.",
        refusal.why,
        "Compartments and users are only changed in the home region; other refusals need a policy "
        "from the tenancy's administrator." + refusal.policy,
    )


def _name_taken(refusal: Refusal) -> InstallError:
    return AccountError(
        f"The name is taken already while {refusal.doing}.",
        refusal.why,
        "Choose another name in place.compartment, or give the OCID of the compartment there.",
    )


def _sign_up(refusal: Refusal) -> InstallError:
    return AccountError(
        f"A service is not open to this account while {refusal.doing}.",
        refusal.why,
        "Upgrade the account to pay-as-you-go or wait until its registration is complete.",
    )


def _incorrect_state(refusal: Refusal) -> InstallError:
    if "disabled" in refusal.message.lower():
        return AccountError(
            f"Oracle has disabled a machine of this account; met while {refusal.doing}.",
            refusal.why,
            "Only Oracle's support can enable it again. Delete it, or choose another installation "
            "name.",
        )
    return Temporary(
        f"Something is not in the right state yet while {refusal.doing}.",
        refusal.why,
        "It is usually enough to run the same command again a little later.",
        refusal.retry_after,
    )


def _conflict(refusal: Refusal) -> InstallError:
    return Temporary(
        f"Oracle is busy with something connected while {refusal.doing}.",
        refusal.why,
        "Run the same command again. If it stays so, something that is not ours still uses it: "
        "the message names it.",
        refusal.retry_after,
    )


def _token_spent(refusal: Refusal) -> InstallError:
    return TokenSpent(f"An earlier attempt is in the way while {refusal.doing}.", refusal.why)


def _throttled(refusal: Refusal) -> InstallError:
    return Throttled(
        f"Oracle asks for a pause while {refusal.doing}.",
        refusal.why,
        "Run the same command again in some minutes.",
        refusal.retry_after or _THROTTLED_SECONDS,
    )


def _changed_meanwhile(refusal: Refusal) -> InstallError:
    return Temporary(f"Somebody else changed it while {refusal.doing}.", refusal.why)


def _trouble_at_oracle(refusal: Refusal) -> InstallError:
    return Temporary(
        f"Oracle has trouble of its own while {refusal.doing}.",
        refusal.why,
        "Run the same command again later.",
        refusal.retry_after,
    )


_Translation = Callable[[Refusal], InstallError]
_BY_CODE: dict[str, _Translation] = {
    "NotAuthenticated": _not_authenticated,
    "NotAuthorizedOrNotFound": _not_found,
    "RelatedResourceNotAuthorizedOrNotFound": _not_found,
    "LimitExceeded": _limit,
    "QuotaExceeded": _limit,
    "NotAllowed": _not_allowed,
    "CompartmentAlreadyExists": _name_taken,
    "SignUpRequired": _sign_up,
    "IncorrectState": _incorrect_state,
    "InvalidatedRetryToken": _token_spent,
    "TooManyRequests": _throttled,
    "NoEtagMatch": _changed_meanwhile,
}
_BY_STATUS: dict[int, _Translation] = {
    401: _not_authenticated,
    403: _not_allowed,
    404: _not_found,
    409: _conflict,
    412: _changed_meanwhile,
    429: _throttled,
}


def _seconds(header: str | None) -> float | None:
    try:
        return float(header) if header else None
    except ValueError:
        return None


def _cause(error: BaseException) -> str:
    """The innermost reason; the outer ones repeat the address and give advice of their own."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = getattr(error, "reason", None) or next(
            (arg for arg in error.args if isinstance(arg, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            break
        error = inner
    text = str(error.args[0]) if error.args and isinstance(error.args[0], str) else str(error)
    return f"{type(error).__name__}: {_short(text)}"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 3] + "..."
