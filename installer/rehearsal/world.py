"""The whole rehearsal in one process: the Oracle, and for each cluster a Kubernetes that lives."""

from __future__ import annotations

import asyncio
import fcntl
import importlib
import importlib.util
import logging
import secrets
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol

from aiohttp import web

from installer.rehearsal.clock import Clock
from installer.rehearsal.ending import end
from installer.rehearsal.oracle.catalogue import ROUTES
from installer.rehearsal.oracle.cluster_cloud import ClusterCloud
from installer.rehearsal.oracle.control import Control
from installer.rehearsal.oracle.credentials import private_key, settle_in
from installer.rehearsal.oracle.machine_identity import MachineIdentity
from installer.rehearsal.oracle.regions import USUAL
from installer.rehearsal.oracle.service import OracleService
from installer.rehearsal.oracle.signatures import Notary
from installer.rehearsal.oracle.tenancy import AccountKind, ClusterAddress, Tenancy
from installer.rehearsal.oracle.tokens import verify_token
from installer.rehearsal.registry.service import RegistryService
from installer.rehearsal.shelf import Shelf
from installer.rehearsal.weather import Weather

_KUBERNETES = "installer.rehearsal.kubernetes.world"
_PLAYER = "installer.rehearsal.player.player"
_LOOK_EVERY_REAL_SECONDS = 0.1
_LOCK_TRIES = 50
_LOCK_PAUSE = 0.1
_PLAYER_USER = "system:rehearsal-player"
_log = logging.getLogger(__name__)


class AlreadyRunning(Exception):
    """Another process is running a world in this home."""


@dataclass(frozen=True)
class Settings:
    """How a world is started. `port` 0: the one of last time, if it is free.

    `region` is the home of a tenancy that is new; one that is there stays where it is.
    """

    home: Path
    speed: float = 60.0
    weather: Path | None = None
    account: AccountKind = "trial"
    port: int = 0
    region: str = USUAL


class _Endpoint(Protocol):
    @property
    def url(self) -> str: ...

    @property
    def ca_pem(self) -> bytes: ...


class _Kubernetes(Protocol):
    async def start(self) -> _Endpoint: ...

    async def stop(self) -> None: ...

    async def wipe(self) -> None: ...


@dataclass
class _Hosted:
    kubernetes: _Kubernetes
    player: asyncio.Task[None] | None


class World:
    """Everything there is in a home; `start` opens it, `stop` closes it, a kill does no harm."""

    def __init__(self, settings: Settings) -> None:
        """Raises AlreadyRunning, WeatherInvalid."""
        self._settings = settings
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _locked(settings.home / "world.lock")
        self._shelf = Shelf(settings.home / "oracle.sqlite")
        # Apart from the rest: a refused request undoes its changes, not the time or the weather.
        self._conditions = Shelf(settings.home / "conditions.sqlite")
        self.clock = Clock(settings.speed, self._conditions)
        self.weather = Weather.load(settings.weather, self._conditions)
        identity, public_key = settle_in(settings.home, self._shelf, settings.region)
        self.notary = Notary({identity.key_id: public_key}, session_key=public_key)
        hosting = importlib.util.find_spec(_KUBERNETES) is not None
        self.tenancy = Tenancy(
            identity, self._shelf, self.clock, self.weather, settings.account, hosting
        )
        self.service = OracleService(self.tenancy, self.notary, ROUTES)
        self._hosted: dict[str, _Hosted] = {}
        self._runner: web.AppRunner | None = None
        self._tending: asyncio.Task[None] | None = None
        self.url = ""

    def announcement(self) -> dict[str, str]:
        """What somebody needs to use this world."""
        return {
            "oracle": self.url,
            "registry": self.url,
            "config_file": str(self._settings.home / "oci" / "config"),
            "profile": "DEFAULT",
            "control": f"{self.url}/rehearsal",
        }

    async def start(self) -> None:
        """Returns when the world answers, clusters of earlier starts included."""
        application = web.Application(client_max_size=16 * 1024 * 1024)
        application.add_routes(Control(self.tenancy, self.service).routes())
        machine = MachineIdentity(self.tenancy.identity, private_key(self._settings.home))
        application.add_routes(machine.routes())
        registry = RegistryService(self._conditions, self.weather, self.service.note)
        application.add_routes(registry.routes())
        application.router.add_route("*", "/{path:.*}", self.service.serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        self.url = f"http://127.0.0.1:{await self._listen(self._runner)}"
        await self._tend_once()
        self._tending = asyncio.create_task(self._tend())

    async def stop(self) -> None:
        """Closes everything; the next start finds it as it was."""
        if self._tending is not None:
            await end(self._tending)
        for cluster in list(self._hosted):
            await self._leave(cluster)
        if self._runner is not None:
            await self._runner.cleanup()
        self.clock.settle()
        self._conditions.close()
        self._shelf.close()
        self._lock.close()

    async def _listen(self, runner: web.AppRunner) -> int:
        kept = self._shelf.get("settings", "port") or {"port": 0}
        for port in dict.fromkeys((self._settings.port or int(kept["port"]), 0)):
            try:
                await web.TCPSite(runner, "127.0.0.1", port).start()
            except OSError:
                # Another program has taken the port meanwhile.
                continue
            break
        bound = int(runner.addresses[0][1])
        self._shelf.put("settings", "port", {"port": bound})
        return bound

    async def _tend(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_REAL_SECONDS)
            try:
                await self._tend_once()
            except Exception:  # noqa: BLE001 - one cluster's trouble must not end the world
                _log.exception("A cluster of the rehearsal could not be tended.")

    async def _tend_once(self) -> None:
        """Hosts clusters that came, leaves those that went, restarts players that fell."""
        if not self.tenancy.hosting:
            return
        registry = self.tenancy.registry
        living = {record.id: record for record in registry.living("cluster")}
        for ocid, record in living.items():
            if ocid not in self._hosted:
                await self._host(ocid, str(record.body["kubernetesVersion"]))
        for ocid in [ocid for ocid in self._hosted if ocid not in living]:
            await self._leave(ocid, wipe=True)

    async def _host(self, cluster: str, version: str) -> None:
        module: Any = importlib.import_module(_KUBERNETES)
        player_token = secrets.token_urlsafe(24)
        kubernetes: _Kubernetes = module.KubernetesWorld(
            self._settings.home / "clusters",
            cluster[-12:],
            self.clock,
            self.weather,
            partial(self.authenticate, cluster, player_token),
            version,
        )
        endpoint = await kubernetes.start()
        self.tenancy.publish_address(cluster, ClusterAddress(endpoint.url, endpoint.ca_pem))
        self._hosted[cluster] = _Hosted(kubernetes, self._play(cluster, endpoint, player_token))

    def authenticate(self, cluster: str, player_token: str, token: str) -> str | None:
        """Who a bearer token belongs to: the tenancy's user, the cluster's player, or nobody."""
        if secrets.compare_digest(token.encode(), player_token.encode()):
            return _PLAYER_USER
        return verify_token(self.notary, cluster, token, self.tenancy.identity.region.name)

    def _play(self, cluster: str, endpoint: _Endpoint, token: str) -> asyncio.Task[None] | None:
        if importlib.util.find_spec(_PLAYER) is None:
            return None
        module: Any = importlib.import_module(_PLAYER)
        cloud = ClusterCloud(self.tenancy, cluster)
        player = module.Player(endpoint, lambda: token, self.clock, cloud, self.weather)
        return asyncio.create_task(_supervised(player.run, cluster))

    async def _leave(self, cluster: str, *, wipe: bool = False) -> None:
        hosted = self._hosted.pop(cluster)
        if hosted.player is not None:
            await end(hosted.player)
        if wipe:
            await hosted.kubernetes.wipe()
        else:
            await hosted.kubernetes.stop()


async def _supervised(run: Any, cluster: str) -> None:
    """A player that falls is put back; what it had in hand it finds again in the cluster."""
    while True:
        try:
            await run()
        except Exception:  # noqa: BLE001 - reported, and tried again
            _log.exception("The player of %s fell.", cluster)
        await asyncio.sleep(0.5)


def _locked(path: Path) -> IO[str]:
    file = path.open("w", encoding="utf-8")
    for patience in range(_LOCK_TRIES, 0, -1):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except OSError:
            # After a kill of whoever used it, the last world takes a moment to close.
            time.sleep(_LOCK_PAUSE if patience > 1 else 0.0)
    file.close()
    raise AlreadyRunning(f"A rehearsal is already running in {path.parent}.")
