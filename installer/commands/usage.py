"""What a tenancy holds already, beside what is free: for the bar, the bill and a person."""

from __future__ import annotations

import math

from installer.budget.billing import AlreadyThere
from installer.budget.envelope import Envelope
from installer.conversation import Finding
from installer.oracle.holdings import Census, Held

_NAMED = 4


def already_there(others: Census, envelope: Envelope) -> AlreadyThere:
    """What others than this installation take of the allowance in a month."""
    hours = envelope.hours_per_month
    return AlreadyThere(
        ocpu_hours=math.ceil(others.ocpus * hours),
        memory_gb_hours=math.ceil(others.memory_gb * hours),
        block_gb=others.gb,
        network_balancers=len(others.of(Held.NETWORK_BALANCER)),
        flexible_balancers=len(others.of(Held.FLEXIBLE_BALANCER)),
    )


def usage_findings(others: Census, envelope: Envelope) -> list[Finding]:
    """What is there beside what is free, one sentence a kind, and what could not be counted."""
    findings = [] if others.holdings else [Finding(True, "Nothing else uses the free allowance.")]
    if others.ocpus:
        findings.append(_machines(others, envelope))
    if others.gb:
        findings.append(_volumes(others, envelope))
    findings += _balancers(others, envelope)
    if others.hidden:
        names = ", ".join(others.hidden)
        findings.append(
            Finding(False, f"Not all could be counted, for lack of permission, in: {names}.")
        )
    return findings


def _machines(others: Census, envelope: Envelope) -> Finding:
    hours, free = envelope.hours_per_month, envelope.allowance.a1
    ocpus, memory = free.ocpu_hours // hours, free.memory_gb_hours // hours
    return Finding(
        False,
        f"A1 machines there already take {others.ocpus:g} OCPU and {others.memory_gb:g} GB of the "
        f"{ocpus} and {memory} that are free all month (figures of {free.as_of}): "
        f"{_names(others, Held.MACHINE)}.",
    )


def _volumes(others: Census, envelope: Envelope) -> Finding:
    free = envelope.allowance.block_storage
    return Finding(
        False,
        f"Volumes there already take {others.gb} GB of the {free.gb} that are free (figure of "
        f"{free.as_of}): {_names(others, Held.BOOT_VOLUME, Held.VOLUME)}.",
    )


def _balancers(others: Census, envelope: Envelope) -> list[Finding]:
    free = envelope.allowance.balancers
    kinds = ((Held.FLEXIBLE_BALANCER, free.flexible), (Held.NETWORK_BALANCER, free.network))
    return [
        Finding(
            False,
            f"{len(others.of(kind))} {kind} there already, {allowed} free of charge (figure of "
            f"{free.as_of}): {_names(others, kind)}.",
        )
        for kind, allowed in kinds
        if others.of(kind)
    ]


def _names(others: Census, *kinds: Held) -> str:
    found = others.of(*kinds)
    named = ", ".join(each.words for each in found[:_NAMED])
    return named if len(found) <= _NAMED else f"{named} and {len(found) - _NAMED} more"


def account_kind(plan: str, upgrade: str, clusters: int | None) -> Finding:
    """What kind of account it is, and what that means here.

    Oracle calls free-only and trial accounts both FREE_TIER; the state of the upgrade tells them
    apart, and where it does not, the limit for clusters does.
    """
    if clusters == 0:
        return Finding(
            False,
            "Oracle allows this account no Kubernetes cluster, as is usual once a trial is over: "
            "upgrade it to pay-as-you-go (what is inside the free allowance stays free), or use "
            "target 'existing'.",
        )
    if plan == "PAYG":
        return Finding(
            True,
            "A pay-as-you-go account: nothing stops use beyond the free allowance but the plan "
            "itself and a spend lock where Oracle allows one.",
        )
    if upgrade == "PROMO":
        return Finding(
            True,
            "A trial account: when the trial ends without an upgrade, Oracle may take clusters "
            "away and stops what is beyond the free allowance.",
        )
    if plan == "FREE_TIER":
        return Finding(True, "A free-only account: Oracle refuses what would cost money.")
    return Finding(True, "The kind of account could not be read.")
