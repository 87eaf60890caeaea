"""A whole cluster in a process of its own, alive, at two thousand times the speed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

SPEED = "2000"


class Alive:
    """A cluster process that can be killed and started again."""

    def __init__(self, home: Path, weather: Path | None = None) -> None:
        self.home, self._weather = home, weather
        self._process: subprocess.Popen[str] | None = None
        self.core: Any
        self.apps: Any
        self.batch: Any

    def start(self) -> None:
        """Starts it and logs in."""
        command = [sys.executable, "-m", "installer.rehearsal.kubernetes", "--home", str(self.home)]
        command += ["--speed", SPEED]
        command += ["--weather", str(self._weather)] if self._weather else []
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        ready = json.loads(self._process.stdout.readline())
        settings = client.Configuration(host=ready["server"])
        settings.ssl_ca_cert = ready["ca_file"]
        settings.api_key = {"authorization": ready["token"]}
        settings.api_key_prefix = {"authorization": "Bearer"}
        api = client.ApiClient(settings)
        self.core, self.apps = client.CoreV1Api(api), client.AppsV1Api(api)
        self.batch = client.BatchV1Api(api)

    def kill(self) -> None:
        """SIGKILL: no chance to tidy."""
        assert self._process is not None
        self._process.kill()
        self._process.communicate()

    def stop(self) -> int:
        """Ends its input and waits; gives its exit code."""
        assert self._process is not None
        self._process.communicate(timeout=10)
        return self._process.returncode


def until(check: Callable[[], Any], seconds: float = 15.0) -> Any:
    """Waits until `check` gives something true, and gives that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"nothing came of it in {seconds} s")


@pytest.fixture(scope="module")
def alive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alive]:
    made = Alive(tmp_path_factory.mktemp("alive"))
    made.start()
    yield made
    assert made.stop() == 0


@dataclass(frozen=True)
class Room:
    """A namespace for one test."""

    alive: Alive
    name: str

    def pods(self) -> list[Any]:
        """All its pods."""
        return list(self.alive.core.list_namespaced_pod(self.name).items)

    def events(self, reason: str) -> list[Any]:
        """Its events with a reason."""
        found = self.alive.core.list_namespaced_event(self.name, field_selector=f"reason={reason}")
        return list(found.items)


@pytest.fixture
def room(alive: Alive, request: pytest.FixtureRequest) -> Iterator[Room]:
    name = f"room-{abs(hash(request.node.name)) % 10**8}"
    alive.core.create_namespace({"metadata": {"name": name}})
    yield Room(alive, name)
    alive.core.delete_namespace(name)


def pod_spec(**more: Any) -> dict[str, Any]:
    """One small container; `more` goes into the container."""
    return {"containers": [{"name": "app", "image": "example.org/app:1", **more}]}


def workload(name: str, spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A Deployment or StatefulSet of pods with this spec."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": spec}
    return {
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **more},
    }


def claim(name: str, size: str = "10Gi") -> dict[str, Any]:
    """A claim of the default class."""
    requests = {"requests": {"storage": size}}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": requests}
    return {"metadata": {"name": name}, "spec": spec}
