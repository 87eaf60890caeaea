"""`health-install restore`: what backups there are, a drill with one, and the way back."""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass

from installer.commands.ending import say, tell
from installer.commands.passphrase import passphrase_of
from installer.commands.sources import Case, case, in_our_words
from installer.commands.workshop import Workshop
from installer.engine.errors import AnswersError, ClusterError, ExitCode, Stopped
from installer.plan import Plan, make_plan

PARTS = ("databases", "files", "broker")
NAMESPACE = "health-data"
_SET = re.compile(r"^(\d{4}-\d\d-\d\dT\d{6}Z)\t(whole|unfinished)\t(\d+) bytes$", re.MULTILINE)


@dataclass(frozen=True)
class BackupSet:
    """One night's backup; without its last part it is `whole` never."""

    name: str
    whole: bool
    bytes: int

    @property
    def words(self) -> str:
        """A line for people."""
        rest = "" if self.whole else "  unfinished, cannot be brought back"
        return f"{self.name}  {self.bytes / 1e6:10.1f} MB{rest}"


def run(asked: argparse.Namespace) -> int:
    """Do the one thing that was asked for; bringing back wants the name typed, unless --yes."""
    meant = case(asked)
    gathered = meant.gathered()
    plan = in_our_words(lambda: make_plan(gathered.answers))
    with Workshop(meant) as workshop:
        if asked.passphrase:
            return _show_passphrase(workshop, plan)
        if asked.drill:
            return _drill(workshop, plan)
        found = _sets(workshop, plan)
        if asked.list:
            for one in found:
                say(one.words)
            return ExitCode.OK
        chosen = _chosen(found, asked.at or "")
        parts = tuple(asked.only or PARTS)
        if not asked.yes:
            _confirm(meant, chosen, parts)
        return _bring_back(workshop, plan, chosen, parts)


def sets_in(printed: str) -> tuple[BackupSet, ...]:
    """The sets a listing names, the newest first."""
    found = [
        BackupSet(match[1], match[2] == "whole", int(match[3])) for match in _SET.finditer(printed)
    ]
    return tuple(sorted(found, key=lambda one: one.name, reverse=True))


def _sets(workshop: Workshop, plan: Plan) -> tuple[BackupSet, ...]:
    printed = _run(workshop, plan, "restore", {"MODE": "list"})
    found = sets_in(printed.get("fetch", ""))
    if not found:
        raise ClusterError(
            "There is no backup yet.",
            "What was listed holds no set.",
            "Make one now: health-install backup. A rehearsed cluster runs no programs, so that "
            "it never has any.",
        )
    return found


def _chosen(found: tuple[BackupSet, ...], wanted: str) -> BackupSet:
    whole = [one for one in found if one.whole]
    chosen = [one for one in whole if not wanted or one.name == wanted]
    if not chosen:
        listed = ", ".join(one.name for one in whole[:10]) or "none"
        raise AnswersError(
            f"There is no whole backup {wanted}." if wanted else "There is no whole backup.",
            f"Whole ones are: {listed}.",
            "See them all: health-install restore --list",
        )
    return chosen[0]


_WORDS = {
    "databases": "healthdb and webauthn become what they were then; what is in them now is set "
    "aside as healthdb_before and webauthn_before, closed to everybody, until the next time",
    "files": "files that are missing or of another size are copied back",
    "broker": "exchanges, queues and bindings that are missing are made again",
}


def _confirm(meant: Case, chosen: BackupSet, parts: tuple[str, ...]) -> None:
    """Putting data back wants the name typed, not a key pressed."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise AnswersError(
            "Bringing a backup back must be confirmed.",
            "There is no terminal to confirm on.",
            "Add --yes if you mean it.",
        )
    say(f"This brings installation {meant.name} back to {chosen.name} (UTC):")
    for part in parts:
        say(f"  {part}: {_WORDS[part]}.")
    say(f"Whoever uses the platform meanwhile is cut off for a moment. Type {meant.name} to go on:")
    if input().strip() != meant.name:
        raise Stopped("Nothing was changed.", "The name was not typed.", "")


def _bring_back(workshop: Workshop, plan: Plan, chosen: BackupSet, parts: tuple[str, ...]) -> int:
    variables = {"MODE": "restore", "AT": chosen.name, "PARTS": " ".join(parts)}
    _say_all(_proved(_run(workshop, plan, "restore", variables), f"set {chosen.name}"))
    say(f"Backup {chosen.name} is back. See that the platform works: health-install smoke")
    return ExitCode.OK


def _drill(workshop: Workshop, plan: Plan) -> int:
    _say_all(_proved(_run(workshop, plan, "restore-drill", {}), "as they were dumped"))
    say("The newest backup can be brought back.")
    return ExitCode.OK


def _run(
    workshop: Workshop, plan: Plan, cron_job: str, variables: dict[str, str]
) -> dict[str, str]:
    """What the containers printed; raises ClusterError with it where the job failed."""
    # Here and not above: it loads an SDK.
    from installer.commands.requested import JobWanted

    told = workshop.run_job(plan, JobWanted(NAMESPACE, cron_job, variables))
    if not told.done:
        printed = "\n".join(f"{name}: {text}" for name, text in told.printed.items())
        raise ClusterError(
            f"The job {cron_job} did not come well.",
            f"It {told.words}.\n{printed}".strip(),
            "Mend what it names and run the same command again. What the databases held is "
            "untouched unless it says that one is back.",
        )
    return dict(told.printed)


def run_backup(workshop: Workshop, plan: Plan) -> None:
    """A backup now; prints what it says."""
    _say_all(_proved(_run(workshop, plan, "backup", {}), "is sent"))


def _proved(printed: dict[str, str], words: str) -> dict[str, str]:
    """The same, if it has the words that only a job which did its work prints."""
    if not any(words in text for text in printed.values()):
        raise ClusterError(
            "The job ended, but nothing shows that it did its work.",
            f'None of its containers printed "{words}". A rehearsed cluster runs no programs.',
            "See what there is: health-install restore --list",
        )
    return printed


def _say_all(printed: dict[str, str]) -> None:
    for text in printed.values():
        say(text)


def _show_passphrase(workshop: Workshop, plan: Plan) -> int:
    """Alone on standard output, the one secret that is ever printed: it is worth keeping."""
    spec = passphrase_of(plan)
    if spec is None:
        raise AnswersError(
            "This installation makes no backups.",
            "modules.disaster-recovery.target is none, or the module is switched off.",
            "Set it to oracle, s3 or volume and run health-install.",
        )
    found = workshop.secret_value(plan, spec.namespace, spec.name, spec.values[0].key)
    if not found:
        raise ClusterError(
            "The passphrase of the backups is not there yet.",
            f"The cluster has no Secret {spec.namespace}/{spec.name}.",
            "Install first: health-install",
        )
    tell("Keep this outside the cluster: without it no backup can be opened.")
    sys.stdout.write(found + "\n")
    return ExitCode.OK
