"""How to reach an account, and what there is to say about it. Loads nothing of the SDK."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from installer.oracle.account import Account

DEFAULT_CONFIG_FILE = Path("~/.oci/config")


@dataclass(frozen=True)
class Access:
    """Which profile of which file; `region` empty means the profile's.

    `auth` is "auto", "api_key", "session", "instance_principal" or "cloud_shell". `endpoint` is
    one base URL for all of Oracle's services, for a rehearsal. `compartment` is where everything
    is, by name or OCID.
    """

    config_file: Path = DEFAULT_CONFIG_FILE
    profile: str = "DEFAULT"
    auth: str = "auto"
    passphrase: str | None = field(default=None, repr=False)
    region: str = ""
    endpoint: str | None = None
    compartment: str = ""


@dataclass(frozen=True)
class AccountReport:
    """What a look at the account told.

    `clock_offset` is in seconds, positive when this machine is ahead. `minutes_left` is None for
    an API key. `plan` and `upgrade_state` are Oracle's words (FREE_TIER, PAYG; PROMO, UPGRADED) or
    empty when they cannot be read, and `clusters_allowed` the service limit or None.
    """

    tenancy: str
    tenancy_name: str
    user: str
    region: str
    home_region: str
    regions: tuple[str, ...]
    availability_domains: tuple[str, ...]
    clock_offset: float | None = None
    minutes_left: float | None = None
    plan: str = ""
    upgrade_state: str = ""
    clusters_allowed: int | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class KubeAccess:
    """The way to a cluster's API server; `token` gives one that is good for minutes at least."""

    server: str
    ca_pem: bytes
    token: Callable[[], str]


def open_account(access: Access) -> Account:
    """Read the profile and be ready to speak; nothing is sent yet.

    Raises AccountError for whatever is wrong with the file, the profile or the key.
    """
    from installer.oracle.account import Account
    from installer.oracle.profile import read_credentials

    return Account(read_credentials(access), access.endpoint, access.compartment)


def account_opener(access: Access) -> Callable[[], Account]:
    """The account on first use, the same one ever after; for steps that run side by side."""
    guard = threading.Lock()
    opened: list[Account] = []

    def opener() -> Account:
        with guard:
            if not opened:
                opened.append(open_account(access))
            return opened[0]

    return opener
