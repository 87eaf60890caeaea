"""Carries bytes to a server of this machine as if it were far away: `PORT SECONDS_EACH_WAY`.

Prints the port it listens on. Run as a program of its own, so that it takes no time from those it
is put between.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from contextlib import contextmanager

_CHUNK = 64 * 1024


@contextmanager
def far_away(port: int, seconds: float) -> Iterator[int]:
    """A port of loopback that leads to another one, with so many seconds on the way each way."""
    command = [sys.executable, "-m", "tests.benchmarks.distance", str(port), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as carrier:
        try:
            assert carrier.stdout is not None
            yield int(carrier.stdout.readline())
        finally:
            carrier.terminate()


async def _carry(reader: StreamReader, writer: StreamWriter, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def arrive() -> None:
        while True:
            when, content = await under_way.get()
            await asyncio.sleep(max(0.0, when - loop.time()))
            if not content:
                writer.close()
                return
            writer.write(content)
            await writer.drain()

    arriving = asyncio.create_task(arrive())
    content = b"begin"
    while content:
        content = await reader.read(_CHUNK)
        under_way.put_nowait((loop.time() + seconds, content))
    await arriving


async def _serve(port: int, seconds: float) -> None:
    async def connect(reader: StreamReader, writer: StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            _carry(reader, back, seconds), _carry(there, writer, seconds), return_exceptions=True
        )

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
