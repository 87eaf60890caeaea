"""Whether every service of every module answers at all."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from installer.engine.errors import ClusterError
from installer.smoke.talking import ask
from installer.smoke.trying import Check, Ended, Finding, Health, Near, NotAsExpected, World

_SETTLES = 1.0


def everything_answers(world: World) -> Iterator[Finding]:
    """One finding for each port that the modules say must answer."""
    for health in world.health:
        try:
            with world.reach(health.namespace, health.service, health.port) as near:
                _answers(near, health)
        except ClusterError as error:
            yield Finding(health.title, Ended.BAD, f"{error.what} {error.why}")
        except (NotAsExpected, OSError) as error:
            yield Finding(health.title, Ended.BAD, f"{health.service}: {error}")
        else:
            yield Finding(health.title, Ended.GOOD, f"{health.service}, port {health.port}")


def _answers(near: Near, health: Health) -> None:
    if health.path:
        answer = ask(near, "GET", health.path)
        if answer.status >= 400:
            raise NotAsExpected(f"{health.path} answers {answer.status}.")
        return
    with socket.create_connection((near.host, near.port), timeout=_SETTLES) as line:
        line.settimeout(_SETTLES)
        try:
            cut = line.recv(1) == b""
        except TimeoutError:
            cut = False  # It waits for us to speak first, as most servers do.
    if cut:
        raise NotAsExpected("it cuts the connection.")


ANSWERING = Check("Every service answers", (), everything_answers)
