"""The two caches, and commands sent by the command line the probes use."""

from __future__ import annotations

import subprocess

from tests.real_servers import programs
from tests.real_servers.mapping import LOOPBACK, stand_in_ports
from tests.real_servers.processes import Site
from tests.real_servers.servers import Server

_PORT = 6379


def cache(site: Site, name: str) -> Server:
    """A cache, laid out and not yet started."""
    pod = site.cluster.pod("StatefulSet", name)
    process = site.prepare(pod, "valkey", programs.valkey(), stand_in_ports([_PORT]))
    port = str(process.mapping.port(_PORT))
    container = pod.container("valkey")
    return Server(site.cluster, pod, container, process, more_for_probes=("-p", port))


def say(server: Server, password: str | None, *words: str) -> str:
    """The cache's answer to one command; no password means that none is sent."""
    environment = {} if password is None else {"REDISCLI_AUTH": password}
    program = str(programs.valkey().programs["valkey-cli"])
    ended = subprocess.run(
        [program, "--no-auth-warning", "-h", LOOPBACK, "-p", str(server.port("redis")), *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return (ended.stdout + ended.stderr).strip()


def ask(server: Server, *words: str) -> str:
    """The answer to one command of a client that knows the password."""
    return say(server, server.secret("password"), *words)


def setting(server: Server, name: str) -> str:
    """A setting as the running server has it."""
    return ask(server, "CONFIG", "GET", name).partition("\n")[2]
