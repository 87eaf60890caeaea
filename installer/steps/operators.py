"""Whose machines may reach the Kubernetes API, when the answers say: mine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from installer.engine.errors import AnswersError
from installer.engine.step import Context
from installer.oracle.rules import Rule
from installer.oracle.wanted import ANYWHERE, MINE, NetworkPlan

FindAddress = Callable[[], str]
# The fact that keeps the block of the address found last.
_FACT = "operator"
_API_PORT = (6443, 6443)


def nobody_knows() -> str:
    """For plans that do not ask for it."""
    raise AnswersError(
        "Nobody was told how to find this machine's address.",
        "The plan lets only that address reach the Kubernetes API.",
        "Write the address into cluster.api_access_cidr.",
    )


def with_operator(ctx: Context, plan: NetworkPlan, find: FindAddress) -> NetworkPlan:
    """The plan with a block in the place of "mine".

    Found anew in every run, since it changes. Where it cannot be found, the one from before holds
    for an installation that stands already; a removal needs none.
    """
    if plan.api_access_cidr != MINE:
        return plan
    before = ctx.recall(_FACT) or ""
    if ctx.removing:
        return replace(plan, api_access_cidr=before or ANYWHERE)
    try:
        now = find()
    except AnswersError as error:
        if not before:
            raise
        ctx.note(f"{error.what} The Kubernetes API stays open to the address from before.")
        now = before
    ctx.remember(_FACT, now)
    return replace(plan, api_access_cidr=now)


def without_addresses(lines: Sequence[str], found: Sequence[Rule], own: str) -> tuple[str, ...]:
    """Differences in a form that can be shown to others: a person's address is nobody's business.

    `own` is the block now; rules found for other single machines on the API's port are earlier
    ones.
    """
    told = []
    earlier = [
        rule.words()
        for rule in found
        if rule.direction == "in" and rule.ports == _API_PORT and rule.peer.endswith("/32")
    ]
    for line in lines:
        if line.endswith(f" from {own}"):
            line = line.removesuffix(own) + "your own address"
        elif any(line == f"close inbound: {words}" for words in earlier):
            line = line.rpartition(" ")[0] + " an address of yours from before"
        told.append(line)
    return tuple(told)
