"""`health-install destroy`: remove everything that is ours, then prove that it is gone."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from installer.commands.demolition import Demolition, Keeps
from installer.commands.ending import say, tell
from installer.commands.install import printer
from installer.commands.issued import Ledger
from installer.commands.passphrase import passphrase_of
from installer.commands.public_names import (
    OUTSIDE,
    front_address,
    keeps_certificates,
    limit_warnings,
    looked_at,
    public_hosts,
    remember_certificates,
)
from installer.commands.receipt import Receipt
from installer.commands.sources import Case, case, in_our_words
from installer.engine.errors import AnswersError, ExitCode, Stopped
from installer.engine.run import Result
from installer.engine.step import StopFlag
from installer.plan import Plan, make_plan, on_oracle
from installer.prompts.stopping import stop_on_interrupt

_KEEP_IT = (
    "The passphrase of the backups goes with the cluster, and what is left of them opens with "
    "nothing else: have it kept before (health-install restore --passphrase)."
)


def run(asked: argparse.Namespace) -> int:
    """Ask for the installation's name, unless --yes; then remove in reverse and look again."""
    meant = case(asked)
    gathered = meant.gathered()
    plan = in_our_words(lambda: make_plan(gathered.answers))
    show = tell if asked.events == "json" else say
    for line in _certificates(meant, plan, keep=asked.keep_volumes):
        show(line)
    if passphrase_of(plan) is not None and not asked.delete_backups:
        show(_KEEP_IT)
    if not asked.yes:
        _confirm(meant, oracle=on_oracle(gathered.answers), keep=asked.keep_volumes)
    stop = StopFlag()
    keeps = Keeps(asked.keep_volumes, asked.keep_address, not asked.delete_backups)
    demolition = Demolition(meant, asked.installation or "", keeps)
    with demolition as workshop, stop_on_interrupt(stop, tell):
        result = workshop.destroy(plan, printer(asked.events), stop)
    if workshop.receipt is not None:
        _hand_over(workshop.receipt, meant, asked.events)
    return _end(meant, result)


def _hand_over(receipt: Receipt, meant: Case, events: str) -> None:
    """Print and keep it, also after a removal that got stuck; programs get their lines alone."""
    if not receipt.before.ours and receipt.after and not receipt.after.ours:
        return
    show = tell if events == "json" else say
    for line in receipt.lines():
        show(line)
    show(f"This receipt is kept: {receipt.write(meant.home.folder)}")


def _certificates(meant: Case, plan: Plan, *, keep: bool) -> Iterator[str]:
    """What becomes of Let's Encrypt's certificates, which are noted before they go."""
    if not keeps_certificates(plan):
        return
    if not meant.rehearsal:
        hosts = public_hosts(plan, front_address(meant.home))
        remember_certificates(looked_at(hosts, OUTSIDE), Ledger())
        yield from limit_warnings(plan, hosts, Ledger())
    if keep:
        yield (
            "Let's Encrypt's certificates stay on the kept volume. A new installation does not "
            "take that up again: it makes a volume of its own and asks for new certificates."
        )
    else:
        yield (
            "Let's Encrypt's certificates are lost with their volume; a new installation asks for "
            "new ones, of which a name gets five a week."
        )


def _confirm(meant: Case, *, oracle: bool, keep: bool) -> None:
    """Deleting data wants the name typed, not a key pressed."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise AnswersError(
            "Removing an installation must be confirmed.",
            "There is no terminal to confirm on.",
            "Add --yes if you mean it.",
        )
    data = "network; the data volumes are kept" if keep else "volumes with all data, network"
    things = f"cluster, {data}" if oracle else "services and all their data"
    say(
        f"This removes installation {meant.name}: {things}. What does not carry its tag stays.\n"
        f"Type {meant.name} to go on:"
    )
    if input().strip() != meant.name:
        raise Stopped("Nothing was removed.", "The name was not typed.", "Nothing was changed.")


def _end(meant: Case, result: Result) -> int:
    if result.error is not None:
        raise result.error
    if not result.changed:
        say(f"There is nothing of installation {meant.name}.")
    else:
        say(
            f"Installation {meant.name} is gone: every step was looked at again after its removal "
            f"and found nothing.\nThe log stays: {meant.home.log}"
        )
    return ExitCode.OK
