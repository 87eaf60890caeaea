"""Plays kubelets, and more where asked, for any API server:
`python -m installer.rehearsal.player --kubeconfig FILE`.

Prints one JSON line once it has begun; lives until SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import signal
import sys
from pathlib import Path
from typing import Any

import yaml

from installer.rehearsal.clock import Clock
from installer.rehearsal.kubernetes.world import Endpoint
from installer.rehearsal.player.nullcloud import NullCloud
from installer.rehearsal.player.player import Player, Roles
from installer.rehearsal.weather import Weather


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m installer.rehearsal.player")
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--context", default="", help="instead of the current one")
    parser.add_argument("--speed", type=float, default=60.0)
    parser.add_argument("--nodes", type=int, default=1, help="nodes of 2 OCPU and 12 GB (1)")
    parser.add_argument("--version", default="v1.36.4", help="of the kubelets")
    parser.add_argument("--weather", type=Path, help="a file of faults")
    for role in ("controllers", "scheduler", "system"):
        parser.add_argument(f"--{role}", action=argparse.BooleanOptionalAction, default=True)
    return parser.parse_args(words)


def connection(path: Path, context: str = "") -> tuple[Endpoint, str]:
    """Endpoint and bearer token of a kubeconfig; only tokens are understood here."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    chosen = _named(document, "contexts", context or document["current-context"])["context"]
    cluster = _named(document, "clusters", chosen["cluster"])["cluster"]
    user = _named(document, "users", chosen["user"])["user"]
    if "certificate-authority-data" in cluster:
        ca = base64.b64decode(cluster["certificate-authority-data"])
    else:
        ca = (path.parent / cluster["certificate-authority"]).read_bytes()
    if "token" not in user:
        raise SystemExit(f"{path}: user {chosen['user']} has no token. Give one that has.")
    return Endpoint(cluster["server"], ca), user["token"]


def _named(document: dict[str, Any], section: str, name: str) -> dict[str, Any]:
    for entry in document[section]:
        if entry["name"] == name:
            found: dict[str, Any] = entry
            return found
    raise SystemExit(f"The kubeconfig has no {section} entry named {name}.")


async def play(said: argparse.Namespace) -> None:
    """Plays until told to end."""
    endpoint, token = connection(said.kubeconfig, said.context)
    clock = Clock(said.speed)
    cloud = NullCloud(clock, nodes=said.nodes, version=said.version)
    roles = Roles(said.controllers, said.scheduler, said.system)
    weather = Weather.load(said.weather)
    player = Player(endpoint, lambda: token, clock, cloud, weather, roles)
    playing = asyncio.ensure_future(player.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, playing.cancel)
    sys.stdout.write(json.dumps({"playing": endpoint.url}) + "\n")
    sys.stdout.flush()
    with contextlib.suppress(asyncio.CancelledError):
        await playing


if __name__ == "__main__":
    asyncio.run(play(arguments()))
