"""The kubelet's part: pods on our nodes start, become ready, end and go."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import zlib

import aiohttp

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.player.api import ApiRefused
from installer.rehearsal.player.cluster import (
    CLAIMS,
    CONFIG_MAPS,
    PODS,
    SECRETS,
    Cluster,
    is_leaving,
    key_of,
)
from installer.rehearsal.player.containers import Containers, waiting
from installer.rehearsal.player.fates import CRASH, FAIL, IMAGE, MEMORY, Fate, fate_of
from installer.rehearsal.player.podparts import claims_of, is_over, is_ready
from installer.rehearsal.player.references import missing_reference, missing_volume
from installer.rehearsal.weather import Weather

_PULL_SECONDS = (5.0, 20.0)
_INIT_SECONDS = 2.0
_JOB_SECONDS = 10.0
_READY_SECONDS = 3.0
_STOP_SECONDS = 2.0
_CHECK_SECONDS = 10.0
_FIRST_BACKOFF_SECONDS, _LONGEST_BACKOFF_SECONDS = 10.0, 300.0
_RETRY_SECONDS = 0.2
_log = logging.getLogger(__name__)


class Kubelet:
    """One task for the life of each pod that has a node."""

    def __init__(self, cluster: Cluster, weather: Weather) -> None:
        self._cluster, self._weather = cluster, weather
        self._lives: dict[str, asyncio.Task[None]] = {}
        self._leaving: set[str] = set()
        self._changed = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        cluster.tell((PODS,), self._look)
        cluster.tell((SECRETS, CONFIG_MAPS, CLAIMS), self._note_change)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for pod in self._cluster.all(PODS):
                self._look(pod, False)
            await asyncio.Event().wait()

    def _note_change(self, _obj: Object, _gone: bool) -> None:
        self._changed.set()

    def _look(self, pod: Object, gone: bool) -> None:
        uid = pod["metadata"]["uid"]
        if self._tasks is None or not pod["spec"].get("nodeName"):
            return
        if gone:
            self._end(uid)
            self._leaving.discard(uid)
        elif is_leaving(pod):
            if uid not in self._leaving:
                self._leaving.add(uid)
                self._end(uid)
                self._tasks.create_task(self._go(pod))
        elif uid not in self._lives and not is_over(pod):
            self._lives[uid] = self._tasks.create_task(self._live(pod))

    def _end(self, uid: str) -> None:
        life = self._lives.pop(uid, None)
        if life is not None:
            life.cancel()

    async def _live(self, pod: Object) -> None:
        """A pod's life, begun again when the API fails on the way."""
        while True:
            try:
                with contextlib.suppress(asyncio.CancelledError):
                    await self._life(pod)
                return
            except (ApiRefused, aiohttp.ClientError, OSError) as error:
                if isinstance(error, ApiRefused) and error.code == 404:
                    return
                _log.debug("pod %s: %s", key_of(pod), error)
                await asyncio.sleep(_RETRY_SECONDS)
                pod = self._cluster.get(PODS, *key_of(pod)) or pod

    async def _go(self, pod: Object) -> None:
        """Stops a pod and takes it away."""
        grace = float(pod["metadata"].get("deletionGracePeriodSeconds", 0))
        if grace and (pod.get("status") or {}).get("phase") == "Running":
            first = pod["spec"]["containers"][0]["name"]
            await self._tell(pod, "Killing", f"Stopping container {first}")
            await self._cluster.clock.sleep(min(grace, _STOP_SECONDS))
        while True:
            try:
                await self._cluster.delete(PODS, pod, grace=0)
                return
            except (ApiRefused, aiohttp.ClientError, OSError) as error:
                _log.debug("removing pod %s: %s", key_of(pod), error)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _tell(self, pod: Object, reason: str, message: str, *, warning: bool = False) -> None:
        await self._cluster.event(pod, reason, message, "kubelet", warning=warning)

    # The stages of a life

    async def _life(self, pod: Object) -> None:
        if is_ready(pod):
            return
        containers = Containers(self._cluster, pod)
        await containers.show(waiting("ContainerCreating"))
        await self._mounted(pod)
        await self._cluster.clock.sleep(_pull_seconds(pod))
        await self._configured(pod, containers)
        attempt = 0
        while not await self._attempt(pod, containers):
            attempt += 1
            backoff = _FIRST_BACKOFF_SECONDS * 2 ** min(attempt - 1, 10)
            await self._cluster.clock.sleep(min(backoff, _LONGEST_BACKOFF_SECONDS))

    async def _mounted(self, pod: Object) -> None:
        """Waits for what the pod mounts, and says what it waits for."""
        while words := missing_volume(self._cluster, pod):
            await self._tell(pod, "FailedMount", words, warning=True)
            await self._until_change()
        if claims_of(pod):
            await self._tell(
                pod,
                "SuccessfulAttachVolume",
                "AttachVolume.Attach succeeded for volume " + self._volume_names(pod),
            )

    def _volume_names(self, pod: Object) -> str:
        namespace = pod["metadata"]["namespace"]
        claims = [self._cluster.get(CLAIMS, namespace, name) for name in claims_of(pod)]
        return ", ".join(f'"{c["spec"].get("volumeName", "")}"' for c in claims if c is not None)

    async def _configured(self, pod: Object, containers: Containers) -> None:
        while words := missing_reference(self._cluster, pod):
            await containers.show(waiting("CreateContainerConfigError", words))
            await self._tell(pod, "Failed", f"Error: {words}", warning=True)
            await self._until_change()

    async def _until_change(self) -> None:
        """Returns when a Secret, ConfigMap or claim changes, or after a while."""
        self._changed.clear()
        change = asyncio.ensure_future(self._changed.wait())
        look = asyncio.ensure_future(self._cluster.clock.sleep(_CHECK_SECONDS))
        try:
            await asyncio.wait((change, look), return_when=asyncio.FIRST_COMPLETED)
        finally:
            change.cancel()
            look.cancel()

    async def _attempt(self, pod: Object, containers: Containers) -> bool:
        """One start; True when there is nothing left to start."""
        fate = fate_of(pod, self._weather)
        if fate.outcome == IMAGE:
            await self._no_image(pod, containers)
            return False
        await self._run_init_containers(pod, containers)
        if fate.outcome:
            return await self._fail(pod, containers, fate)
        await self._tell_started(pod)
        await containers.running(ready=False)
        if pod["spec"].get("restartPolicy", "Always") != "Always":
            await self._cluster.clock.sleep(_JOB_SECONDS)
            await containers.ended(*_end(fate.exit_code))
            return True
        await self._cluster.clock.sleep(_ready_seconds(pod))
        await containers.running(ready=True)
        return True

    async def _tell_started(self, pod: Object) -> None:
        images = ", ".join(f'"{c["image"]}"' for c in pod["spec"]["containers"])
        names = ", ".join(c["name"] for c in pod["spec"]["containers"])
        await self._tell(pod, "Pulled", f"Successfully pulled image {images}")
        await self._tell(pod, "Started", f"Started container {names}")

    async def _no_image(self, pod: Object, containers: Containers) -> None:
        image = pod["spec"]["containers"][0]["image"]
        words = f'Back-off pulling image "{image}"'
        await containers.show(waiting("ErrImagePull", f'failed to pull "{image}": not found'))
        await self._tell(pod, "Failed", f'Failed to pull image "{image}": not found', warning=True)
        await containers.show(waiting(IMAGE, words))
        await self._tell(pod, "BackOff", words)

    async def _run_init_containers(self, pod: Object, containers: Containers) -> None:
        for number, container in enumerate(pod["spec"].get("initContainers") or []):
            await containers.init(number, over=False)
            if container.get("restartPolicy") != "Always":
                await self._cluster.clock.sleep(_INIT_SECONDS)
                await containers.init(number, over=True)

    async def _fail(self, pod: Object, containers: Containers, fate: Fate) -> bool:
        reason = MEMORY if fate.outcome == MEMORY else FAIL
        code = 137 if reason == MEMORY else 1
        await containers.running(ready=False)
        await self._cluster.clock.sleep(_READY_SECONDS)
        if pod["spec"].get("restartPolicy") == "Never":
            await containers.ended(code, reason, "Failed")
            return True
        name = pod["spec"]["containers"][0]["name"]
        words = f"back-off restarting failed container={name} pod={'_'.join(key_of(pod)[::-1])}"
        await containers.crashed(code, reason, words)
        await self._tell(pod, "BackOff", words, warning=True)
        return fate.outcome not in (CRASH, MEMORY, FAIL)


def _end(code: int) -> tuple[int, str, str]:
    return (0, "Completed", "Succeeded") if code == 0 else (code, FAIL, "Failed")


def _pull_seconds(pod: Object) -> float:
    """Between 5 and 25 seconds, always the same for the same image."""
    least, spread = _PULL_SECONDS
    image = pod["spec"]["containers"][0]["image"]
    return least + spread * (zlib.crc32(image.encode()) % 100) / 100


def _ready_seconds(pod: Object) -> float:
    delays = [
        float((c.get("readinessProbe") or {}).get("initialDelaySeconds") or 0)
        for c in pod["spec"]["containers"]
    ]
    return _READY_SECONDS + max(delays, default=0.0)
