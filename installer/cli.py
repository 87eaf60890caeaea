"""The command line: parses words, then hands over to one file in `installer.commands`.

Only the standard library is imported here, so that `--help` and `--version` answer at once.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from installer.engine.errors import ExitCode

DESCRIPTION = """\
Takes you from an Oracle Cloud account to a running, private Health Data AI Platform on
Kubernetes, for 0.00 a month where Oracle's Always Free limits allow.

Without a command it opens a screen that asks, shows what the choice needs and costs, and
installs. Run again at any time: it goes on where it was, or says that nothing changed."""

FASTEST = 100_000.0

EPILOG_TOPICS = """\
examples:
  health-install --rehearse                      try everything, with no account
  health-install answers example > answers.yaml  a complete, commented answers file
  health-install --headless answers.yaml         install from a file, without questions
  health-install plan answers.yaml               what it would need, cost and change
  health-install smoke                           try everything that is installed
  health-install destroy                         remove all of it, with a proof

exit codes:
"""


class _Parser(argparse.ArgumentParser):
    """argparse ends with 2 on a wrong word; 2 means money here."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"{self.prog}: {message}", file=sys.stderr)  # noqa: T201 - before any front end
        raise SystemExit(int(ExitCode.USAGE))


def _epilog() -> str:
    codes = "\n".join(f"  {int(code):3d}  {code.meaning}" for code in ExitCode)
    return EPILOG_TOPICS + codes


class _Version(argparse.Action):
    """Looks the version up only when somebody asks: that costs more than all the parsing."""

    def __call__(self, *_given: object) -> None:
        sys.stdout.write(f"health-install {version()}\n")
        raise SystemExit(int(ExitCode.OK))


def version() -> str:
    """The installed version, as the package says it."""
    from importlib import metadata

    try:
        return metadata.version("health-install")
    except metadata.PackageNotFoundError:
        return "0 (not installed)"


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    root = _Parser(
        prog="health-install",
        description=DESCRIPTION,
        epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    root.add_argument(
        "--headless", metavar="ANSWERS", help="install from an answers file, asking nothing"
    )
    _add_rehearsal(root, default=False)
    _add_sources(root, default=None)
    _add_output(root, default=None)
    commands = root.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    _add_plan(commands)
    _add_status(commands)
    _add_destroy(commands)
    _add_doctor(commands)
    _command(commands, "smoke", "try what is installed as its users would, and say what works")
    _command(
        commands, "certificate", "print the installation's own authority, for devices to trust"
    )
    _command(commands, "backup", "make a backup now, instead of at night")
    _add_restore(commands)
    _add_render(commands)
    _command(commands, "kube-token", "print a token for kubectl; used by the kubeconfig we leave")
    _add_images(commands)
    _add_answers(commands)
    return root


def _keep(default: object) -> object:
    """A sub-command must not overwrite what was given before its name."""
    return argparse.SUPPRESS if default is argparse.SUPPRESS else default


def _speed(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= FASTEST:
        raise argparse.ArgumentTypeError(f"a number above 0 and up to {FASTEST:.0f} is needed")
    return value


def _add_rehearsal(to: argparse.ArgumentParser, default: object) -> None:
    group = to.add_argument_group("rehearsal")
    group.add_argument(
        "--rehearse",
        action="store_true",
        default=_keep(default),
        help="use an Oracle and a Kubernetes built into this program; needs no account",
    )
    none = argparse.SUPPRESS if default is argparse.SUPPRESS else None
    group.add_argument(
        "--speed", type=_speed, default=none, help="how much faster than real (default 60)"
    )
    group.add_argument(
        "--weather", metavar="FILE", default=none, help="faults to rehearse, as a YAML file"
    )


def _add_sources(to: argparse.ArgumentParser, default: object) -> None:
    group = to.add_argument_group("answers")
    group.add_argument(
        "--profile", default=_keep(default), help="named set of answers to start from"
    )
    group.add_argument(
        "--name", default=_keep(default), help="which installation (default: health)"
    )
    group.add_argument(
        "--set",
        action="append",
        metavar="PATH=VALUE",
        dest="settings",
        default=_keep(default),
        help="one answer, for example --set access.domain=health.example.org; may be repeated",
    )


def _add_output(to: argparse.ArgumentParser, default: object) -> None:
    group = to.add_argument_group("output")
    group.add_argument(
        "--plain",
        action="store_true",
        default=argparse.SUPPRESS if default is argparse.SUPPRESS else False,
        help="plain lines instead of a screen, for screen readers and simple terminals",
    )
    group.add_argument(
        "--events",
        choices=("lines", "json"),
        default=argparse.SUPPRESS if default is argparse.SUPPRESS else "lines",
        help="how a run without a screen tells what happens",
    )


def _command(
    commands: argparse._SubParsersAction[_Parser], name: str, summary: str
) -> argparse.ArgumentParser:
    made = commands.add_parser(name, help=summary, description=summary)
    _add_rehearsal(made, argparse.SUPPRESS)
    _add_sources(made, argparse.SUPPRESS)
    _add_output(made, argparse.SUPPRESS)
    return made


def _add_plan(commands: argparse._SubParsersAction[_Parser]) -> None:
    made = _command(commands, "plan", "show what would be made, what it needs and what it costs")
    made.add_argument("answers", nargs="?", metavar="ANSWERS")
    made.add_argument("--output", choices=("table", "json", "yaml"), default="table")
    made.add_argument(
        "--live", action="store_true", help="also look at what exists and show what would change"
    )
    made.add_argument(
        "--fit", action="store_true", help="say what to give up so that it fits, the least first"
    )
    made.add_argument(
        "--against",
        metavar="ALLOWANCE",
        help="judge by another of Oracle's allowances, for example always-free-2025",
    )
    made.add_argument(
        "--explain",
        metavar="SUBJECT",
        help="show where a number comes from, for example CPU; order shows namespaces and "
        "the order in which everything starts",
    )


def _add_status(commands: argparse._SubParsersAction[_Parser]) -> None:
    _command(commands, "status", "say what is installed, asked from the world, not from a file")


def _add_destroy(commands: argparse._SubParsersAction[_Parser]) -> None:
    made = _command(commands, "destroy", "remove everything that carries the installation's tag")
    made.add_argument("--yes", action="store_true", help="do not ask for the typed name")
    made.add_argument(
        "--installation",
        metavar="ID",
        help="which of several of that name, by the id in its tags; needs no state on this machine",
    )
    made.add_argument(
        "--keep-volumes",
        action="store_true",
        help="keep Oracle's data volumes, which then go on counting and may cost; says how much",
    )
    made.add_argument(
        "--keep-address",
        action="store_true",
        help="keep the reserved public address, so that a later installation can have it again",
    )
    made.add_argument(
        "--delete-backups",
        action="store_true",
        help="remove the bucket of backups with all that is in it; otherwise it stays",
    )


def _add_restore(commands: argparse._SubParsersAction[_Parser]) -> None:
    made = _command(commands, "restore", "bring a backup back, or list and try what there is")
    what = made.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="show what backups there are")
    what.add_argument(
        "--drill", action="store_true", help="try the newest backup beside everything that runs"
    )
    what.add_argument(
        "--passphrase",
        action="store_true",
        help="print what backups are encrypted with, to be kept outside the cluster",
    )
    made.add_argument("--at", metavar="BACKUP", help="which, as --list names it; else the newest")
    made.add_argument(
        "--only",
        action="append",
        choices=("databases", "files", "broker"),
        help="not everything; may be repeated",
    )
    made.add_argument("--yes", action="store_true", help="do not ask for the typed name")


def _add_doctor(commands: argparse._SubParsersAction[_Parser]) -> None:
    made = _command(commands, "doctor", "examine account or cluster, and say what to mend and how")
    made.add_argument(
        "area",
        nargs="?",
        choices=("oracle", "cluster", "policy"),
        metavar="AREA",
        help="oracle, cluster, or policy: the policy a user needs who is no administrator",
    )


def _add_render(commands: argparse._SubParsersAction[_Parser]) -> None:
    made = _command(commands, "render", "print the Kubernetes objects of the plan, without secrets")
    made.add_argument("answers", nargs="?", metavar="ANSWERS")


def _add_images(commands: argparse._SubParsersAction[_Parser]) -> None:
    made = commands.add_parser("images", help="look up the images of the plan, or take newer ones")
    verbs = made.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=_Parser)
    for name, summary in (
        ("check", "show every image: digest, platform, size, and whether it can be pulled"),
        ("refresh", "pin every image to what its tag is now; the next installation takes them"),
    ):
        verb = _command(verbs, name, summary)
        verb.add_argument("answers", nargs="?", metavar="ANSWERS")


def _add_answers(commands: argparse._SubParsersAction[_Parser]) -> None:
    made = commands.add_parser("answers", help="work with the answers file")
    verbs = made.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=_Parser)
    verbs.add_parser("example", help="print a complete, commented answers file")
    verbs.add_parser("schema", help="print the JSON Schema of the answers file")
    check = verbs.add_parser("check", help="list every mistake in an answers file")
    check.add_argument("answers", metavar="ANSWERS")


def main(words: Sequence[str] | None = None, on_screen: Callable[[Any], int] | None = None) -> int:
    """Run one command; returns its exit code.

    `on_screen` opens the screens over a desk; without it questions are asked on plain lines.
    """
    asked = parser().parse_args(words)
    asked.on_screen = on_screen
    name = (asked.command or "install").replace("-", "_")
    command = importlib.import_module(f"installer.commands.{name}")
    ending = importlib.import_module("installer.commands.ending")
    return int(ending.run(command.run, asked))
