"""One cluster's API, from start to wipe."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from installer.rehearsal.clock import Clock
from installer.rehearsal.ending import end
from installer.rehearsal.kubernetes.certificates import Certificates
from installer.rehearsal.kubernetes.janitor import Janitor
from installer.rehearsal.kubernetes.kinds import BY_KEY, Object
from installer.rehearsal.kubernetes.reader import Reader
from installer.rehearsal.kubernetes.server import ApiServer, Authenticate, Parts
from installer.rehearsal.kubernetes.store import Store
from installer.rehearsal.kubernetes.writer import Options, Place, Writer
from installer.rehearsal.shelf import Shelf
from installer.rehearsal.weather import Weather

VERSION = "v1.36.4"
_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_FOLDER = "kubernetes"
_SETTINGS = "settings"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Endpoint:
    """Where a cluster's API answers, and whom to trust there."""

    url: str
    ca_pem: bytes


class KubernetesWorld:
    """The API server of one cluster; what it holds is in `home` and outlives the process."""

    def __init__(
        self,
        home: Path,
        name: str,
        clock: Clock,
        weather: Weather,
        authenticate: Callable[[str], str | None],
        version: str = VERSION,
    ) -> None:
        """`authenticate` gives the user of a bearer token, or None for a stranger."""
        self._folder = home / _FOLDER / name
        self._clock, self._weather, self._version = clock, weather, version
        self._authenticate: Authenticate = authenticate
        self._shelf: Shelf | None = None
        self._reader: Reader | None = None
        self._runner: web.AppRunner | None = None
        self._cleaning: asyncio.Task[None] | None = None

    @property
    def ca_file(self) -> Path:
        """The authority's certificate, once started."""
        return Certificates(self._folder).ca_file

    async def start(self) -> Endpoint:
        """Begins to answer, at the same port as before where that is still free."""
        certificates = Certificates(self._folder)
        shelf = self._shelf = Shelf(self._folder / "cluster.sqlite")
        store = Store(shelf)
        writer = Writer(store, self._clock.now)
        self._reader = Reader(store, self._clock.now)
        _first_objects(writer)
        self._cleaning = asyncio.create_task(_supervised(Janitor(store, writer)))
        server = ApiServer(
            Parts(
                store,
                writer,
                self._reader,
                self._clock,
                self._weather,
                self._authenticate,
                self._version,
            )
        )
        self._runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        port = await self._listen(certificates, shelf)
        return Endpoint(f"https://127.0.0.1:{port}", certificates.ca_pem)

    async def _listen(self, certificates: Certificates, shelf: Shelf) -> int:
        assert self._runner is not None
        context = certificates.server_context()
        kept = shelf.get(_SETTINGS, "port") or {"port": 0}
        site = web.TCPSite(self._runner, "127.0.0.1", kept["port"], ssl_context=context)
        try:
            await site.start()
        except OSError:
            # Another program has taken the port meanwhile.
            site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context)
            await site.start()
        port = int(self._runner.addresses[0][1])
        shelf.put(_SETTINGS, "port", {"port": port})
        return port

    async def stop(self) -> None:
        """Ends all watches and stops answering; nothing that was answered is lost."""
        if self._reader is not None:
            self._reader.closing.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._cleaning is not None:
            await end(self._cleaning)
            self._cleaning = None
        if self._shelf is not None:
            self._shelf.close()
            self._shelf = None

    async def wipe(self) -> None:
        """Stops, and forgets everything the cluster held."""
        await self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


async def _supervised(janitor: Janitor) -> None:
    while True:
        try:
            await janitor.run()
        except Exception:  # noqa: BLE001 - reported; what it left is looked at again
            _log.exception("the janitor stumbled")
            await asyncio.sleep(0.2)


def _first_objects(writer: Writer) -> None:
    """What every cluster holds from its first moment."""
    options = Options(manager="kube-apiserver")
    for name in _NAMESPACES:
        _ensure(
            writer, Place(BY_KEY["namespaces"], "", name), {"metadata": {"name": name}}, options
        )
    service: Object = {
        "metadata": {
            "name": "kubernetes",
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {
            "clusterIP": "10.96.0.1",
            "ports": [{"name": "https", "port": 443, "targetPort": 6443}],
        },
    }
    _ensure(writer, Place(BY_KEY["services"], "default", "kubernetes"), service, options)


def _ensure(writer: Writer, place: Place, body: Object, options: Options) -> None:
    if writer.store.get(place.kind, place.namespace, place.name) is None:
        writer.create(place, body, options)
