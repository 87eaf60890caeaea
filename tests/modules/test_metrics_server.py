"""The metrics server: what the published manifests ask for, and that it gives way."""

from __future__ import annotations

from typing import Any

import pytest

from installer.modules import catalogue
from installer.plan import NOT_ASKED, Plan, Surroundings, make_plan
from tests.modules.conftest import answers_for

API = "v1beta1.metrics.k8s.io"


def plan_with(around: Surroundings = NOT_ASKED, **given: Any) -> Plan:
    return make_plan(answers_for(catalogue(), target="existing", **given), around)


def of_kind(plan: Plan, kind: str) -> list[dict[str, Any]]:
    return [
        entry.body
        for entry in plan.rendered.objects
        if entry.module == "metrics-server" and entry.body["kind"] == kind
    ]


def container(plan: Plan) -> dict[str, Any]:
    pod: dict[str, Any] = of_kind(plan, "Deployment")[0]["spec"]["template"]["spec"]
    return dict(pod["containers"][0])


def test_the_api_s_place_points_at_the_service_which_points_at_the_server() -> None:
    plan = plan_with()
    (api,) = of_kind(plan, "APIService")
    (service,) = of_kind(plan, "Service")
    assert api["metadata"]["name"] == API
    where = api["spec"]["service"]
    place = (service["metadata"]["namespace"], service["metadata"]["name"])
    assert (where["namespace"], where["name"]) == place
    (port,) = service["spec"]["ports"]
    assert where["port"] == port["port"]
    ports = {each["name"]: each["containerPort"] for each in container(plan)["ports"]}
    assert ports[port["targetPort"]] == 10250
    assert "--secure-port=10250" in container(plan)["args"]


def test_certificates_of_machines_are_checked_unless_the_answer_is_not_to() -> None:
    skip = "--kubelet-insecure-tls"
    assert skip not in container(plan_with())["args"]
    loose = plan_with(modules={"metrics-server": {"kubelet_tls": "skip"}})
    assert skip in container(loose)["args"]


def test_it_is_applied_before_the_api_points_at_it() -> None:
    waves = {
        entry.body["kind"]: entry.wave
        for entry in plan_with().rendered.objects
        if entry.module == "metrics-server"
    }
    assert waves["ClusterRoleBinding"] < waves["Deployment"] < waves["APIService"]


def test_where_somebody_else_serves_the_figures_nothing_is_made() -> None:
    taken = Surroundings(served_by_others=(API,))
    plan = plan_with(taken)
    assert not any(entry.module == "metrics-server" for entry in plan.rendered.objects)
    assert any(API in words for words in plan.notices)
    assert "health-system" not in str([entry.body for entry in plan.rendered.objects]) or any(
        entry.body["metadata"]["name"] == "health-system" for entry in plan.rendered.objects
    )
    # For those who ask whether there are figures, there are.
    assert "metrics-server" in [module.name for module in plan.modules]


@pytest.mark.parametrize("names", [(), ("v1beta1.external.metrics.k8s.io",)])
def test_an_api_of_others_that_is_another_one_is_not_in_the_way(names: tuple[str, ...]) -> None:
    assert of_kind(plan_with(Surroundings(served_by_others=names)), "APIService")


def test_its_objects_carry_names_that_nobody_else_uses() -> None:
    for kind in ("ClusterRole", "ClusterRoleBinding"):
        for body in of_kind(plan_with(), kind):
            assert body["metadata"]["name"].startswith("health-platform-")
    (reader,) = of_kind(plan_with(), "RoleBinding")
    assert reader["metadata"]["namespace"] == "kube-system"
