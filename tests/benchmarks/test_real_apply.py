"""Everything of the free profile applied to a real API server: against kubectl, and against the
bare requests.

Every turn applies to namespaces of its own, so that each makes all objects. Ratios of one run
against one server; controllers are left out, since they would make pods beside it.
"""

from __future__ import annotations

import asyncio
import copy
import json
import os
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import yaml

from installer.commands.kubectl import SKEW, ask_kubectl
from installer.kube.cluster import _IN_FLIGHT, Cluster
from installer.kube.connection import Connection
from installer.kube.release import release_of
from installer.kube.stamp import Stamp
from installer.kube.wire import Request, Wire
from tests.benchmarks.distance import far_away
from tests.control_plane.binaries import binaries_or_skip
from tests.control_plane.control_plane import ControlPlane, running
from tests.modules.selections import all_names, plan_of

pytestmark = pytest.mark.benchmark

# There and back 40 ms, as between neighbouring countries of Europe.
_ONE_WAY = 0.02
_TURNS = 5
_GIVEN_AWAY = ("kube-system",)
Body = dict[str, Any]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    binaries = binaries_or_skip()
    alone = replace(binaries, controller_manager=None)
    with running(alone, tmp_path_factory.mktemp("control-plane")) as started:
        yield started


@pytest.fixture(scope="module")
def everything() -> tuple[Body, ...]:
    """All objects of all modules, but for an API that nobody here could answer for."""
    plan = plan_of(*all_names(), target="oke")
    found = tuple(e.body for e in plan.rendered.objects if e.body["kind"] != "APIService")
    assert len(found) > 150
    return found


def for_turn(bodies: Sequence[Body], turn: str) -> list[Body]:
    """The same objects under names that only this turn has."""
    made = copy.deepcopy(list(bodies))
    for body in made:
        metadata = body["metadata"]
        if metadata.get("namespace") and metadata["namespace"] not in _GIVEN_AWAY:
            metadata["namespace"] += f"-{turn}"
        else:
            metadata["name"] += f"-{turn}"
    return made


def seconds(action: Callable[[], Any]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def program(command: Sequence[str], home: Path) -> float:
    """Seconds of the whole process."""
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    return seconds(
        lambda: subprocess.run(
            command, check=True, env=environment, stdout=subprocess.DEVNULL, timeout=300
        )
    )


def kubeconfig_through(plane: ControlPlane, port: int, path: Path) -> Path:
    text = plane.kubeconfig.read_text(encoding="utf-8")
    path.write_text(text.replace(plane.server, f"https://127.0.0.1:{port}"), encoding="utf-8")
    return path


def kubectl_for(kubeconfig: Path) -> str:
    """The first kubectl of the PATH that is made for the server: at most one version from it.

    Older ones hold themselves back for seconds.
    https://kubernetes.io/releases/version-skew-policy/#kubectl
    """
    with Cluster(Connection.from_kubeconfig(kubeconfig)) as cluster:
        wanted = release_of(cluster.version())
    assert wanted is not None
    seen = []
    for folder in os.environ["PATH"].split(os.pathsep):
        found = shutil.which("kubectl", path=folder)
        if found is None:
            continue
        version = ask_kubectl(found).version
        release = release_of(version)
        if release is not None and release.reaches(wanted, SKEW):
            return found
        seen.append(version)
    pytest.skip(f"no kubectl for {wanted} is on the PATH, but {', '.join(seen) or 'none at all'}")


def both_programs(
    kubeconfig: Path, everything: Sequence[Body], name: str, folder: Path
) -> tuple[float, float]:
    """Seconds of our whole process, the least disturbed of some, and of kubectl's."""
    kubectl = kubectl_for(kubeconfig)
    spent = []
    for turn in range(_TURNS):
        mine = folder / f"{name}-{turn}.json"
        mine.write_text(json.dumps(for_turn(everything, f"{name}-{turn}")), encoding="utf-8")
        ours = [sys.executable, "-m", "tests.benchmarks.apply_alone", str(kubeconfig), str(mine)]
        spent.append(program(ours, folder))
    theirs = folder / f"{name}.yaml"
    theirs.write_text(yaml.safe_dump_all(for_turn(everything, name)), encoding="utf-8")
    apply = [kubectl, "apply", "--server-side", f"--kubeconfig={kubeconfig}", "-f", str(theirs)]
    return min(spent), program(apply, folder)


def test_applying_everything_takes_a_third_of_kubectl_s_time_where_the_cluster_is_away(
    plane: ControlPlane, everything: tuple[Body, ...], tmp_path: Path
) -> None:
    with far_away(int(plane.server.rpartition(":")[2]), _ONE_WAY) as port:
        kubeconfig = kubeconfig_through(plane, port, tmp_path / "far")
        ours, theirs = both_programs(kubeconfig, everything, "far", tmp_path)
    print(f"{len(everything)} objects: {ours:.2f} s against {theirs:.2f} s of kubectl")
    assert ours / theirs < 0.33, f"{ours:.2f} s against {theirs:.2f} s"


def test_applying_everything_beside_the_api_server_takes_less_than_twice_kubectl_s_time(
    plane: ControlPlane, everything: tuple[Body, ...], tmp_path: Path
) -> None:
    """Without any way to go nothing is gained by asking for much at once: what is left is what the
    server does, and the start of Python."""
    ours, theirs = both_programs(plane.kubeconfig, everything, "near", tmp_path)
    print(f"{len(everything)} objects: {ours:.2f} s against {theirs:.2f} s of kubectl")
    assert ours / theirs < 2.0, f"{ours:.2f} s against {theirs:.2f} s"


class _Recording(Wire):
    """Notes what is asked for."""

    noted: list[Request]

    async def attempt(self, request: Request) -> dict[str, Any]:
        """As always, with a note."""
        self.noted.append(request)
        return await super().attempt(request)


def requests_of(
    plane: ControlPlane, bodies: Sequence[Body], monkeypatch: pytest.MonkeyPatch
) -> tuple[float, list[Request]]:
    """Seconds of one apply, and the requests it took."""
    noted: list[Request] = []
    monkeypatch.setattr(_Recording, "noted", noted, raising=False)
    monkeypatch.setattr("installer.kube.cluster.Wire", _Recording)
    with Cluster(Connection.from_kubeconfig(plane.kubeconfig)) as cluster:
        spent = seconds(lambda: cluster.apply(bodies, Stamp("benchmarks00", "health")))
    return spent, noted


async def bare(plane: ControlPlane, requests: Sequence[Request]) -> float:
    """Seconds for the same requests with nothing around them: reads, namespaces, all the rest."""
    user = yaml.safe_load(plane.kubeconfig.read_text(encoding="utf-8"))["users"][0]["user"]
    context = ssl.create_default_context(cafile=str(plane.ca_file))
    context.load_cert_chain(user["client-certificate"], user["client-key"])
    connector = aiohttp.TCPConnector(ssl=context, limit=_IN_FLIGHT)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def send(request: Request) -> None:
            url = f"{plane.server}{request.path}?{urlencode(request.query)}"
            headers = {"Content-Type": request.content_type, "Accept": request.accept}
            text = json.dumps(request.body) if request.body else None
            async with session.request(request.method, url, data=text, headers=headers) as answer:
                assert answer.status in (200, 201) or request.method == "GET"
                json.loads(await answer.read())

        began = time.perf_counter()
        for group in in_turns(requests):
            await asyncio.gather(*map(send, group))
        return time.perf_counter() - began


def in_turns(requests: Sequence[Request]) -> list[list[Request]]:
    """What must be answered before the next can be asked."""
    kinds: dict[str, list[Request]] = {"reads": [], "namespaces": [], "rest": []}
    for request in requests:
        if request.method == "GET":
            kinds["reads"].append(request)
        else:
            kinds["namespaces" if _is_namespace(request.body) else "rest"].append(request)
    return list(kinds.values())


def _is_namespace(body: Mapping[str, Any]) -> bool:
    return bool(body["kind"] == "Namespace")


def under_other_names(requests: Sequence[Request], old: str, new: str) -> list[Request]:
    """The same requests for the objects of another turn."""
    return [
        replace(
            request,
            path=request.path.replace(old, new),
            body=json.loads(json.dumps(request.body).replace(old, new)),
        )
        for request in requests
    ]


def test_an_apply_of_everything_costs_little_more_than_its_bare_requests(
    plane: ControlPlane, everything: tuple[Body, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = [], []
    for turn in range(_TURNS):
        spent, requests = requests_of(plane, for_turn(everything, f"ours-{turn}"), monkeypatch)
        ours.append(spent)
        renamed = under_other_names(requests, f"-ours-{turn}", f"-bare-{turn}")
        theirs.append(asyncio.run(bare(plane, renamed)))
    print(f"{len(requests)} requests: {min(ours):.2f} s against {min(theirs):.2f} s bare")
    assert min(ours) / min(theirs) < 1.3, f"{min(ours):.2f} s against {min(theirs):.2f} s"
