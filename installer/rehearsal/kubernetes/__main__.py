"""A cluster on its own: `python -m installer.rehearsal.kubernetes --home DIR [--speed N]`.

Prints one JSON line when it answers: server, ca_file, token and kubeconfig. Lives until its
standard input ends, or until SIGTERM. What it holds stays in DIR and is there at the next start.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from installer.rehearsal.clock import Clock
from installer.rehearsal.ending import end
from installer.rehearsal.kubernetes.world import VERSION, Endpoint, KubernetesWorld
from installer.rehearsal.player.nullcloud import NullCloud
from installer.rehearsal.player.player import Player
from installer.rehearsal.shelf import Shelf
from installer.rehearsal.weather import Weather


@dataclass(frozen=True)
class Arguments:
    """What the command line said."""

    home: Path
    speed: float
    weather: Path | None
    nodes: int
    version: str
    player: bool


def arguments(words: list[str] | None = None) -> Arguments:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m installer.rehearsal.kubernetes")
    parser.add_argument("--home", type=Path, required=True, help="where the cluster is kept")
    parser.add_argument(
        "--speed", type=float, default=60.0, help="simulated seconds in a real one (60)"
    )
    parser.add_argument("--weather", type=Path, help="a file of faults")
    parser.add_argument("--nodes", type=int, default=1, help="nodes of 2 OCPU and 12 GB (1)")
    parser.add_argument("--version", default=VERSION, help=f"the version it claims ({VERSION})")
    parser.add_argument(
        "--no-player", action="store_true", help="the bare API: nothing comes alive"
    )
    said = parser.parse_args(words)
    return Arguments(
        said.home, said.speed, said.weather, said.nodes, said.version, not said.no_player
    )


def _kept_token(home: Path) -> str:
    """The administrator's token of this home, for its owner only."""
    path = home / "token"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_private(path, secrets.token_urlsafe(32))
    return path.read_text(encoding="utf-8")


def _write_private(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)


def _write_kubeconfig(path: Path, endpoint: Endpoint, ca_file: Path, token: str) -> None:
    cluster = {"server": endpoint.url, "certificate-authority": str(ca_file)}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "rehearsal", "cluster": cluster}],
        "users": [{"name": "rehearsal", "user": {"token": token}}],
        "contexts": [
            {"name": "rehearsal", "context": {"cluster": "rehearsal", "user": "rehearsal"}}
        ],
        "current-context": "rehearsal",
    }
    _write_private(path, yaml.safe_dump(document, sort_keys=False))


async def _until_told() -> None:
    """Returns at the end of standard input, or when asked to end."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)

    def read() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin.fileno())
            told.set()

    try:
        loop.add_reader(sys.stdin.fileno(), read)
    except PermissionError:
        # An ordinary file as input has no end to wait for.
        await asyncio.to_thread(sys.stdin.buffer.read)
        told.set()
    await told.wait()


async def serve(wanted: Arguments) -> None:
    """Runs the cluster until told to end."""
    home = wanted.home.resolve()
    token = _kept_token(home)
    shelf = Shelf(home / "rehearsal.sqlite")
    clock = Clock(wanted.speed, shelf)
    weather = Weather.load(wanted.weather, shelf)

    def authenticate(given: str) -> str | None:
        right = secrets.compare_digest(given.encode(), token.encode())
        return "rehearsal-admin" if right else None

    world = KubernetesWorld(home, "standalone", clock, weather, authenticate, wanted.version)
    endpoint = await world.start()
    cloud = NullCloud(clock, shelf, nodes=wanted.nodes, version=wanted.version)
    player = Player(endpoint, lambda: token, clock, cloud, weather)
    playing = asyncio.create_task(player.run()) if wanted.player else None
    try:
        _announce(home, endpoint, world.ca_file, token)
        await _until_told()
    finally:
        if playing is not None:
            await end(playing)
        await world.stop()
        clock.settle()
        shelf.close()


def _announce(home: Path, endpoint: Endpoint, ca_file: Path, token: str) -> None:
    kubeconfig = home / "kubeconfig"
    _write_kubeconfig(kubeconfig, endpoint, ca_file, token)
    line = {
        "server": endpoint.url,
        "ca_file": str(ca_file),
        "token": token,
        "kubeconfig": str(kubeconfig),
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(arguments()))
