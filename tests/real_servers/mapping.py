"""The only liberties taken with what is rendered: paths, ports, host names.

A container's file system becomes a folder, its ports become free ports of this machine, and the
names of Services become the loopback address. Everything else reaches the program as rendered.
"""

from __future__ import annotations

import random
import re
import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Below the range from which the kernel gives ports to outgoing connections.
_FIRST_PORT, _LAST_PORT = 15000, 31000
_NAME = r"[\w.-]"


@dataclass(frozen=True)
class Mapping:
    """What stands for what; `folder` stands for the container's root."""

    folder: Path
    paths: tuple[str, ...]
    ports: tuple[tuple[int, int], ...]
    hosts: tuple[str, ...]

    def path(self, container_path: str) -> Path:
        """Where a path of the container is on this machine."""
        return self.folder / container_path.lstrip("/")

    def port(self, container_port: int) -> int:
        """The port of this machine that stands for a container's."""
        return dict(self.ports)[container_port]

    def text(self, text: str) -> str:
        """A file, an argument or a value of a variable, with everything mapped."""
        for pattern, replaced in self._rules:
            text = pattern.sub(replaced, text)
        return text

    @cached_property
    def _rules(self) -> tuple[tuple[re.Pattern[str], str], ...]:
        rules = []
        if self.paths:
            longest_first = sorted(self.paths, key=len, reverse=True)
            either = "|".join(re.escape(path) for path in longest_first)
            rules.append((rf"(?<![\w/.}}-])({either})(?!{_NAME})", rf"{self.folder}\1"))
        for theirs, ours in self.ports:
            rules.append((rf"(?<!{_NAME}){theirs}(?!{_NAME})", str(ours)))
        for host in self.hosts:
            before = r"(?:(?<=//)|(?<=@)|(?<=address: )|^)"
            rules.append((rf"{before}{re.escape(host)}(?=:\d|/|,|$)", LOOPBACK))
        return tuple((re.compile(pattern), replaced) for pattern, replaced in rules)

    def words(self) -> str:
        """The whole mapping, to print beside a failure."""
        lines = [f"path {path} is {self.path(path)}" for path in self.paths]
        lines += [f"port {theirs} is {ours}" for theirs, ours in self.ports]
        lines += [f"host {host} is {LOOPBACK}" for host in self.hosts]
        return "\n".join(lines)


def free_ports(count: int) -> tuple[int, ...]:
    """So many ports in a row that nobody listens on, on any address."""
    choice = random.SystemRandom()
    for _ in range(500):
        first = choice.randrange(_FIRST_PORT, _LAST_PORT)
        row = tuple(range(first, first + count))
        if _all_free(row):
            return row
    raise AssertionError(f"no {count} free ports in a row between {_FIRST_PORT} and {_LAST_PORT}")


def stand_in_ports(ports: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """A free port for each of a container's."""
    wanted = tuple(ports)
    return tuple(zip(wanted, free_ports(len(wanted)), strict=True))


def _all_free(ports: Iterable[int]) -> bool:
    with ExitStack() as held:
        try:
            for _ in _held(ports, held):
                pass
        except OSError:
            return False
    return True


def _held(ports: Iterable[int], held: ExitStack) -> Iterator[socket.socket]:
    for port in ports:
        yield held.enter_context(socket.create_server(("", port)))
