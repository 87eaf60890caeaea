"""A rehearsal world in its own process, and the real SDK to speak to it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import oci

# Slow enough to see what is under way; tests wind the clock where they would wait.
SPEED = 20.0
_NO_RETRY = oci.retry.NoneRetryStrategy()


@dataclass
class Playground:
    """Start, kill and restart the world at `home`; clients come without retries of their own."""

    home: Path
    speed: float = SPEED
    weather: Path | None = None
    account: str = "trial"
    address: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    clients: dict[Any, Any] = field(default_factory=dict)

    def __enter__(self) -> Self:
        words = ["--home", str(self.home), "--speed", str(self.speed), "--account", self.account]
        if self.weather is not None:
            words += ["--weather", str(self.weather)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "installer.rehearsal", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.address = json.loads(self.process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=20)
        self.process.stdout.close()

    def kill_and_restart(self) -> None:
        """SIGKILL, then a new process on the same home."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.__exit__()
        self.__enter__()

    @property
    def config(self) -> dict[str, Any]:
        """What the SDK reads from the file the world has written."""
        return dict(oci.config.from_file(self.address["config_file"], self.address["profile"]))

    @property
    def tenancy(self) -> str:
        return str(self.config["tenancy"])

    def client(self, kind: Callable[..., Any], **more: Any) -> Any:
        """A client of the SDK pointed at the world."""
        settings: dict[str, Any] = {
            "service_endpoint": self.address["oracle"],
            "retry_strategy": _NO_RETRY,
            "circuit_breaker_strategy": oci.circuit_breaker.NoCircuitBreakerStrategy(),
            **more,
        }
        return kind(settings.pop("config", self.config), **settings)

    def _kept(self, kind: Callable[..., Any]) -> Any:
        """One client of a kind: making one costs more than most requests."""
        key = (kind, self.address["oracle"])
        if key not in self.clients:
            self.clients[key] = self.client(kind)
        return self.clients[key]

    @property
    def identity(self) -> Any:
        return self._kept(oci.identity.IdentityClient)

    @property
    def network(self) -> Any:
        return self._kept(oci.core.VirtualNetworkClient)

    @property
    def engine(self) -> Any:
        return self._kept(oci.container_engine.ContainerEngineClient)

    @property
    def storage(self) -> Any:
        return self._kept(oci.core.BlockstorageClient)

    @property
    def compute(self) -> Any:
        return self._kept(oci.core.ComputeClient)

    @property
    def limits(self) -> Any:
        return self._kept(oci.limits.LimitsClient)

    def control(self, path: str, body: object = None, method: str = "") -> Any:
        """A call to the world's own doors."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.address['control']}/{path}",
            data=data,
            method=method or ("POST" if data else "GET"),
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def inventory(self) -> list[dict[str, Any]]:
        """Everything that exists."""
        resources: list[dict[str, Any]] = self.control("inventory")["resources"]
        return resources

    def bad_weather(self, **rule: Any) -> None:
        """Adds one rule."""
        self.control("weather", rule)

    def wind(self, seconds: float) -> None:
        """Winds the simulated clock forward."""
        self.control("clock", {"forward": seconds})


def until(client: Any, get: Any, field_name: str, *values: str, gone: bool = False) -> Any:
    """Asks the SDK's way, again and again, until the field has one of the values."""
    deadline = time.monotonic() + 30
    while getattr(get.data, field_name) not in values:
        assert time.monotonic() < deadline, f"still {getattr(get.data, field_name)}"
        time.sleep(0.02)
        try:
            get = client.base_client.request(get.request)
        except oci.exceptions.ServiceError as error:
            if gone and error.status == 404:
                return None
            raise
    return get
