"""The two databases and their init jobs, and questions asked through psql."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import dataclass

from tests.real_servers import programs
from tests.real_servers.extracting import Cluster
from tests.real_servers.mapping import LOOPBACK, stand_in_ports
from tests.real_servers.processes import Ended, Process, Site, run_to_end
from tests.real_servers.servers import Server

ADMINISTRATOR = "postgres"
EXPORTER = "monitoring"
_PORT = 5432
# What an older initdb does not know, by the version that brought it. Without these two texts are
# sorted by the C library under the same name, which gives the same order.
NEWER_ARGUMENTS = {17: ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")}


@dataclass(frozen=True)
class Said:
    """What psql came back with; a row is its columns joined by `|`."""

    code: int
    rows: tuple[str, ...]
    error: str

    @property
    def refused(self) -> bool:
        return self.code != 0


@dataclass(frozen=True)
class Database:
    """A database server together with the site it stands on."""

    site: Site
    server: Server

    @property
    def port(self) -> int:
        return self.server.port("postgresql")

    def ask(self, user: str, password: str | None, database: str, *statements: str) -> Said:
        """Runs statements as one user over TCP; no password means that none is sent."""
        words = [str(programs.postgresql().programs["psql"])]
        words += ["--no-psqlrc", "--no-password", "--quiet", "--tuples-only", "--no-align"]
        words += ["--set", "ON_ERROR_STOP=1", "--host", LOOPBACK, "--port", str(self.port)]
        words += ["--username", user, "--dbname", database]
        for statement in statements:
            words += ["--command", statement]
        environment = {"LC_ALL": "C.UTF-8", "PGPASSFILE": "/nonexistent"}
        if password is not None:
            environment["PGPASSWORD"] = password
        ended = subprocess.run(
            words, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        return Said(ended.returncode, tuple(ended.stdout.splitlines()), ended.stderr)

    def administrator(self, database: str, *statements: str) -> tuple[str, ...]:
        """Rows the administrator sees; asserts that the statements work."""
        password = self.server.secret("postgres-password")
        said = self.ask(ADMINISTRATOR, password, database, *statements)
        assert not said.refused, said.error
        return said.rows

    def application(self, database: str, *statements: str) -> Said:
        """The statements, as the application's role with its generated password."""
        secret = self.server.secret
        return self.ask(secret("username"), secret("password"), database, *statements)

    def init_process(self, cluster: Cluster | None = None) -> Process:
        """A new pod of the init job, by default with the Secrets the server was started with."""
        site = self.site if cluster is None else Site(cluster, self.site.new_folder())
        pod = site.cluster.pod("Job", f"{self.server.pod.name}-init")
        return site.prepare(pod, "init", programs.postgresql(), ((_PORT, self.port),))

    def init(self, cluster: Cluster | None = None) -> Ended:
        """Runs the init job to its end."""
        return run_to_end(self.init_process(cluster))


def without_newer_arguments(arguments: str, version: int) -> str:
    """The arguments of initdb that the given version knows."""
    newer = {word for since, words in NEWER_ARGUMENTS.items() if version < since for word in words}
    return " ".join(word for word in arguments.split() if word not in newer)


def database(site: Site, name: str) -> Database:
    """A database server, laid out and not yet started."""
    image = programs.postgresql()
    pod = site.cluster.pod("StatefulSet", name)
    wanted = pod.container("postgresql").environment(site.cluster.secrets)["INITDB_ARGS"]
    more = {"INITDB_ARGS": without_newer_arguments(wanted, programs.postgresql_version())}
    process = site.prepare(pod, "postgresql", image, stand_in_ports([_PORT]), more)
    # The image asks for SIGINT: a fast stop, which does not wait for clients.
    container = pod.container("postgresql")
    return Database(site, Server(site.cluster, pod, container, process, signal.SIGINT))
