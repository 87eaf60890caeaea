"""Runs a job of the cluster at once and brings back what its containers printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from installer.engine.errors import ClusterError
from installer.engine.step import Context
from installer.kube.cluster import Cluster
from installer.kube.jobs import is_unfinished, job_from, logs_of, pods_selector
from installer.kube.objects import Document, Ref, at, ref_of
from installer.kube.stamp import Stamp

_LOG_LINES = 2000
_HOURS = 12


@dataclass(frozen=True)
class JobWanted:
    """A CronJob of ours, and variables for this one time; `usually` it takes so many seconds."""

    namespace: str
    cron_job: str
    variables: Mapping[str, str] = field(default_factory=dict)
    usually: float = 60.0


@dataclass(frozen=True)
class JobTold:
    """How it ended, and what each container printed."""

    done: bool
    words: str
    printed: Mapping[str, str]


def run_now(cluster: Cluster, stamp: Stamp, ctx: Context, wanted: JobWanted) -> JobTold:
    """Make the Job and wait for its end.

    Raises ClusterError where there is no such CronJob or one of its jobs is under way, and Stopped;
    a Job that was begun goes on without us.
    """
    cron = cluster.get(Ref("batch/v1", "CronJob", wanted.namespace, wanted.cron_job))
    if cron is None or not stamp.is_on(cron):
        raise ClusterError(
            "This installation makes no backups.",
            f"The cluster has no CronJob {wanted.namespace}/{wanted.cron_job} of ours.",
            "Say where they go (modules.disaster-recovery.target) and run health-install.",
        )
    _refuse_two(cluster, stamp, cron)
    moment = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
    job = job_from(cron, f"{wanted.cron_job}-{moment}", wanted.variables)
    cluster.apply([job], stamp)
    last = [cluster.readiness(job, stamp)]

    def reason() -> str | None:
        last[0] = cluster.readiness(job, stamp)
        return None if last[0].done or last[0].failed else last[0].words

    ctx.wait(
        f"Job {ref_of(job).name}",
        reason,
        every=3.0,
        usually=wanted.usually,
        at_most=_HOURS * 3600.0,
    )
    return JobTold(last[0].done, last[0].words, _printed(cluster, stamp, job))


def _refuse_two(cluster: Cluster, stamp: Stamp, cron: Document) -> None:
    """Two at once would work on the same databases."""
    uid = cron["metadata"]["uid"]
    namespace = cron["metadata"]["namespace"]
    for job in cluster.objects("batch/v1", "Job", namespace, stamp.selector):
        owners = {one["uid"] for one in at(job, "metadata", "ownerReferences", default=[])}
        if uid in owners and is_unfinished(job):
            name = job["metadata"]["name"]
            raise ClusterError(
                f"Job {name} is under way already.",
                "Two at once would be in each other's way.",
                f"Wait for its end, or stop it: kubectl delete job -n {namespace} {name}",
            )


def _printed(cluster: Cluster, stamp: Stamp, job: Document) -> dict[str, str]:
    """By container; of several pods the last one that has something counts."""
    name, namespace = job["metadata"]["name"], job["metadata"]["namespace"]
    pods = cluster.objects("v1", "Pod", namespace, pods_selector(name))
    told: dict[str, str] = {}
    for pod in sorted(pods, key=lambda one: str(one["metadata"].get("creationTimestamp"))):
        for place in logs_of(pod):
            text = cluster.log_tail(place, stamp, _LOG_LINES)
            if text:
                told[place.container] = text
    return told
