"""A job of the cluster run at once, with the real client against the built-in cluster."""

from __future__ import annotations

import pytest

from installer.commands.requested import JobWanted, run_now
from installer.engine.errors import ClusterError
from installer.engine.step import Context
from installer.kube.jobs import job_from
from installer.kube.objects import Ref
from tests.kube.rehearsed import Body, job
from tests.steps.kube.conftest import Site


def cron_job(space: str, name: str, **how: str) -> Body:
    """One that never runs by itself."""
    spec = job(space, name, **how)["spec"]
    spec["template"]["spec"]["containers"][0]["env"] = [
        {"name": "MODE", "value": "list"},
        {"name": "KEPT", "value": "as it was"},
    ]
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name, "namespace": space},
        "spec": {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": spec}},
    }


def context(site: Site) -> Context:
    return Context("jobs", site.state, site.installation, lambda _event: None, site.stop, site.pace)


def test_it_runs_now_with_other_variables_and_brings_back_what_was_printed(site: Site) -> None:
    rendered = site.small([cron_job(site.space, "restore")])
    assert site.install(rendered).error is None
    wanted = JobWanted(site.space, "restore", {"MODE": "restore"})
    told = run_now(site.cluster, site.stamp, context(site), wanted)
    assert told.done, told
    assert any("ended with exit code 0" in text for text in told.printed.values())
    (made,) = site.cluster.objects("batch/v1", "Job", site.space)
    assert made["metadata"]["ownerReferences"][0]["name"] == "restore"
    env = made["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {one["name"]: one["value"] for one in env} == {"MODE": "restore", "KEPT": "as it was"}
    # What it left is no difference to the next run.
    again = site.install(rendered)
    assert (again.error, again.changed) == (None, 0)


def test_one_that_fails_is_told_as_failed_with_its_words(site: Site) -> None:
    assert site.install(site.small([cron_job(site.space, "restore", outcome="fail")])).error is None
    told = run_now(site.cluster, site.stamp, context(site), JobWanted(site.space, "restore"))
    assert not told.done
    assert "has failed" in told.words


def test_without_backups_it_says_how_to_have_some(site: Site) -> None:
    with pytest.raises(ClusterError, match="makes no backups") as caught:
        run_now(site.cluster, site.stamp, context(site), JobWanted(site.space, "restore"))
    assert "modules.disaster-recovery.target" in caught.value.then


def test_two_at_once_are_refused(site: Site) -> None:
    assert site.install(site.small([cron_job(site.space, "restore")])).error is None
    found = site.cluster.get(Ref("batch/v1", "CronJob", site.space, "restore"))
    assert found is not None
    under_way = job_from(found, "restore-earlier", {})
    under_way["spec"]["suspend"] = True
    site.cluster.apply([under_way], site.stamp)
    with pytest.raises(ClusterError, match="restore-earlier is under way already"):
        run_now(site.cluster, site.stamp, context(site), JobWanted(site.space, "restore"))
