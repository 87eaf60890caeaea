"""A Job made from a CronJob at once instead of at its hour, as `kubectl create job --from` does."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from installer.kube.objects import Document, at
from installer.kube.trouble import LogPlace

_MANUAL = "cronjob.kubernetes.io/instantiate"
_JOB_NAME = "batch.kubernetes.io/job-name"


def job_from(cron: Mapping[str, Any], name: str, variables: Mapping[str, str]) -> Document:
    """The Job that the CronJob, read from the cluster, would make, under a name of ours.

    `variables` replace those of the same name in every container that has them. It belongs to the
    CronJob: it goes with it, counts in its history, and its success is the CronJob's.
    """
    template = copy.deepcopy(at(cron, "spec", "jobTemplate", default={}))
    for container in template["spec"]["template"]["spec"]["containers"]:
        for variable in container.get("env") or ():
            if variable["name"] in variables:
                variable["value"] = variables[variable["name"]]
    owner = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "name": cron["metadata"]["name"],
        "uid": cron["metadata"]["uid"],
        "controller": True,
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": cron["metadata"]["namespace"],
            "labels": dict(at(template, "metadata", "labels", default={})),
            "annotations": {_MANUAL: "manual"},
            "ownerReferences": [owner],
        },
        "spec": template["spec"],
    }


def pods_selector(job: str) -> str:
    """Selects the pods of a Job, by the label Kubernetes puts on them."""
    return f"{_JOB_NAME}={job}"


def is_unfinished(job: Mapping[str, Any]) -> bool:
    """Whether a Job has neither completed nor failed for good."""
    conditions = at(job, "status", "conditions", default=[])
    ended = {one["type"] for one in conditions if one.get("status") == "True"}
    return not ended & {"Complete", "Failed"}


def logs_of(pod: Mapping[str, Any]) -> Iterator[LogPlace]:
    """Where each container of a pod writes."""
    metadata = pod["metadata"]
    for container in at(pod, "spec", "containers", default=[]):
        yield LogPlace(metadata["namespace"], metadata["name"], container["name"], False)
