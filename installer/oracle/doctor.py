"""Examines everything about an account that an installation depends on; changes nothing.

Nothing here stops at the first trouble, but what needs an answer from Oracle is only asked once
there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from installer.engine.errors import InstallError
from installer.oracle.access import Access, AccountReport, open_account
from installer.oracle.account import Account
from installer.oracle.compartment import Compartments
from installer.oracle.limits import LimitsReader, Needs, is_suspended, shortages
from installer.oracle.own import held_by
from installer.oracle.permissions import asked_by, policy_text
from installer.oracle.profile import Credentials, profile_names, read_credentials
from installer.oracle.wanted import is_ocid


class Level(StrEnum):
    """How much a diagnosis matters."""

    GOOD = "good"
    HINT = "hint"
    BAD = "bad"


@dataclass(frozen=True)
class Diagnosis:
    """One thing looked at; `remedy` says what to do unless it is good."""

    level: Level
    words: str
    remedy: str = ""


def good(words: str) -> Diagnosis:
    """Something that is as it should be."""
    return Diagnosis(Level.GOOD, words)


def bad(error: InstallError) -> Diagnosis:
    """What an installation would stop at."""
    return Diagnosis(
        Level.BAD, " ".join(part for part in (error.what, error.why) if part), error.then
    )


def examine(access: Access, needs: Needs, name: str) -> Iterator[Diagnosis]:
    """Profiles, key, clock, region, kind of account, limits, permissions, in this order.

    What an installation of that name holds already is not needed again.
    """
    yield from _profiles(access)
    try:
        account = open_account(access)
    except InstallError as error:
        yield bad(error)
        return
    yield from _files(account.credentials)
    try:
        report = account.check()
    except InstallError as error:
        yield bad(error)
        return
    yield from _identity(report)
    place = _place(account, access.compartment)
    yield from _limits(account, needs, held_by(account, place, "", name))
    yield from _permissions(account, place, access.compartment)


def _profiles(access: Access) -> Iterator[Diagnosis]:
    """Every profile of the file, each tried as far as that goes without a network."""
    for name in profile_names(access.config_file):
        if name == access.profile:
            continue
        try:
            found = read_credentials(replace(access, profile=name, region="", passphrase=None))
        except InstallError as error:
            yield Diagnosis(Level.HINT, f"Profile {name}: {error.what}", error.then)
        else:
            yield good(f"Profile {name} could be used too: {_kind(found)}, region {found.region}.")


def _kind(credentials: Credentials) -> str:
    if credentials.signer is not None:
        return "Cloud Shell's user" if credentials.delegation_file else "this machine itself"
    return "a session" if credentials.token_file else "an API key"


def _files(credentials: Credentials) -> Iterator[Diagnosis]:
    if credentials.signer is not None:
        yield good(
            f"Signed in as {_kind(credentials)}, region {credentials.region}; no key needed."
        )
        return
    yield good(
        f"Profile {credentials.profile} of {credentials.config_file} is complete: "
        f"{_kind(credentials)}, region {credentials.region}."
    )
    if not credentials.warnings:
        yield good("Nobody else on this machine can read its key.")
    for warning in credentials.warnings:
        words, _, remedy = warning.partition("; run: ")
        yield Diagnosis(Level.HINT, f"{words}.", f"Run: {remedy}")


def _identity(report: AccountReport) -> Iterator[Diagnosis]:
    yield good(
        f"Oracle accepts the credentials in tenancy {report.tenancy_name or report.tenancy}."
    )
    if report.minutes_left is not None:
        yield good(f"The session lasts another {report.minutes_left:.0f} minutes.")
    if report.clock_offset is not None and not any("clock" in each for each in report.warnings):
        yield good("This machine's clock agrees with Oracle's.")
    if report.home_region == report.region:
        yield good(f"Region {report.region} is the home region, where things can be free.")
    plan = " ".join(part for part in (report.plan, report.upgrade_state) if part)
    yield good(f"Kind of account, in Oracle's words: {plan or 'not readable'}.")
    # The account tells of files too, which have been told already.
    for warning in report.warnings:
        if "; run: chmod" not in warning:
            yield Diagnosis(Level.HINT, warning, _remedy(warning))


def _remedy(warning: str) -> str:
    if "clock" in warning:
        return "Set the clock, for example: sudo timedatectl set-ntp true"
    if "home region" in warning:
        return "Leave place.region empty, or set it to the home region."
    return ""


def _limits(account: Account, needs: Needs, own: Needs) -> Iterator[Diagnosis]:
    try:
        readings = LimitsReader(account).read(needs)
    except InstallError as error:
        yield bad(error)
        return
    lacking = shortages(readings, needs, own)
    if is_suspended(readings):
        yield Diagnosis(
            Level.BAD,
            "Every limit of the account is 0, as in an account that Oracle has suspended.",
            "Ask Oracle's support why.",
        )
        return
    for each in lacking:
        yield Diagnosis(Level.BAD, f"{each.words}.", _LIMIT_REMEDY)
    unknown = [each.limit.name for each in readings if each.left is None]
    if unknown:
        yield Diagnosis(
            Level.HINT,
            f"Limits that could not be read: {', '.join(unknown)}.",
            policy_text(asked_by("limits"), ""),
        )
    if not lacking and len(unknown) < len(readings):
        yield good(f"The limits of {account.region} have room for the plan.")


_LIMIT_REMEDY = (
    "Remove what nobody needs, upgrade the account to pay-as-you-go (free use stays free), or ask "
    "Oracle for a higher limit."
)


@dataclass(frozen=True)
class _Probe:
    """A harmless question to a service; `tenancy_wide` ones are asked of the root compartment."""

    service: str
    client: str
    call: str
    title: str
    tenancy_wide: bool = False


_PROBES = (
    _Probe("identity", "identity", "list_compartments", "compartments", True),
    _Probe("virtual_network", "network", "list_vcns", "networks"),
    _Probe("container_engine", "clusters", "list_clusters", "Kubernetes clusters"),
    _Probe("compute", "compute", "list_instances", "machines"),
    _Probe("blockstorage", "volumes", "list_volumes", "volumes"),
    _Probe("load_balancer", "balancers", "list_load_balancers", "load balancers"),
    _Probe(
        "network_load_balancer",
        "network_balancers",
        "list_network_load_balancers",
        "network load balancers",
    ),
    _Probe("quotas", "quotas", "list_quotas", "quotas", True),
    _Probe("budget", "budgets", "list_budgets", "budgets", True),
)


def _permissions(account: Account, place: str, compartment: str) -> Iterator[Diagnosis]:
    seen: list[str] = []
    for probe in _PROBES:
        try:
            _ask(account, probe, place)
        except InstallError as error:
            yield _refused(probe, compartment, error)
        else:
            seen.append(probe.title)
    if seen:
        yield good(
            f"This user may look at: {', '.join(seen)}. Whether it may also make them is known "
            "when it does; health-install doctor policy prints all it needs."
        )


def _place(account: Account, compartment: str) -> str:
    """The installation's compartment where there is one already, else the root."""
    if is_ocid(compartment):
        return compartment
    try:
        found = Compartments(account).named(compartment) if compartment else []
    except InstallError:
        # Told by the probe of the compartments.
        found = []
    return found[0].id if found else account.tenancy


def _ask(account: Account, probe: _Probe, place: str) -> None:
    region, where = ("", place)
    if probe.tenancy_wide:
        # Identity, quotas and budgets are kept in the home region and in the root compartment.
        region, where = (account.home_region, account.tenancy)
    call: Callable[..., Any] = getattr(account.clients.client(probe.client, region), probe.call)
    account.clients.ask(
        f"looking at the {probe.title}", lambda: call(compartment_id=where, limit=1)
    )


def _refused(probe: _Probe, compartment: str, error: InstallError) -> Diagnosis:
    permissions = asked_by(probe.service)
    optional = all(each.optional for each in permissions)
    return Diagnosis(
        Level.HINT if optional else Level.BAD,
        f"This user may not look at {probe.title}: {error.why}",
        f"The tenancy's administrator adds to a policy:\n{policy_text(permissions, compartment)}",
    )
