"""Words for differences, our stamp, and what nodes offer: without any cluster."""

from __future__ import annotations

from typing import Any

import pytest

from installer.kube.connection import Connection
from installer.kube.differences import differences
from installer.kube.faults import as_error, refusal_from
from installer.kube.nodes import Amounts, live_nodes, requests_of
from installer.kube.objects import Ref
from installer.kube.stamp import Stamp
from installer.kube.wire import proxy_of
from tests.kube.rehearsed import config_map, deployment, job

DEPLOYMENT = Ref("apps/v1", "Deployment", "data", "api")
SECRET = Ref("v1", "Secret", "data", "login")
STAMP = Stamp("abcdefghijkl", "health")


def body(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "api"}, "spec": spec}


def test_an_item_of_a_list_is_called_by_its_name() -> None:
    before = body(containers=[{"name": "a", "image": "x:1"}, {"name": "b", "image": "y:1"}])
    after = body(containers=[{"name": "b", "image": "y:1"}, {"name": "a", "image": "x:2"}])

    assert differences(DEPLOYMENT, before, after) == (
        "Deployment data/api: spec.containers[a].image x:1 -> x:2",
    )


def test_of_a_list_of_words_those_that_differ_are_shown() -> None:
    before, after = body(args=["--keep=30d", "--quiet"]), body(args=["--keep=31d", "--quiet"])
    longer = body(args=["--keep=30d", "--quiet", "--fast"])

    assert differences(DEPLOYMENT, before, after) == (
        "Deployment data/api: spec.args[0] --keep=30d -> --keep=31d",
    )
    assert differences(DEPLOYMENT, before, longer) == ("Deployment data/api: spec.args changes",)


def test_added_and_removed_fields_are_said_to_be_so() -> None:
    found = differences(DEPLOYMENT, body(old=1, same=2), body(same=2, new=True))

    assert found == (
        "Deployment data/api: spec.old is removed",
        "Deployment data/api: spec.new is added: true",
    )


def test_long_texts_are_not_shown() -> None:
    assert differences(DEPLOYMENT, body(text="a" * 100), body(text="b")) == (
        "Deployment data/api: spec.text changes",
    )


def test_values_of_secrets_are_never_shown() -> None:
    before = {"metadata": {}, "data": {"password": "b25l"}}
    after = {"metadata": {}, "data": {"password": "dHdv", "more": "eA=="}}

    assert differences(SECRET, before, after) == (
        "Secret data/login: data.password changes",
        "Secret data/login: data.more is added",
    )


def test_what_a_controller_writes_beside_our_fields_is_no_difference() -> None:
    record: dict[str, Any] = {"f:spec": {"f:replicas": {}}}
    ours = {"manager": "health-install", "operation": "Apply", "fieldsV1": record}
    before = {"metadata": {"managedFields": [ours]}, "spec": {"replicas": 1}}
    after = {
        "metadata": {"managedFields": [ours], "annotations": {"revision": "2"}},
        "spec": {"replicas": 1, "paused": True},
        "status": {"replicas": 1},
    }

    assert differences(DEPLOYMENT, before, after) == ()


def test_the_stamp_reaches_pods_and_claims_and_leaves_the_original_alone() -> None:
    cron = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "nightly"},
        "spec": {"jobTemplate": {"spec": job("data", "x")["spec"]}},
    }
    stateful = deployment("data", "db")
    stateful["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": {}}]

    stamped_cron, stamped = STAMP.put_on(cron), STAMP.put_on(stateful)

    template = stamped_cron["spec"]["jobTemplate"]
    assert STAMP.is_on(template)
    assert STAMP.is_on(template["spec"]["template"])
    assert STAMP.is_on(stamped["spec"]["template"])
    assert STAMP.is_on(stamped["spec"]["volumeClaimTemplates"][0])
    assert stamped["spec"]["template"]["metadata"]["labels"]["app"] == "db"
    assert not STAMP.is_on(stateful)
    assert STAMP.is_on(STAMP.put_on(config_map("data", "plain")))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            {"containers": [{"resources": {"requests": {"cpu": "250m", "memory": "1Gi"}}}]},
            Amounts(250, 2**30, 0, 1),
        ),
        (
            {
                "initContainers": [{"resources": {"requests": {"cpu": 1}}}],
                "containers": [{"resources": {"requests": {"cpu": "0.5"}}}],
            },
            Amounts(1000, 0, 0, 1),
        ),
        (
            {
                "initContainers": [
                    {"restartPolicy": "Always", "resources": {"requests": {"cpu": "100m"}}},
                    {"resources": {"requests": {"cpu": "300m"}}},
                ],
                "containers": [{"resources": {"requests": {"cpu": "200m"}}}],
            },
            Amounts(400, 0, 0, 1),
        ),
        (
            {"containers": [{"resources": {"limits": {"memory": "128M"}}}]},
            Amounts(0, 128_000_000, 0, 1),
        ),
        (
            {"containers": [{}], "overhead": {"cpu": "10m", "ephemeral-storage": "1Ki"}},
            Amounts(10, 0, 1024, 1),
        ),
    ],
)
def test_a_pod_asks_for_what_the_scheduler_counts(spec: dict[str, Any], expected: Amounts) -> None:
    assert requests_of(spec) == expected


def test_finished_and_waiting_pods_take_no_room_on_a_node() -> None:
    node = {
        "metadata": {"name": "one", "labels": {"zone": "a"}},
        "spec": {"taints": [{"key": "gpu", "effect": "NoSchedule"}]},
        "status": {
            "allocatable": {"cpu": "1930m", "memory": "10Gi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"architecture": "arm64", "kubeletVersion": "v1.36.2"},
        },
    }
    asks = {"containers": [{"resources": {"requests": {"cpu": "100m"}}}]}
    pods = [
        {"spec": {**asks, "nodeName": "one"}, "status": {"phase": "Running"}},
        {"spec": {**asks, "nodeName": "one"}, "status": {"phase": "Succeeded"}},
        {"spec": asks, "status": {"phase": "Pending"}},
    ]

    found = live_nodes([node], pods)[0]

    assert (found.cpu_milli, found.memory_bytes, found.pods) == (1930, 10 * 2**30, 110)
    assert (found.requested_cpu, found.running_pods) == (100, 1)
    assert (found.ready, found.schedulable, found.architecture) == (True, True, "arm64")
    assert found.taints[0].key == "gpu"


def test_a_proxy_s_page_instead_of_an_answer_is_shortened() -> None:
    refusal = refusal_from(502, b"<html>\n" + b"x" * 5000, None)

    error = as_error(refusal, "apply ConfigMap data/x")

    assert len(error.why) < 700
    assert "502" in error.why


def test_the_server_s_wish_when_to_come_back_is_kept() -> None:
    refusal = refusal_from(429, b"{}", "17")

    assert refusal.retry_after == 17.0
    assert refusal.is_worth_repeating


def test_an_apply_with_an_unknown_field_is_not_repeated() -> None:
    message = "failed to create typed patch object (a/b): .spec.foo: field not declared in schema"
    status = f'{{"kind": "Status", "message": "{message}", "code": 500}}'.encode()

    assert not refusal_from(500, status, None).is_passing


def test_the_kubeconfig_s_proxy_counts_before_the_environment_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    plain = Connection("https://cluster.example.org:6443")
    assert proxy_of(plain) is None
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    monkeypatch.setenv("NO_PROXY", "near.example.org,127.0.0.1")
    assert proxy_of(plain) == "http://proxy.example.org:3128"
    assert proxy_of(Connection("https://near.example.org:6443")) is None
    assert proxy_of(Connection("https://127.0.0.1:6443")) is None
    own = Connection("https://near.example.org:6443", proxy="http://own.example.org:8080")
    assert proxy_of(own) == "http://own.example.org:8080"
