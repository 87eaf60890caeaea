"""A way from this machine to one port of one Service, through the API server.

The same as `kubectl port-forward`, by the older of its two protocols, which every supported version
still speaks: https://kubernetes.io/docs/reference/using-api/deprecation-guide names no end for it.
Frames of channel 0 carry the bytes, frames of channel 1 what went wrong; each channel begins with
the port in two bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp

from installer.engine.errors import ClusterError
from installer.kube.faults import Refusal
from installer.kube.objects import Document, Ref, at
from installer.kube.reading import Reading

PROTOCOL = "v4.channel.k8s.io"
_DATA, _TROUBLE = 0, 1
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class LocalEnd:
    """Where the tunnel begins on this machine; on its loopback only."""

    host: str
    port: int


class RunsNothing(ClusterError):
    """The cluster says that it runs no containers, as a rehearsed one does."""


class Tunnel:
    """Listens on this machine and carries every connection into one pod; belongs to its loop."""

    def __init__(self, reading: Reading, namespace: str, pod: str, port: int) -> None:
        self._reading = reading
        self._path = f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(pod)}/portforward"
        self._words = f"port {port} of Pod {namespace}/{pod}"
        self._port = port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def begin(self) -> LocalEnd:
        """Try the way once, then listen. Raises ClusterError where there is no way."""
        await (await self._connect()).close()
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        return LocalEnd(host, port)

    async def end(self) -> None:
        """Stop listening and cut what is still open."""
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        try:
            return await self._reading.wire.websocket(
                self._path, {"ports": str(self._port)}, PROTOCOL
            )
        except Refusal as refusal:
            kind = RunsNothing if refusal.status == 501 else ClusterError
            raise kind(
                f"There is no way to {self._words}.",
                f"The cluster answered {refusal.status}: {refusal.message}",
                "You need the right to forward ports (pods/portforward) in the namespace.",
            ) from refusal

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            socket = await self._connect()
            up = asyncio.create_task(_upwards(reader, socket))
            try:
                await _downwards(socket, writer)
            finally:
                up.cancel()
                await socket.close()
        except (ClusterError, aiohttp.ClientError, OSError):
            # Whoever connected sees a cut connection, as without a tunnel.
            pass
        finally:
            self._open.discard(task)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _upwards(reader: asyncio.StreamReader, socket: aiohttp.ClientWebSocketResponse) -> None:
    while chunk := await reader.read(_CHUNK):
        await socket.send_bytes(bytes([_DATA]) + chunk)


async def _downwards(socket: aiohttp.ClientWebSocketResponse, writer: asyncio.StreamWriter) -> None:
    greeted: set[int] = set()
    async for message in socket:
        if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
            continue
        channel, content = message.data[0], message.data[1:]
        if channel not in greeted:
            greeted.add(channel)
            content = content[2:]
        if channel == _TROUBLE and content:
            return
        if channel == _DATA and content:
            writer.write(content)
            await writer.drain()


async def way_to(reading: Reading, namespace: str, service: str, port: int) -> Tunnel:
    """A tunnel to a ready pod behind a Service. Raises ClusterError when there is none."""
    words = f"Service {namespace}/{service}"
    body = await reading.get(Ref("v1", "Service", namespace, service))
    if body is None:
        raise _no_way(words, "It is not there.")
    selector = at(body, "spec", "selector", default={}) or {}
    if not selector:
        raise _no_way(words, "It leads to no pods of its own.")
    wanted = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    pods = await reading.all_of("v1", "Pod", namespace, wanted)
    ready = sorted((pod for pod in pods if _is_ready(pod)), key=lambda pod: pod["metadata"]["name"])
    if not ready:
        raise _no_way(words, "No pod behind it is ready.")
    number = _target_port(body, port, ready[0])
    if number is None:
        raise _no_way(words, f"It has no port {port}.")
    return Tunnel(reading, namespace, ready[0]["metadata"]["name"], number)


def _is_ready(pod: Document) -> bool:
    conditions = at(pod, "status", "conditions", default=[]) or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _target_port(service: Mapping[str, Any], port: int, pod: Mapping[str, Any]) -> int | None:
    for entry in service["spec"].get("ports") or ():
        if entry["port"] == port:
            target = entry.get("targetPort", port)
            return target if isinstance(target, int) else _named_port(pod, target)
    return None


def _named_port(pod: Mapping[str, Any], name: str) -> int | None:
    for container in pod["spec"]["containers"]:
        for entry in container.get("ports") or ():
            if entry.get("name") == name:
                return int(entry["containerPort"])
    return None


def _no_way(words: str, why: str) -> ClusterError:
    return ClusterError(
        f"There is no way to {words}.", why, "See how it stands: health-install status"
    )
