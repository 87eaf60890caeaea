"""`health-install kube-token`: a token for kubectl, as its credential plugin protocol wants it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from installer.commands.sources import case
from installer.engine.errors import ExitCode, StateError
from installer.engine.state import remembered
from installer.plan import on_oracle

CLUSTER_STEP = "cluster"


def run(asked: argparse.Namespace) -> int:
    """Print a fresh token; needs no network and none of Oracle's tools."""
    from installer.commands.target import account_of
    from installer.oracle.tokens import TokenSource, exec_credential

    meant = case(asked)
    answers = meant.gathered().answers
    cluster_id = _cluster_id(meant.home.state)
    if not cluster_id or not on_oracle(answers):
        raise StateError(
            f"This machine knows no Oracle cluster of installation {meant.name}.",
            f"{meant.home.state} names none.",
            "Run health-install first, or name the installation with --name.",
        )
    account = account_of(answers, None)()
    source = TokenSource(account.clients.signer, account.region, cluster_id)
    # Straight to the one who asked: the mask would hide the very thing that is wanted.
    sys.stdout.write(exec_credential(source.token()) + "\n")
    return ExitCode.OK


def _cluster_id(path: Path) -> str | None:
    with remembered(path) as state:
        return state.recall(CLUSTER_STEP, "id") if state else None
