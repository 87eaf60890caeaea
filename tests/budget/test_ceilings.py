"""What containers may take at most: from their limits, and beside the requests of the plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from installer.budget.ceilings import Ceiling, pod_ceilings
from installer.budget.demand import measure
from installer.budget.envelope import load_envelope
from installer.budget.explaining import explain
from installer.budget.quantities import MIB, whole
from installer.budget.room import NodeShape
from installer.budget.verdict import Verdict, judge
from installer.cli import main
from installer.commands.sources import model
from installer.modules.claims import VolumePlan
from installer.plan import Plan, make_plan
from tests.budget.pieces import Piece, container, pod_spec, thing, workload


def limited(**limits: object) -> dict[str, Any]:
    """A container with these limits, which asks for little."""
    made = container("10m", "16Mi")
    made["resources"]["limits"] = limits
    return made


def server(name: str, *containers: dict[str, Any], replicas: int = 1, **pod: Any) -> Piece:
    spec = pod_spec(*containers, **pod)
    strategy = {"type": "Recreate"}
    return workload("Deployment", name, spec, replicas=replicas, strategy=strategy)


def judged(*pieces: Piece) -> Verdict:
    return judge(measure(pieces), VolumePlan(()), NodeShape(2, 12), load_envelope())


def plan_of(**given: Any) -> Plan:
    return make_plan(model().model_validate({"version": 1, **given}))


def test_limits_add_up_and_those_of_preparation_count_only_where_they_are_larger() -> None:
    small, large, helper = limited(memory="64Mi"), limited(memory="1Gi"), limited(memory="8Mi")
    helper["restartPolicy"] = "Always"
    spec = pod_spec(limited(memory="100Mi"), limited(memory="28Mi"), initContainers=[small, helper])
    assert pod_ceilings(spec).memory == Ceiling(136 * MIB, 4, 0)
    spec = pod_spec(limited(memory="100Mi"), initContainers=[large, small])
    assert pod_ceilings(spec).memory == Ceiling(1024 * MIB, 3, 0)


def test_a_container_without_a_limit_is_counted_and_one_of_the_whole_pod_covers_it() -> None:
    spec = pod_spec(limited(memory="64Mi", cpu="1"), limited())
    found = pod_ceilings(spec)
    assert (found.memory, found.cpu) == (Ceiling(64 * MIB, 2, 1), Ceiling(1000, 2, 1))
    spec["resources"] = {"limits": {"memory": "96Mi"}}
    assert pod_ceilings(spec).memory == Ceiling(96 * MIB, 2, 0)


def test_every_pod_counts_and_jobs_do_not() -> None:
    job = workload("Job", "once", pod_spec(limited(memory="4Gi")))
    found = judged(server("api", limited(memory="300Mi"), replicas=2), job).row("memory")
    assert found.promised == 600 * MIB
    assert found.promise == "memory is promised up to 600 MiB to what runs all the time"


def test_an_autoscaler_is_taken_at_its_end() -> None:
    spec = {
        "scaleTargetRef": {"kind": "Deployment", "name": "api"},
        "minReplicas": 1,
        "maxReplicas": 5,
    }
    scaler = thing("HorizontalPodAutoscaler", "api", spec)
    found = judged(server("api", limited(memory="300Mi")), scaler).row("memory")
    assert found.promised == 1500 * MIB


def test_more_than_there_is_may_be_promised_and_is_told() -> None:
    verdict = judged(server("a", limited(memory="12Gi")), server("b", limited(memory="12Gi")))
    row = verdict.row("memory")
    assert verdict.fits
    assert row.limit is not None
    assert row.promised > row.limit
    assert "more than there is" in row.promise


def test_cpu_has_no_limits_only_where_no_container_has_one() -> None:
    none = judged(server("a", limited(memory="1Gi")), server("b", limited(memory="1Gi")))
    assert none.row("CPU").promise.startswith("CPU has no limits")
    one = judged(server("a", limited(memory="1Gi")), server("b", limited(cpu="500m")))
    assert one.row("CPU").promise == (
        "CPU is promised up to 500 m to what runs all the time, "
        "and without end to 1 of 2 containers"
    )
    job = workload("Job", "once", pod_spec(limited(cpu="1")))
    assert "no limits" not in judged(server("a", limited()), job).row("CPU").promise


def test_without_any_pod_nothing_is_said() -> None:
    assert judged().row("memory").promise == ""


def containers_of(plan: Plan) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every container of the rendered servers and jobs, with how many of it run all the time."""
    for entry in plan.rendered.objects:
        body = entry.body
        spec = body.get("spec") or {}
        job = (spec.get("jobTemplate") or {}).get("spec") or spec
        pod = (job.get("template") or {}).get("spec") or {}
        times = 0 if body["kind"] in ("Job", "CronJob") else int(spec.get("replicas", 1))
        yield from ((times, one) for one in pod.get("containers") or ())
        yield from ((0, one) for one in pod.get("initContainers") or ())


@pytest.mark.parametrize("target", ["oke", "existing"])
def test_the_plan_says_what_the_rendered_containers_may_take(target: str) -> None:
    plan = plan_of(target=target)
    found = list(containers_of(plan))
    limits = [one["resources"].get("limits") or {} for _, one in found]
    assert len(found) > 20
    assert all("cpu" not in each for each in limits)
    assert all("memory" in each for each in limits)
    row = plan.verdict.row("memory")
    assert row.promised == sum(
        times * whole(each["memory"]) for (times, _), each in zip(found, limits, strict=True)
    )
    assert row.promised > row.used
    text = plan.text()
    for line in (row.promise, plan.verdict.row("CPU").promise):
        assert text.count(line) == 1
    assert "CPU has no limits" in text


def test_explaining_leads_to_objects_and_their_parts_add_up() -> None:
    verdict = judged(server("a", limited(memory="1Gi")), server("b", limited(memory="2Gi")))
    lines = explain(verdict, "memory")
    assert lines[-3:] == (
        "  at most: memory is promised up to 3 GiB to what runs all the time",
        "    2 GiB  1 x Deployment health/b (infrastructure/b.yaml.j2)",
        "    1 GiB  1 x Deployment health/a (infrastructure/a.yaml.j2)",
    )
    row = verdict.row("memory")
    assert sum(part.amount for part in row.promises) == row.promised


def test_the_promise_is_part_of_the_plan_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--output", "json"]) == 0
    told = capsys.readouterr().out
    assert '"promise": "memory is promised up to' in told
