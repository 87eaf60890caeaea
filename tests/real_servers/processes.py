"""A container as a process of this machine: started, probed, stopped, its words kept."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from collections.abc import Mapping as Values
from dataclasses import dataclass, field
from pathlib import Path

from tests.real_servers.extracting import Cluster, Container, Pod
from tests.real_servers.identity import Identity, identity_of
from tests.real_servers.laying_out import Volumes
from tests.real_servers.mapping import Mapping
from tests.real_servers.programs import Image

_LOG_SHOWN = 4000


@dataclass(frozen=True)
class Process:
    """Words, variables and user of one container, ready to be run."""

    name: str
    words: tuple[str, ...]
    environment: Values[str, str] = field(repr=False)
    identity: Identity
    mapping: Mapping
    working_directory: Path = Path("/")

    @property
    def log(self) -> Path:
        return self.mapping.folder / f"{self.name}.log"

    def start(self) -> subprocess.Popen[bytes]:
        """Starts it as the leader of a process group of its own, output to the log."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.identity.command(self.words),
                env=dict(self.environment),
                cwd=self.working_directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def told(self) -> str:
        """What the process printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def trouble(self, what: str) -> str:
        """What went wrong, with everything needed to see why."""
        return "\n".join(
            [
                f"{self.name}: {what}",
                f"words: {' '.join(self.words)}",
                self.identity.remark,
                self.mapping.words(),
                "it printed last:",
                self.told()[-_LOG_SHOWN:],
            ]
        )

    def run(self, *words: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Runs other words in the same container to their end."""
        return subprocess.run(
            self.identity.command(words),
            env=dict(self.environment),
            cwd=self.working_directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )


@dataclass(frozen=True)
class Ended:
    """How a job ended: `printed` is what a log collector would have of it."""

    code: int
    printed: str
    trouble: str


@dataclass
class Site:
    """A folder of this machine on which the pods of one cluster are set up."""

    cluster: Cluster
    folder: Path
    _made: int = field(default=0)

    def prepare(
        self,
        pod: Pod,
        container: str,
        image: Image,
        ports: tuple[tuple[int, int], ...],
        more: Values[str, str] | None = None,
        *,
        beside: Mapping | None = None,
    ) -> Process:
        """Lays out one container. `more` are variables beyond the manifest's, in the container's
        terms; `beside` is the mapping of another container of the same pod, set up before."""
        one = pod.container(container)
        mapping = beside or self._mapping(pod, ports)
        identity = identity_of(pod, must_have_a_name=image.user_with_a_name)
        volumes = Volumes(self.cluster, pod, mapping, identity)
        if beside is None:
            volumes.make()
        volumes.mount(one)
        environment = {
            **image.environment,
            **one.environment(self.cluster.secrets),
            **(more or {}),
        }
        mapped = {name: mapping.text(value) for name, value in environment.items()}
        mapped.update(image.here)
        mapped["PATH"] = image.lay_out(mapping.folder / "bin")
        words = _words(one, image, mapping)
        name, folder = f"{pod.name}-{container}", image.working_directory
        return Process(name, words, mapped, identity, mapping, folder)

    def new_folder(self) -> Path:
        """An empty folder of this site, for another state of the same cluster."""
        self._made += 1
        folder = self.folder / f"again-{self._made}"
        folder.mkdir()
        return folder

    def _mapping(self, pod: Pod, ports: tuple[tuple[int, int], ...]) -> Mapping:
        self._made += 1
        folder = self.folder / f"{self._made}-{pod.name}"
        folder.mkdir()
        paths = {mount["mountPath"] for one in pod.containers for mount in one.mounts}
        services = [
            name
            for entry in self.cluster.rendered.objects
            if entry.body["kind"] == "Service"
            for name in _names(entry.body["metadata"])
        ]
        return Mapping(folder, tuple(sorted(paths)), ports, tuple(services))


def _names(metadata: Values[str, str]) -> tuple[str, str]:
    """Of a Service, for its own namespace and for all."""
    name = metadata["name"]
    return name, f"{name}.{metadata['namespace']}.svc.cluster.local"


def _words(container: Container, image: Image, mapping: Mapping) -> tuple[str, ...]:
    entrypoint = () if container.brings_command else image.entrypoint
    return tuple(mapping.text(word) for word in (*entrypoint, *container.words))


def run_to_end(process: Process, seconds: float = 120) -> Ended:
    """Runs a job's container and waits; asserts that it ends in time."""
    started = process.start()
    try:
        code = started.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise AssertionError(process.trouble(f"has not ended after {seconds} seconds")) from None
    finally:
        end_group(started)
    return Ended(code, process.told(), process.trouble(f"ended with {code}"))


def stop(started: subprocess.Popen[bytes], how: signal.Signals, seconds: float = 30) -> int | None:
    """Asks the process to stop as a kubelet does; None when it had to be killed."""
    with contextlib.suppress(ProcessLookupError):
        started.send_signal(how)
    try:
        return started.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        end_group(started)


def end_group(started: subprocess.Popen[bytes]) -> None:
    """Kills what is left of the process and everything it started in its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.wait(timeout=10)


def until(check: Callable[[], bool], seconds: float, every: float = 0.1) -> bool:
    """Whether the check came true in time."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True
