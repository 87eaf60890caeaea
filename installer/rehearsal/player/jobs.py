"""Jobs: pods that run to their end, tried again as often as allowed."""

from __future__ import annotations

from datetime import UTC, datetime

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.player.api import ApiRefused
from installer.rehearsal.player.cluster import (
    JOBS,
    PODS,
    Cluster,
    Key,
    is_leaving,
    key_of,
    owner_of,
)
from installer.rehearsal.player.desk import Desk
from installer.rehearsal.player.podparts import is_over, is_ready
from installer.rehearsal.player.pods import condition, create_pod, pod_from

_SOURCE = "job-controller"
_FIRST_BACKOFF_SECONDS, _LONGEST_BACKOFF_SECONDS = 10.0, 600.0


class Jobs:
    """The Job controller."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.desk = Desk("jobs", self._work, cluster.clock)
        cluster.tell((JOBS,), lambda obj, _: self.desk.add(key_of(obj)))
        cluster.tell((PODS,), self._look_at_pod)

    def _look_at_pod(self, pod: Object, _gone: bool) -> None:
        owner = owner_of(pod)
        if owner is not None and owner["kind"] == "Job":
            self.desk.add((pod["metadata"]["namespace"], owner["name"]))

    async def _work(self, key: Key) -> None:
        job = self._cluster.get(JOBS, *key)
        if job is None or is_leaving(job):
            return
        if _ended(job):
            await self._forget_later(job)
            return
        pods = self._cluster.owned_by(PODS, job)
        succeeded = sum(1 for pod in pods if pod["status"].get("phase") == "Succeeded")
        failed = sum(_failures(pod) for pod in pods)
        active = [pod for pod in pods if not is_over(pod) and not is_leaving(pod)]
        problem = self._problem(job, failed)
        if problem is not None:
            await self._fail(job, active, succeeded, failed, problem)
        elif succeeded >= int(job["spec"].get("completions") or 1):
            await self._complete(job, succeeded, failed)
        else:
            await self._go_on(job, active, succeeded, failed, pods)

    def _problem(self, job: Object, failed: int) -> tuple[str, str] | None:
        if failed > int(job["spec"].get("backoffLimit", 6)):
            return "BackoffLimitExceeded", "Job has reached the specified backoff limit"
        limit, started = job["spec"].get("activeDeadlineSeconds"), _started(job)
        if limit and started is not None:
            allowed = self._cluster.deadline(float(limit))
            left = allowed - (self._cluster.clock.now() - started).total_seconds()
            if left <= 0:
                return "DeadlineExceeded", "Job was active longer than specified deadline"
            self.desk.add_later(key_of(job), left + 1)
        return None

    async def _go_on(
        self, job: Object, active: list[Object], succeeded: int, failed: int, pods: list[Object]
    ) -> None:
        status = self._numbers(job, len(active), succeeded, failed)
        status["ready"] = sum(1 for pod in active if is_ready(pod))
        await self._cluster.status(JOBS, job, status)
        open_ones = int(job["spec"].get("completions") or 1) - succeeded
        missing = min(int(job["spec"].get("parallelism", 1)), open_ones) - len(active)
        if missing <= 0 or job["spec"].get("suspend"):
            return
        left = self._backoff_left(pods)
        if left > 0:
            self.desk.add_later(key_of(job), left)
            return
        await self._create(job, missing)

    def _backoff_left(self, pods: list[Object]) -> float:
        """Simulated seconds until the next try: 10, 20, 40 ... after the last failure."""
        ends = [_end_of(pod) for pod in pods if pod["status"].get("phase") == "Failed"]
        if not ends:
            return 0.0
        backoff = min(_FIRST_BACKOFF_SECONDS * 2 ** (len(ends) - 1), _LONGEST_BACKOFF_SECONDS)
        passed = (self._cluster.clock.now() - max(ends)).total_seconds()
        return float(backoff - passed)

    async def _create(self, job: Object, count: int) -> None:
        try:
            for _ in range(count):
                pod = pod_from(job, job["spec"]["template"])
                pod["metadata"]["generateName"] = job["metadata"]["name"] + "-"
                await create_pod(self._cluster, job, pod, _SOURCE)
            self.desk.fine(key_of(job))
        except ApiRefused as refused:
            if refused.code not in (403, 422):
                raise
            self.desk.back_off(key_of(job))

    def _numbers(self, job: Object, active: int, succeeded: int, failed: int) -> Object:
        started = (job.get("status") or {}).get("startTime") or self._cluster.stamp()
        return {
            "startTime": started,
            "active": active,
            "succeeded": succeeded,
            "failed": failed,
            "terminating": 0,
            "ready": 0,
            "uncountedTerminatedPods": {},
        }

    async def _complete(self, job: Object, succeeded: int, failed: int) -> None:
        now, status = self._cluster.stamp(), self._numbers(job, 0, succeeded, failed)
        reason, words = "CompletionsReached", "Reached expected number of succeeded pods"
        conditions: list[Object] = []
        for name in ("SuccessCriteriaMet", "Complete"):
            conditions = condition(conditions, name, True, reason, words, now)
        status |= {"conditions": conditions, "completionTime": now}
        await self._cluster.status(JOBS, job, status)
        await self._cluster.event(job, "Completed", "Job completed", _SOURCE)

    async def _fail(
        self, job: Object, active: list[Object], succeeded: int, failed: int, why: tuple[str, str]
    ) -> None:
        for pod in active:
            await self._cluster.delete(PODS, pod)
        now, status = self._cluster.stamp(), self._numbers(job, 0, succeeded, failed)
        conditions: list[Object] = []
        for name in ("FailureTarget", "Failed"):
            conditions = condition(conditions, name, True, *why, now)
        await self._cluster.status(JOBS, job, status | {"conditions": conditions})
        await self._cluster.event(job, why[0], why[1], _SOURCE, warning=True)

    async def _forget_later(self, job: Object) -> None:
        """Deletes an ended job when its time to live is over."""
        keep = job["spec"].get("ttlSecondsAfterFinished")
        if keep is None:
            return
        ended = _time((job["status"]["conditions"] or [{}])[-1]["lastTransitionTime"])
        left = float(keep) - (self._cluster.clock.now() - ended).total_seconds()
        if left > 0:
            self.desk.add_later(key_of(job), left)
        else:
            await self._cluster.delete(JOBS, job)


def _ended(job: Object) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or []
    return any(
        one["type"] in ("Complete", "Failed") and one["status"] == "True" for one in conditions
    )


def _failures(pod: Object) -> int:
    """A failed pod counts once; one that restarts in place by its restarts."""
    if pod["status"].get("phase") == "Failed":
        return 1
    statuses = pod["status"].get("containerStatuses") or []
    return max((int(one.get("restartCount", 0)) for one in statuses), default=0)


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _started(job: Object) -> datetime | None:
    text = (job.get("status") or {}).get("startTime")
    return _time(text) if text else None


def _end_of(pod: Object) -> datetime:
    statuses = pod["status"].get("containerStatuses") or []
    ends = [s["state"]["terminated"]["finishedAt"] for s in statuses if "terminated" in s["state"]]
    return _time(max(ends, default=pod["metadata"]["creationTimestamp"]))
