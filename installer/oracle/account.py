"""An Oracle account: who we are in it, where, and whether we can work with it."""

from __future__ import annotations

from typing import Any

from installer.engine.errors import AccountError, InstallError
from installer.oracle.access import AccountReport, KubeAccess
from installer.oracle.clients import Clients
from installer.oracle.clock import ALLOWED_SECONDS, offset_seconds, offset_words
from installer.oracle.profile import (
    Credentials,
    check_session,
    read_token,
    session_minutes_left,
)

CLUSTER_SERVICE, CLUSTER_LIMIT = "container-engine", "cluster-count"
# Below this an installation is likely to outlive its session.
SHORT_SESSION_MINUTES = 30.0


class Account:
    """One profile's view of Oracle. Thread-safe; nothing is sent before the first question."""

    def __init__(
        self, credentials: Credentials, endpoint: str | None = None, compartment: str = ""
    ) -> None:
        self.credentials = credentials
        self.clients = Clients(credentials, endpoint, compartment)
        self._home_region = ""
        self._domains: tuple[str, ...] = ()

    @property
    def tenancy(self) -> str:
        """The OCID of the tenancy, which is also its root compartment."""
        return self.credentials.tenancy

    @property
    def region(self) -> str:
        """The region everything but identities is made in."""
        return self.credentials.region

    def check(self) -> AccountReport:
        """Ask who we are and what there is; changes nothing.

        Raises AccountError when the credentials, the region or the clock will not do.
        """
        minutes = self.minutes_left()
        check_session(self.credentials, minutes)
        subscriptions, offset = self._subscriptions()
        home = next((each.region_name for each in subscriptions if each.is_home_region), "")
        ready = tuple(sorted(each.region_name for each in subscriptions))
        self._home_region = home
        self._require_subscription(ready)
        plan, upgrade = self._plan(home)
        return AccountReport(
            tenancy=self.tenancy,
            tenancy_name=self._tenancy_name(),
            user=self.credentials.user,
            region=self.region,
            home_region=home,
            regions=ready,
            availability_domains=self.availability_domains(),
            clock_offset=offset,
            minutes_left=minutes,
            plan=plan,
            upgrade_state=upgrade,
            clusters_allowed=self.clusters_allowed(),
            warnings=self._warnings(offset, minutes, home),
        )

    def minutes_left(self) -> float | None:
        """How long the session lasts; None for an API key, which lasts."""
        if self.credentials.token_file is None:
            return None
        return session_minutes_left(read_token(self.credentials))

    @property
    def home_region(self) -> str:
        """Where compartments and users are written; other regions refuse."""
        if not self._home_region:
            subscriptions, _ = self._subscriptions()
            self._home_region = next(
                (each.region_name for each in subscriptions if each.is_home_region), self.region
            )
        return self._home_region

    def availability_domains(self) -> tuple[str, ...]:
        """Names of the region's availability domains, in Oracle's order; asked for once."""
        if not self._domains:
            identity = self.clients.client("identity")
            found = self.clients.all(
                "reading the availability domains", identity.list_availability_domains, self.tenancy
            )
            self._domains = tuple(each.name for each in found)
        return self._domains

    def fault_domains(self, availability_domain: str) -> tuple[str, ...]:
        """Names of the fault domains of one availability domain."""
        identity = self.clients.client("identity")
        found = self.clients.all(
            "reading the fault domains",
            identity.list_fault_domains,
            self.tenancy,
            availability_domain,
        )
        return tuple(each.name for each in found)

    def clusters_allowed(self) -> int | None:
        """The service limit for clusters in the region; None when it cannot be read."""
        limits = self.clients.client("limits")
        try:
            found = self.clients.all(
                "reading the limit for clusters",
                limits.list_limit_values,
                self.tenancy,
                CLUSTER_SERVICE,
                name=CLUSTER_LIMIT,
            )
        except AccountError:
            # Reading limits needs a permission of its own; without it Oracle says so later.
            return None
        values = [each.value for each in found if each.name == CLUSTER_LIMIT]
        return int(values[0]) if values and values[0] is not None else None

    def cluster_connection(self, cluster_id: str) -> KubeAccess:
        """The way to a cluster's public API endpoint, with tokens of our own making."""
        from installer.oracle.cluster import Clusters
        from installer.oracle.tokens import TokenSource

        server, authority = Clusters(self).address(cluster_id)
        tokens = TokenSource(self.clients.signer, self.region, cluster_id)
        return KubeAccess(server, authority, tokens.token)

    def _subscriptions(self) -> tuple[list[Any], float | None]:
        identity = self.clients.client("identity")
        answer = self.clients.ask(
            "checking the credentials", lambda: identity.list_region_subscriptions(self.tenancy)
        )
        return list(answer.data), offset_seconds(answer.headers.get("date"))

    def _tenancy_name(self) -> str:
        identity = self.clients.client("identity")
        found = self.clients.find(
            "reading the tenancy's name", lambda: identity.get_tenancy(self.tenancy)
        )
        return str(found.data.name) if found else ""

    def _require_subscription(self, regions: tuple[str, ...]) -> None:
        if self.region not in regions:
            raise AccountError(
                f"The tenancy is not subscribed to region {self.region}.",
                f"It is subscribed to: {', '.join(regions) or 'no region'}.",
                "Set place.region to one of these. Free resources exist in the home region only.",
            )

    def _plan(self, home: str) -> tuple[str, str]:
        """FREE_TIER or PAYG, and how far an upgrade is; any refusal leaves both unknown."""
        client = self.clients.client("subscriptions")
        try:
            found = self.clients.all(
                "reading the subscription",
                client.list_subscriptions,
                home or self.region,
                self.tenancy,
            )
        except InstallError:
            return "", ""
        if not found:
            return "", ""
        return str(found[0].plan_type or ""), str(found[0].upgrade_state or "")

    def _warnings(self, offset: float | None, minutes: float | None, home: str) -> tuple[str, ...]:
        warnings = list(self.credentials.warnings)
        if offset is not None and abs(offset) > ALLOWED_SECONDS / 5:
            warnings.append(
                f"This machine's clock is {offset_words(offset)} Oracle's; beyond five minutes "
                "Oracle refuses everything."
            )
        if minutes is not None and minutes < SHORT_SESSION_MINUTES:
            warnings.append(
                f"The session ends in {minutes:.0f} minutes, which may be too short. It can be "
                f"prolonged while we work: oci session refresh --profile {self.credentials.profile}"
            )
        if home and home != self.region:
            warnings.append(
                f"The home region is {home}; in {self.region} nothing is free of charge."
            )
        return tuple(warnings)
