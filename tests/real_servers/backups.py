"""The pods of the backups, run against the real servers, and what they ask of a bucket, counted."""

from __future__ import annotations

import http.client
import http.server
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tests.real_servers import programs
from tests.real_servers.mapping import LOOPBACK
from tests.real_servers.pages import served
from tests.real_servers.processes import Process, Site, end_group
from tests.real_servers.programs import Image


def _curl() -> Image:
    """SeaweedFS's image for its curl, under the user of the pod's other containers."""
    return replace(programs.seaweedfs(), user_with_a_name="postgres")


IMAGES = {
    "dump": programs.postgresql,
    "load": programs.postgresql,
    "scratch": programs.postgresql,
    "seal": programs.rclone,
    "fetch": programs.rclone,
    "broker": _curl,
}
_HOP = ("connection", "transfer-encoding", "content-length")
# What S3 clients of today send behind or beside the content unless told not to, and what Oracle's
# bucket refuses (aws-chunked and CRC trailers).
CHECKSUMS = ("x-amz-trailer", "x-amz-checksum-", "x-amz-sdk-checksum-algorithm")


@dataclass
class Door:
    """A way to the bucket on which every request is counted."""

    port: int = 0
    seen: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)

    def count(self) -> Counter[str]:
        """Requests by method, those that list apart; the count begins anew."""
        found = Counter(_kind(method, path) for method, path, _ in self.seen)
        self.seen.clear()
        return found

    def checksum_headers(self) -> set[str]:
        """Headers about checksums that not every S3 store takes."""
        return {
            name
            for _, _, headers in self.seen
            for name in headers
            if name.startswith(CHECKSUMS) or "aws-chunked" in headers[name]
        }


def _kind(method: str, path: str) -> str:
    _, _, query = path.partition("?")
    return "LIST" if method == "GET" and ("prefix=" in query or "list-type" in query) else method


@contextmanager
def door(to_port: int) -> Iterator[Door]:
    """Opens it before a store on this machine."""
    found = Door()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.seen.append((self.command, self.path, headers))
            body = self.rfile.read(int(headers.get("content-length", 0)))
            line = http.client.HTTPConnection(LOOPBACK, to_port, timeout=30)
            line.request(self.command, self.path, body=body, headers=dict(self.headers.items()))
            answer = line.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            length = answer.getheader("content-length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            line.close()

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: what was asked is kept."""

    with served(Handler) as port:
        found.port = port
        yield found


@dataclass(frozen=True)
class PodEnded:
    """How the containers of a pod ended, and what each printed."""

    codes: Mapping[str, int]
    printed: str

    @property
    def well(self) -> bool:
        """Whether the Job would count as complete."""
        return not any(self.codes.values())


def run_pod(
    site: Site,
    job: str,
    ports: tuple[tuple[int, int], ...],
    more: Mapping[str, str],
    seconds: float = 60,
) -> PodEnded:
    """A new pod of the job, all containers at once, to its end."""
    pod = site.cluster.pod("CronJob", job)
    processes: list[Process] = []
    for one in pod.containers:
        image: Image = IMAGES[one.name]()
        beside = processes[0].mapping if processes else None
        processes.append(site.prepare(pod, one.name, image, ports, more, beside=beside))
    started = [process.start() for process in processes]
    try:
        for each in started:
            each.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise AssertionError("\n".join(one.trouble("is not done") for one in processes)) from None
    finally:
        for each in started:
            end_group(each)
    codes = {
        process.name: each.returncode for process, each in zip(processes, started, strict=True)
    }
    return PodEnded(codes, "\n".join(process.told() for process in processes))
