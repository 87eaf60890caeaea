"""Writing a pod's status: container states, conditions, phase."""

from __future__ import annotations

import zlib
from typing import Any

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.player.cluster import NODES, PODS, Cluster


def waiting(reason: str, message: str = "") -> Object:
    """A container state."""
    told = {"reason": reason} | ({"message": message} if message else {})
    return {"waiting": told}


class Containers:
    """The status of one pod, as its kubelet writes it."""

    def __init__(self, cluster: Cluster, pod: Object) -> None:
        self._cluster, self._pod = cluster, pod
        self._spec: Object = pod["spec"]
        self._started = (pod.get("status") or {}).get("startTime") or cluster.stamp()
        statuses = (pod.get("status") or {}).get("containerStatuses") or []
        self._restarts = max((int(one.get("restartCount", 0)) for one in statuses), default=0)
        self._last: Object = next(
            (one["lastState"] for one in statuses if one.get("lastState")), {}
        )
        self._inits = [
            self._one(c, waiting("PodInitializing")) for c in self._spec.get("initContainers") or []
        ]

    async def show(self, state: Object) -> None:
        """All containers in one waiting state; those after init containers wait for these."""
        main = waiting("PodInitializing") if self._inits else state
        for init in self._inits[:1]:
            init["state"] = state if "waiting" in state else init["state"]
        statuses = [self._one(c, main) for c in self._spec["containers"]]
        await self._write("Pending", statuses, initialized=not self._inits)

    async def init(self, number: int, *, over: bool) -> None:
        """An init container has begun, or has ended well."""
        now = self._cluster.stamp()
        status = self._inits[number]
        status["started"] = not over
        status["ready"] = (
            over or self._spec["initContainers"][number].get("restartPolicy") == "Always"
        )
        status["state"] = {"running": {"startedAt": now}}
        if over:
            ended = {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}
            status["state"] = {"terminated": ended}
        statuses = [self._one(c, waiting("PodInitializing")) for c in self._spec["containers"]]
        last = number == len(self._inits) - 1
        await self._write("Pending", statuses, initialized=over and last)

    async def running(self, *, ready: bool) -> None:
        """All containers run."""
        state = {"running": {"startedAt": self._cluster.stamp()}}
        statuses = [
            self._one(c, state) | {"ready": ready, "started": True}
            for c in self._spec["containers"]
        ]
        await self._write("Running", statuses, ready=ready)

    async def ended(self, code: int, reason: str, phase: str) -> None:
        """All containers have ended for good."""
        statuses = [
            self._one(c, {"terminated": self._end(code, reason)}) for c in self._spec["containers"]
        ]
        await self._write(phase, statuses, why="PodCompleted" if code == 0 else "PodFailed")

    async def crashed(self, code: int, reason: str, words: str) -> None:
        """The containers have ended badly and will be started again."""
        self._restarts += 1
        state = waiting("CrashLoopBackOff", words)
        self._last = {"terminated": self._end(code, reason)}
        statuses = [self._one(c, state) for c in self._spec["containers"]]
        await self._write("Running", statuses)

    def _end(self, code: int, reason: str) -> Object:
        now = self._cluster.stamp()
        return {"exitCode": code, "reason": reason, "startedAt": self._started, "finishedAt": now}

    def _one(self, container: Object, state: Object) -> Object:
        digest = f"{zlib.crc32(container['image'].encode()):08x}" * 8
        return {
            "name": container["name"],
            "image": container["image"],
            "imageID": f"{container['image'].partition('@')[0]}@sha256:{digest}",
            "ready": False,
            "started": False,
            "restartCount": self._restarts,
            "state": state,
            "lastState": self._last,
        }

    async def _write(
        self,
        phase: str,
        statuses: list[Object],
        *,
        ready: bool = False,
        initialized: bool = True,
        why: str = "ContainersNotReady",
    ) -> None:
        status: Object = {
            "phase": phase,
            "startTime": self._started,
            "containerStatuses": statuses,
            "conditions": self._conditions(ready, initialized, why),
            "qosClass": _quality(self._spec),
            **self._addresses(phase),
        }
        if self._inits:
            status["initContainerStatuses"] = self._inits
        self._pod = await self._cluster.status(PODS, self._pod, status)

    def _addresses(self, phase: str) -> Object:
        node = self._cluster.get(NODES, "", self._spec["nodeName"])
        listed = ((node or {}).get("status") or {}).get("addresses") or []
        host = next((a["address"] for a in listed if a["type"] == "InternalIP"), "127.0.0.1")
        found: Object = {"hostIP": host, "hostIPs": [{"ip": host}]}
        if phase != "Pending":
            own = host if self._spec.get("hostNetwork") else _address(self._pod["metadata"]["uid"])
            found |= {"podIP": own, "podIPs": [{"ip": own}]}
        return found

    def _conditions(self, ready: bool, initialized: bool, why: str) -> list[Object]:
        names = [c["name"] for c in self._spec["containers"]]
        short: Object = {"reason": why}
        if why == "ContainersNotReady":
            short["message"] = f"containers with unready status: [{' '.join(names)}]"
        not_ready = {} if ready else short
        wanted: dict[str, tuple[bool, Any]] = {
            "PodReadyToStartContainers": (True, {}),
            "Initialized": (
                initialized,
                {} if initialized else {"reason": "ContainersNotInitialized"},
            ),
            "Ready": (ready, not_ready),
            "ContainersReady": (ready, not_ready),
            "PodScheduled": (True, {}),
        }
        present = (self._pod.get("status") or {}).get("conditions") or []
        old = {one["type"]: one for one in present}
        return [self._condition(old.get(t), t, holds, more) for t, (holds, more) in wanted.items()]

    def _condition(self, old: Object | None, name: str, holds: bool, more: Object) -> Object:
        status = "True" if holds else "False"
        since = self._cluster.stamp()
        if old is not None and old["status"] == status:
            since = old.get("lastTransitionTime", since)
        return {"type": name, "status": status, "lastTransitionTime": since, **more}


def _address(uid: str) -> str:
    number = zlib.crc32(uid.encode())
    return f"10.244.{number // 250 % 250}.{number % 250 + 2}"


def _quality(spec: Object) -> str:
    resources = [c.get("resources") or {} for c in spec["containers"]]
    if not any(r.get("requests") or r.get("limits") for r in resources):
        return "BestEffort"
    whole = all(
        {"cpu", "memory"} <= set(r.get("limits") or {}) and r.get("requests") == r.get("limits")
        for r in resources
    )
    return "Guaranteed" if whole else "Burstable"
