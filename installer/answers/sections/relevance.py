"""Which questions matter after which answers."""

from __future__ import annotations

from installer.answers.asking import Answered


def on_oracle(answered: Answered) -> bool:
    """The cluster is made by us, at Oracle or in rehearsal."""
    return answered.get("target", "oke") in ("oke", "rehearsal")


def with_account(answered: Answered) -> bool:
    """A real account is used; a rehearsal brings its own."""
    return answered.get("target", "oke") == "oke"


def on_existing(answered: Answered) -> bool:
    """The cluster is there already."""
    return answered.get("target", "oke") == "existing"


def with_pull_user(answered: Answered) -> bool:
    """A user name for the registry was given."""
    return bool(answered.get("images.pull_user", ""))


def with_network(answered: Answered) -> bool:
    """The cluster is made by us, in a network that exists."""
    return on_oracle(answered) and bool(answered.get("place.vcn", ""))


def with_own_address(answered: Answered) -> bool:
    """The cluster is made by us, and only one's own address may reach its control."""
    return on_oracle(answered) and answered.get("cluster.api_access_cidr") == "mine"


def with_bucket(answered: Answered) -> bool:
    """The cluster is made by us, and backups go to a bucket."""
    return on_oracle(answered) and bool(answered.get("backups.bucket", False))
