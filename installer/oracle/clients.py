"""The SDK's clients: one set a thread, one retry strategy for all, no circuit breaker.

The core, balancer and key services have no retries by default, and without a strategy the SDK
sends no retry token either. The strategy is short on purpose: the engine's own loop around it can
be watched and stopped, the SDK's cannot. A circuit breaker would turn one bad minute of one service
into refusals that hide the reason.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from installer.oracle.errors import translate
from installer.oracle.principals import read_delegation_token
from installer.oracle.profile import (
    Credentials,
    check_session,
    load_key,
    read_token,
    session_minutes_left,
)
from installer.oracle.sdk import part

T = TypeVar("T")

CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
_CLIENTS = {
    "identity": ("identity", "IdentityClient"),
    "network": ("core", "VirtualNetworkClient"),
    "volumes": ("core", "BlockstorageClient"),
    "compute": ("core", "ComputeClient"),
    "clusters": ("container_engine", "ContainerEngineClient"),
    "balancers": ("load_balancer", "LoadBalancerClient"),
    "network_balancers": ("network_load_balancer", "NetworkLoadBalancerClient"),
    "objects": ("object_storage", "ObjectStorageClient"),
    "limits": ("limits", "LimitsClient"),
    "quotas": ("limits", "QuotasClient"),
    "budgets": ("budget", "BudgetClient"),
    "subscriptions": ("osp_gateway", "SubscriptionServiceClient"),
}


class Clients:
    """Hands out clients by the names above; `endpoint` replaces every service's address.

    `compartment`, by name or OCID, is what errors advise to open to the user.
    """

    def __init__(
        self, credentials: Credentials, endpoint: str | None, compartment: str = ""
    ) -> None:
        self._compartment = compartment
        self._credentials = credentials
        self._endpoint = endpoint
        self._own = threading.local()
        self._guard = threading.Lock()
        self._signer: tuple[float, Any] | None = None

    def client(self, name: str, region: str = "") -> Any:
        """This thread's client of a service, in the profile's region or another one."""
        signer = self.signer()
        known: dict[object, Any] = self._own.__dict__.setdefault("known", {})
        key = (name, region, id(signer))
        if key not in known:
            known[key] = self._build(name, region or self._credentials.region, signer)
        return known[key]

    def _build(self, name: str, region: str, signer: Any) -> Any:
        package, kind = _CLIENTS[name]
        options: dict[str, Any] = {
            "signer": signer,
            "retry_strategy": _retry_strategy(),
            "circuit_breaker_strategy": part("circuit_breaker").NoCircuitBreakerStrategy(),
            "timeout": (CONNECT_SECONDS, READ_SECONDS),
        }
        if self._endpoint:
            options["service_endpoint"] = self._endpoint
        return getattr(part(package), kind)(self._config(region), **options)

    def _config(self, region: str) -> dict[str, Any]:
        own = self._credentials
        return {
            "user": own.user,
            "tenancy": own.tenancy,
            "fingerprint": own.fingerprint,
            "key_file": str(own.key_file),
            "region": region,
            # Its log would print requests to the terminal.
            "log_requests": False,
        }

    def signer(self) -> Any:
        """What signs requests. A session's token is read again when its file has changed.

        Raises AccountError once the session is over, before Oracle refuses without a reason.
        """
        own = self._credentials
        if own.token_file is not None:
            check_session(own, session_minutes_left(read_token(own)))
        with self._guard:
            stamp = _changed(own.token_file or own.delegation_file)
            if self._signer is None or self._signer[0] != stamp:
                self._signer = (stamp, self._new_signer())
            return self._signer[1]

    def _new_signer(self) -> Any:
        own = self._credentials
        if own.signer is not None:
            # It renews itself; only for whom it speaks is told by a file.
            if own.delegation_file is not None:
                own.signer.delegation_token = read_delegation_token(own.delegation_file)
            return own.signer
        if own.token_file is not None:
            return part("auth.signers").SecurityTokenSigner(read_token(own), load_key(own))
        passphrase = own.passphrase.encode() if own.passphrase else None
        return part("signer").Signer(
            own.tenancy, own.user, own.fingerprint, str(own.key_file), passphrase
        )

    # -- calling ------------------------------------------------------------------------------

    def ask(self, doing: str, call: Callable[[], T]) -> T:
        """The call's result; whatever the SDK raises comes out as an error of ours."""
        try:
            return call()
        except Exception as error:
            ours = translate(error, doing, self._credentials.region, self._compartment)
            if ours is None:
                raise
            raise ours from error

    def find(self, doing: str, call: Callable[[], T]) -> T | None:
        """Like `ask`, but None for what is absent (or hidden: Oracle does not say which)."""
        missing = part("exceptions").ServiceError

        def lenient() -> T | None:
            try:
                return call()
            except missing as error:
                if error.status == 404:
                    return None
                raise

        return self.ask(doing, lenient)

    def all(self, doing: str, call: Callable[..., Any], *args: Any, **options: Any) -> list[Any]:
        """Every item of a list, over all its pages."""
        pages = part("pagination").list_call_get_all_results
        return list(self.ask(doing, lambda: pages(call, *args, **options)).data)


def _changed(path: Path | None) -> float:
    try:
        return path.stat().st_mtime if path else 0.0
    except OSError:
        return -1.0


def _retry_strategy() -> Any:
    """Three quick repeats of a call that hit a hiccup; longer troubles are the engine's."""
    return (
        part("retry")
        .RetryStrategyBuilder(
            max_attempts=4,
            total_elapsed_time_seconds=60,
            retry_base_sleep_time_seconds=0.3,
            retry_max_wait_between_calls_seconds=3,
            decorrelated_jitter=0.3,
            service_error_retry_config={-1: [], 409: ["LockConflict"], 429: []},
        )
        .get_retry_strategy()
    )
