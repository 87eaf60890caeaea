"""Single steps in situations that a whole module never meets at once."""

from __future__ import annotations

import pytest

from installer.engine.errors import ClusterError, ExitCode, NotOurs
from installer.engine.events import Ending, Event, StepFinished, StepStarted, Waiting
from installer.engine.step import Condition, Context, StopFlag
from installer.kube.objects import ref_of
from installer.kube.secret_objects import SecretWanted
from installer.kube.stamp import Stamp
from installer.modules.secret_values import SecretSpec, SecretValue
from installer.steps.nodes_ready import NodesReady
from tests.kube.rehearsed import Body, Rehearsed, claim, config_map, deployment, job, patch
from tests.steps.kube.conftest import Site


def spec(site: Site, name: str, *values: SecretValue) -> SecretSpec:
    return SecretSpec("small", name, site.space, name, values)


PASSWORD = SecretValue("password", "password", question_path="small.login")
ADDRESS = SecretValue("address", "template", text="db://app:${password}@db")


def test_waves_come_one_after_the_other(site: Site) -> None:
    rendered = site.small(
        [config_map(site.space, "settings")],
        [deployment(site.space, "db")],
        [job(site.space, "init")],
    )

    result = site.install(rendered)

    assert result.error is None
    order = [e.step for e in site.events if isinstance(e, StepFinished)]
    assert order.index("small-0") < order.index("small-1") < order.index("small-2")
    assert order[-1] == "tidy"


def test_a_deleted_object_is_missed_and_made_again(site: Site) -> None:
    rendered = site.small([config_map(site.space, "one"), config_map(site.space, "two")])
    site.install(rendered)
    gone = [o for o in site.cluster.inventory(site.stamp) if o.ref.name == "two"]
    site.cluster.delete(gone, site.stamp, lambda *_args, **_more: None)

    result = site.install(rendered)

    assert result.changed == 1
    assert site.changes_of("small-0") == (f"ConfigMap {site.space}/two is missing",)
    assert site.install(rendered).changed == 0


def test_a_changed_answer_changes_what_it_touches_and_no_more(site: Site) -> None:
    site.install(site.small([config_map(site.space, "one")], [deployment(site.space, "db")]))

    result = site.install(
        site.small([config_map(site.space, "one")], [deployment(site.space, "db", replicas=2)])
    )

    assert result.changed == 1
    assert site.changes_of("small-1") == (f"Deployment {site.space}/db: spec.replicas 1 -> 2",)


def test_planning_changes_nothing(site: Site) -> None:
    rendered = site.small([config_map(site.space, "one")], secrets=[spec(site, "login", PASSWORD)])

    result = site.plan(rendered)

    assert result.error is None
    assert site.cluster.inventory(site.stamp) == ()


def test_a_plan_names_what_is_to_come_and_a_run_only_counts_it(site: Site) -> None:
    site.install(site.small([config_map(site.space, "one")]))
    more = site.small([config_map(site.space, "one")], [config_map(site.space, "two")])

    looked = site.plan(more)
    site.install(more)

    seen = looked.seen["small-1"]
    assert (seen.condition, seen.in_short) == (Condition.ABSENT, "1 objects to make")
    assert seen.changes == (f"ConfigMap {site.space}/two is missing",)
    assert site.changes_of("small-1") == ()


def test_what_left_the_plan_is_pruned_and_data_is_kept(site: Site) -> None:
    settings = [config_map(site.space, "settings")]
    site.install(site.small(settings, [job(site.space, "init-1"), claim(site.space, "data")]))

    site.install(site.small(settings, [job(site.space, "init-2")]))

    left = {one.ref.name for one in site.cluster.inventory(site.stamp)}
    assert {"settings", "init-2", "data"} <= left
    assert "init-1" not in left
    assert "kept because it may hold data" in site.said


def test_every_wait_names_an_object_and_its_reason(site: Site) -> None:
    site.install(site.small([deployment(site.space, "db")]))

    waits = [event for event in site.events if isinstance(event, Waiting)]
    named = [event for event in waits if event.what == f"Deployment {site.space}/db"]
    assert named
    assert all("replicas" in event.why or "picked it up" in event.why for event in named)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("ImagePullBackOff", "the image docker.io/library/busybox:1 cannot be pulled"),
        ("CrashLoopBackOff", "ends again and again"),
        ("OOMKilled", "used more memory than its limit"),
    ],
)
def test_a_hopeless_server_ends_the_run_with_its_reason(
    site: Site, outcome: str, words: str
) -> None:
    result = site.install(site.small([deployment(site.space, "db", outcome=outcome)]))

    assert isinstance(result.error, ClusterError)
    assert result.exit_code == ExitCode.CLUSTER
    assert f"Deployment {site.space}/db" in result.error.what
    assert words in result.error.why
    assert result.error.why.startswith("It stays like this")
    assert "kubectl" in result.error.then


def test_a_failed_job_is_told_and_made_anew_by_the_next_run(site: Site) -> None:
    rendered = site.small([job(site.space, "fails-once")])
    failed = site.install(rendered)
    before = [one for one in site.cluster.inventory(site.stamp) if one.ref.kind == "Job"]
    again = site.install(rendered)
    after = [one for one in site.cluster.inventory(site.stamp) if one.ref.kind == "Job"]

    assert isinstance(failed.error, ClusterError)
    assert "has failed" in failed.error.why
    assert "The last lines of its log:\nmain: started" in failed.error.why
    assert again.error is None
    assert before[0].uid != after[0].uid


def test_a_job_with_other_content_under_the_same_name_is_made_anew(site: Site) -> None:
    site.install(site.small([job(site.space, "init")]))
    other = job(site.space, "init")
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "docker.io/library/busybox:2"

    result = site.install(site.small([other]))

    found = site.cluster.get(ref_of(other))
    assert result.error is None
    assert found is not None
    assert found["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":2")


def test_a_supplied_secret_follows_its_source_and_a_generated_one_is_never_made_anew(
    site: Site,
) -> None:
    site.supplied["small.login"] = "a-supplied-password"
    key = SecretValue("key", "encryption_key", question_path="small.key")
    specs = [
        spec(site, "login", PASSWORD, ADDRESS),
        spec(site, "other", SecretValue("password", "password"), key),
    ]
    site.install(site.small([], secrets=specs))
    generated = site.cluster.secret(site.space, "other")

    site.supplied |= {"small.login": "another-password", "small.key": "another-key-of-data"}
    result = site.install(site.small([], secrets=specs))

    login = site.cluster.secret(site.space, "login")
    assert login is not None
    assert login.values == {
        "password": "another-password",
        "address": "db://app:another-password@db",
    }
    assert site.cluster.secret(site.space, "other") == generated
    assert result.changed == 1
    assert "a-supplied-password" not in site.said
    assert "another-password" not in site.said

    del site.supplied["small.login"]
    assert site.install(site.small([], secrets=specs)).changed == 0


def reading(body: Body, name: str) -> Body:
    """The same with a container that reads a Secret."""
    container = body["spec"]["template"]["spec"]["containers"][0]
    reference = {"secretKeyRef": {"name": name, "key": "password"}}
    container["env"] = [{"name": "PASSWORD", "valueFrom": reference}]
    return body


def test_pods_that_read_a_changed_secret_begin_anew_and_no_others(site: Site) -> None:
    site.supplied["small.login"] = "a-supplied-password"
    rendered = site.small(
        [
            reading(deployment(site.space, "reader"), "login"),
            reading(deployment(site.space, "other"), "untouched"),
            deployment(site.space, "apart"),
        ],
        [reading(job(site.space, "init"), "login")],
        secrets=[
            spec(site, "login", PASSWORD),
            spec(site, "untouched", SecretValue("password", "password")),
        ],
    )
    site.install(rendered)
    assert site.install(rendered).changed == 0
    before = {one.ref: one.uid for one in site.cluster.inventory(site.stamp)}

    site.supplied["small.login"] = "another-password"
    planned = site.plan(rendered)
    made = site.install(rendered)

    lines = planned.seen["secrets"].changes
    assert lines == (
        f"Secret {site.space}/login: password follows its source",
        f"Secret {site.space}/login: pods that read it begin anew, those of "
        f"Deployment {site.space}/reader, Job {site.space}/init",
    )
    assert made.error is None
    (changed,) = site.changes_of("small-0")
    place = "spec.template.metadata.annotations[health-install/secrets]"
    assert changed.startswith(f"Deployment {site.space}/reader: {place}")
    assert site.changes_of("small-1") == (
        f"Job {site.space}/init: is made anew, since a job cannot be changed",
    )
    assert site.install(rendered).changed == 0
    after = {one.ref: one.uid for one in site.cluster.inventory(site.stamp)}
    assert {ref.name for ref in after if after[ref] != before[ref]} == {"init"}


def test_only_missing_and_derived_keys_of_a_secret_are_set(site: Site) -> None:
    site.install(site.small([], secrets=[spec(site, "login", PASSWORD, ADDRESS)]))
    before = site.cluster.secret(site.space, "login")
    assert before is not None
    token = SecretValue("token", "password")
    moved = SecretValue("address", "template", text="db://app:${password}@elsewhere")
    copied = SecretValue("password", "copy", text=f"{site.space}/login/password")

    result = site.install(
        site.small(
            [],
            secrets=[spec(site, "login", PASSWORD, moved, token), spec(site, "guest", copied)],
        )
    )

    after = site.cluster.secret(site.space, "login")
    guest = site.cluster.secret(site.space, "guest")
    assert result.changed == 1
    assert after is not None
    assert guest is not None
    assert after.values["password"] == before.values["password"] == guest.values["password"]
    assert after.values["address"].endswith("@elsewhere")
    assert set(site.changes_of("secrets")) == {
        f"Secret {site.space}/login: token is missing",
        f"Secret {site.space}/login: address follows its source",
        f"Secret {site.space}/guest is missing",
    }


def test_a_secret_of_somebody_else_is_left_alone(site: Site) -> None:
    other = Stamp("otherotherot", "other")
    site.install(site.small([]))
    site.cluster.create_secret(SecretWanted(site.space, "login", {"password": "theirs"}), other)

    result = site.install(site.small([], secrets=[spec(site, "login", PASSWORD)]))

    assert isinstance(result.error, NotOurs)
    assert f"Secret {site.space}/login" in result.error.why
    seen = site.cluster.secret(site.space, "login")
    assert seen is not None
    assert seen.values == {"password": "theirs"}


def test_a_foreign_object_in_the_way_ends_the_run_before_anything_is_changed(site: Site) -> None:
    other = Stamp("otherotherot", "other")
    site.install(site.small([]))
    site.cluster.apply([config_map(site.space, "one", level="theirs")], other)

    result = site.install(
        site.small([config_map(site.space, "one"), config_map(site.space, "two")])
    )

    assert result.exit_code == ExitCode.NOT_OURS
    assert site.cluster.get(ref_of(config_map(site.space, "two"))) is None


def test_guests_stop_a_removal_before_it_begins(site: Site) -> None:
    rendered = site.small([config_map(site.space, "one")], [deployment(site.space, "db")])
    site.install(rendered)
    site.cluster.apply([config_map(site.space, "guest")], Stamp("guestguestgu", "guest"))
    before = site.cluster.inventory(site.stamp)

    result = site.destroy(rendered)

    assert isinstance(result.error, NotOurs)
    assert f"ConfigMap {site.space}/guest" in result.error.why
    assert site.cluster.inventory(site.stamp) == before


@pytest.mark.parametrize("cut_at", ["namespaces", "secrets", "small-0", "small-1", "tidy"])
def test_a_run_stopped_at_any_step_is_finished_by_the_next(site: Site, cut_at: str) -> None:
    rendered = site.small(
        [config_map(site.space, "one")],
        [deployment(site.space, "db"), claim(site.space, "data")],
        secrets=[spec(site, "login", PASSWORD)],
    )

    def cut(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step == cut_at:
            site.stop.request()

    site.listener = cut
    stopped = site.install(rendered)
    kept = site.cluster.secret(site.space, "login")
    site.listener, site.stop = lambda _event: None, StopFlag()
    finished = site.install(rendered)

    assert stopped.ending in (Ending.STOPPED, Ending.DONE)
    assert finished.error is None
    if kept is not None:
        assert site.cluster.secret(site.space, "login") == kept
    assert site.install(rendered).changed == 0


def test_a_removal_reaches_what_older_plans_made(site: Site) -> None:
    site.install(site.small([deployment(site.space, "db"), claim(site.space, "data")]))

    result = site.destroy(site.small([config_map(site.space, "one")]))

    assert result.error is None
    assert site.cluster.inventory(site.stamp) == ()


def test_a_namespace_on_its_way_out_is_waited_for_and_made_again(
    site: Site, kubernetes: Rehearsed
) -> None:
    rendered = site.small([config_map(site.space, "one")])
    site.install(rendered)
    held = config_map(site.space, "held")
    held["metadata"]["finalizers"] = ["example.org/held"]
    site.cluster.apply([held], site.stamp)
    doomed = [o for o in site.cluster.inventory(site.stamp) if o.ref.kind == "Namespace"]
    site.cluster.delete(doomed, site.stamp, lambda *_args, **_more: None)

    def let_go(event: Event) -> None:
        if isinstance(event, Waiting) and event.what.startswith("the old Namespace"):
            site.listener = lambda _event: None
            path = f"/api/v1/namespaces/{site.space}/configmaps/held"
            none = {"metadata": {"finalizers": None}}
            patch(kubernetes, path, "application/merge-patch+json", none)

    site.listener = let_go
    result = site.install(rendered)

    assert result.error is None
    assert f"Namespace {site.space} is being deleted" in site.changes_of("namespaces")
    assert site.install(rendered).changed == 0


def test_too_few_nodes_are_counted_and_what_others_ask_of_them_is_known(site: Site) -> None:
    step = NodesReady(lambda _ctx: site.cluster, 2)
    context = Context(step.id, site.state, site.installation, lambda _event: None, site.stop)
    site.install(site.small([deployment(site.space, "db")]))

    seen = step.look(context)
    ours = site.cluster.nodes(site.stamp)[0]
    everything = site.cluster.nodes()[0]

    assert seen.condition is Condition.DIFFERENT
    assert seen.words == "1 of 2 nodes are ready"
    assert everything.requested_cpu - ours.requested_cpu == 10
    assert everything.running_pods - ours.running_pods == 1
    assert ours.cpu_milli > 1000
    assert ours.memory_bytes > 2**33
