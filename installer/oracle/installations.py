"""Finds installations by the tags on what they made, for when this machine's state is lost."""

from __future__ import annotations

from installer.oracle.account import Account
from installer.oracle.belongings import Belongings
from installer.oracle.compartment import Compartments
from installer.oracle.resource import ID_TAG, NAME_TAG, Life, Resource
from installer.oracle.wanted import is_ocid


def installations_named(account: Account, compartment: str, name: str) -> tuple[str, ...]:
    """Ids of the installations of this name in the tenancy, told by their tags.

    Looks at the compartments we make, or, where one was given by its OCID, at everything in it:
    its network may have been given too.
    """
    # First, so that a session that has ended or a clock that is off is told as that.
    account.check()
    if is_ocid(compartment):
        found: list[Resource] = list(Belongings(account).inside(compartment).things)
    else:
        found = Compartments(account).named(compartment)
    ids = {
        each.tags[ID_TAG]
        for each in found
        if each.life is not Life.GONE and each.tags.get(NAME_TAG) == name and ID_TAG in each.tags
    }
    return tuple(sorted(ids))
