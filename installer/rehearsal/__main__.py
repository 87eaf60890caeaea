"""Starts a rehearsal world: one JSON line when it answers, then on until its input ends.

    python -m installer.rehearsal --home DIR [--speed 60] [--weather FILE]

Ends with 0 after end of input or SIGTERM, 2 when the weather file is wrong, 3 when a world is
already running in the home. What goes wrong inside is in <home>/world.log.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from installer.rehearsal.oracle.regions import USUAL
from installer.rehearsal.weather import WeatherInvalid
from installer.rehearsal.world import AlreadyRunning, Settings, World

_BAD_WEATHER = 2
_ALREADY_RUNNING = 3


def main(arguments: list[str] | None = None) -> int:
    """Runs until its input ends; returns the exit code."""
    settings = _settings(arguments)
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    logging.basicConfig(
        filename=settings.home / "world.log",
        level=logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    try:
        world = World(settings)
    except WeatherInvalid as error:
        return _say("\n".join(error.problems), _BAD_WEATHER)
    except AlreadyRunning as error:
        return _say(str(error), _ALREADY_RUNNING)
    asyncio.run(_live(world))
    return 0


async def _live(world: World) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await world.start()
    print(json.dumps(world.announcement()), flush=True)  # noqa: T201 - the line others wait for
    # A thread, since not every kind of input can be watched by the loop.
    threading.Thread(target=_watch_input, args=(loop, stop), daemon=True).start()
    await stop.wait()
    await world.stop()


def _watch_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while os.read(0, 4096):
        pass
    if not loop.is_closed():
        loop.call_soon_threadsafe(stop.set)


def _settings(arguments: list[str] | None) -> Settings:
    parser = argparse.ArgumentParser(prog="installer.rehearsal", description="A rehearsal world.")
    parser.add_argument("--home", type=Path, required=True, help="where the world is kept")
    parser.add_argument(
        "--speed", type=float, default=60.0, help="simulated seconds in one second (60)"
    )
    parser.add_argument("--weather", type=Path, help="YAML file of what goes wrong")
    parser.add_argument(
        "--account",
        choices=("trial", "free", "payg"),
        default="trial",
        help="kind of account, which decides the service limits (trial)",
    )
    parser.add_argument(
        "--region",
        default=USUAL,
        help=f"home region of a new tenancy; some have three availability domains ({USUAL})",
    )
    parser.add_argument("--port", type=int, default=0, help="where to listen (that of last time)")
    given = parser.parse_args(arguments)
    if given.speed <= 0:
        parser.error("--speed must be above 0")
    return Settings(
        home=given.home.resolve(),
        speed=given.speed,
        weather=given.weather,
        account=given.account,
        port=given.port,
        region=given.region,
    )


def _say(words: str, code: int) -> int:
    print(words, file=sys.stderr)  # noqa: T201 - this program has no other voice
    return code


if __name__ == "__main__":
    sys.exit(main())
