"""Tells apart why machines did not come, from Oracle's sentences.

The words come from reports: a full region says "Out of host capacity" inside a work request whose
creating call succeeded; machines that cannot reach their control plane say "register timeout", half
an hour to more than an hour later, which is about network rules and never about capacity.
"""

from __future__ import annotations

from collections.abc import Iterable

from installer.engine.errors import AccountError, ClusterError, InstallError
from installer.oracle.errors import out_of_capacity

_FULL = ("out of host capacity", "out of capacity")
_LIMITED = ("limitexceeded", "quotaexceeded", "service limit")


class LimitReached(AccountError):
    """The account may not have such a machine, in this availability domain at least."""


def nodes_failed(sentences: Iterable[str]) -> InstallError:
    """The error for a pool whose machines failed with these words."""
    said = list(dict.fromkeys(each for each in sentences if each))
    why = f"Oracle says: {'; '.join(said) or 'nothing more'}"
    lower = why.lower()
    if any(words in lower for words in _FULL):
        return out_of_capacity(why)
    if "register timeout" in lower:
        return ClusterError(
            "The machine started but did not join the cluster.",
            why,
            "This is about network rules, not capacity: the nodes' subnet must reach ports 6443 "
            "and 12250 of the API subnet and Oracle's services on 443. Run the same command "
            "again; it compares every rule and repairs what differs before it tries again.",
        )
    if any(words in lower for words in _LIMITED):
        return LimitReached(
            "The account's limit for machines of this shape is reached.",
            why,
            "Remove machines that are not needed, or ask Oracle for a higher limit. After a "
            "machine failed to start, its ghost can hold the limit for about an hour; then run "
            "the same command again.",
        )
    return ClusterError(
        "The cluster's machine could not be made.",
        why,
        "Run the same command again: it removes the failed pool and makes a new one.",
    )
