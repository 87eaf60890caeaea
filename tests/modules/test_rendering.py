"""What comes out of the templates."""

from __future__ import annotations

import json
import time
from collections import Counter
from decimal import Decimal
from typing import Any

import kubernetes_validate
import pytest
from pydantic import ValidationError

from installer.modules import (
    ClusterFacts,
    Module,
    ModulesInvalid,
    Rendered,
    RenderedObject,
    VolumePlan,
    claims,
    documents,
    make_secret,
    render,
    rendering,
    separate_volumes,
    templates,
)
from installer.modules.pod_security import violations
from installer.modules.releases import CHECKED_RELEASES
from installer.modules.stamping import pod_template
from installer.modules.templates import SHARED_GROUP
from tests.modules.accounts import RIGHTS
from tests.modules.conftest import Choose, one_volume

FACTS = ClusterFacts("oci-bv", "arm64")


def pods(rendered: Rendered) -> list[tuple[RenderedObject, dict[str, Any]]]:
    """Every object with pods, and the pods' template."""
    found = [(entry, pod_template(entry.body)) for entry in rendered.objects]
    return [(entry, template) for entry, template in found if template is not None]


def claims_of(template: dict[str, Any]) -> set[str]:
    """The volumes that outlive a pod, by the names of their claims."""
    volumes = template["spec"].get("volumes") or []
    kept = [volume.get("persistentVolumeClaim") for volume in volumes]
    return {claim["claimName"] for claim in kept if claim}


def named(rendered: Rendered, kind: str, name: str) -> dict[str, Any]:
    """The one object of a kind whose name begins with `name`."""
    found = [
        entry.body
        for entry in rendered.objects
        if entry.body["kind"] == kind and entry.body["metadata"]["name"].startswith(name)
    ]
    assert len(found) == 1, [body["metadata"]["name"] for body in found]
    return found[0]


def as_bytes(rendered: Rendered) -> bytes:
    """All that was rendered, as one run of bytes."""
    return (
        json.dumps(
            [[entry.module, entry.source, entry.wave, entry.body] for entry in rendered.objects]
        ).encode()
        + repr(rendered.secrets).encode()
    )


def test_the_same_answers_give_the_same_bytes(choose: Choose) -> None:
    answers = choose()
    first = as_bytes(render(answers, one_volume(answers), FACTS))
    rendering._render_module.cache_clear()
    templates._readings.cache_clear()
    templates._document.cache_clear()
    again = choose()
    assert as_bytes(render(again, one_volume(again), FACTS)) == first


@pytest.mark.parametrize("version", CHECKED_RELEASES)
def test_every_object_fits_the_schema_of_every_kubernetes_release(
    rendered: Rendered, version: str
) -> None:
    for entry in rendered.objects:
        kubernetes_validate.validate(entry.body, version, strict=True)


def test_every_pod_in_a_restricted_namespace_is_restricted(rendered: Rendered) -> None:
    levels = {
        entry.body["metadata"]["name"]: entry.body["metadata"]["labels"][
            "pod-security.kubernetes.io/enforce"
        ]
        for entry in rendered.objects
        if entry.body["kind"] == "Namespace"
    }
    assert levels["health-data"] == "restricted"
    checked = 0
    for entry, template in pods(rendered):
        if levels[entry.body["metadata"]["namespace"]] == "restricted":
            checked += 1
            assert violations(template["spec"]) == (), entry.body["metadata"]["name"]
    assert checked >= 11


def test_every_container_is_hardened_beyond_the_level(rendered: Rendered) -> None:
    for entry, template in pods(rendered):
        spec = template["spec"]
        name = entry.body["metadata"]["name"]
        account = f"{entry.body['metadata']['namespace']}/{spec['serviceAccountName']}"
        assert spec["automountServiceAccountToken"] is (account in RIGHTS), name
        assert spec["enableServiceLinks"] is False, name
        assert spec["securityContext"]["runAsUser"] > 0, name
        accounts = {
            other.body["metadata"]["name"]
            for other in rendered.objects
            if other.body["kind"] == "ServiceAccount"
        }
        assert spec["serviceAccountName"] in accounts, name
        for container in spec["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}, name
            assert "memory" in container["resources"]["limits"], name


def test_every_server_is_probed(rendered: Rendered) -> None:
    for entry, template in pods(rendered):
        if entry.body["kind"] == "Job":
            continue
        first = template["spec"]["containers"][0]
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= first.keys()


def test_pods_on_a_shared_volume_have_one_group_and_stay_on_one_node(rendered: Rendered) -> None:
    sharing = [template for _, template in pods(rendered) if "health-data" in claims_of(template)]
    assert len(sharing) == 5
    for template in sharing:
        label = "health-install/volume-health-data"
        assert template["metadata"]["labels"][label] == "shared"
        terms = template["spec"]["affinity"]["podAffinity"][
            "requiredDuringSchedulingIgnoredDuringExecution"
        ]
        assert terms[0]["labelSelector"]["matchLabels"] == {label: "shared"}
        assert terms[0]["topologyKey"] == "kubernetes.io/hostname"
        security = template["spec"]["securityContext"]
        assert security["fsGroup"] == SHARED_GROUP
        assert security["fsGroupChangePolicy"] == "OnRootMismatch"


def test_no_two_pods_write_to_the_same_folder_of_a_volume(rendered: Rendered) -> None:
    folders = []
    for _, template in pods(rendered):
        spec = template["spec"]
        held = {
            volume["name"]: volume["persistentVolumeClaim"]["claimName"]
            for volume in spec.get("volumes") or []
            if "persistentVolumeClaim" in volume
        }
        for container in spec["containers"]:
            for mount in container.get("volumeMounts") or []:
                if mount["name"] in held:
                    folders.append((held[mount["name"]], mount["subPath"]))
    assert len(folders) == len(set(folders))
    assert len([folder for volume, folder in folders if volume == "health-data"]) == 5


def test_separate_volumes_need_no_affinity(choose: Choose) -> None:
    answers = choose()
    result = render(answers, separate_volumes(claims(answers)), FACTS)
    assert all("affinity" not in template["spec"] for _, template in pods(result))
    volumes = [e.body for e in result.objects if e.body["kind"] == "PersistentVolumeClaim"]
    assert len(volumes) == len(claims(answers))
    assert volumes[0]["spec"]["storageClassName"] == "oci-bv"


def test_without_a_storage_class_the_clusters_default_is_left_to_decide(choose: Choose) -> None:
    answers = choose()
    result = render(answers, one_volume(answers), ClusterFacts())
    assert "storageClassName" not in named(result, "PersistentVolumeClaim", "health-data")["spec"]


def test_a_claim_the_plan_forgot_is_an_error(choose: Choose) -> None:
    answers = choose()
    others = [one for one in one_volume(answers).volumes if one.namespace != "health-data"]
    whole = next(one for one in one_volume(answers).volumes if one.namespace == "health-data")
    short = type(whole)("health-data", "health-data", 50, whole.claims[1:])
    with pytest.raises(ModulesInvalid, match=r"postgresql-health.*no place"):
        render(answers, VolumePlan((*others, short)), FACTS)


def test_an_unknown_option_is_refused(choose: Choose) -> None:
    with pytest.raises(ValidationError, match="postgres_size"):
        choose(modules={"infrastructure": {"postgres_size": "3Gi"}})


def test_a_size_out_of_bounds_is_refused(choose: Choose) -> None:
    with pytest.raises(ValidationError, match="too small"):
        choose(modules={"infrastructure": {"object_storage": "1Gi"}})


def test_a_jobs_name_changes_with_what_it_runs_and_only_then(choose: Choose) -> None:
    def job(**options: object) -> str:
        answers = choose(modules={"infrastructure": options})
        result = render(answers, one_volume(answers), FACTS)
        return str(named(result, "Job", "minio-init")["metadata"]["name"])

    usual = job()
    assert job(quarantine_days=31) != usual  # only a file in a ConfigMap differs
    assert job(postgresql_auth_max_connections=100) == usual
    assert len(usual) <= 63


def test_a_changed_setting_restarts_the_server_it_belongs_to(choose: Choose) -> None:
    def notes(**options: object) -> dict[str, str]:
        answers = choose(modules={"infrastructure": options})
        result = render(answers, one_volume(answers), FACTS)
        return {
            entry.body["metadata"]["name"]: template["metadata"]["annotations"][
                "health-install/configuration"
            ]
            for entry, template in pods(result)
            if entry.body["kind"] == "StatefulSet"
        }

    before, after = notes(), notes(postgresql_health_max_connections=150)
    assert {name for name in before if before[name] != after[name]} == {"postgresql-health"}


def test_jobs_are_never_removed_by_the_clock(rendered: Rendered) -> None:
    jobs = [entry.body for entry in rendered.objects if entry.body["kind"] == "Job"]
    assert len(jobs) == 3
    assert all("ttlSecondsAfterFinished" not in job["spec"] for job in jobs)


def test_every_object_carries_the_contracts_labels(
    rendered: Rendered, modules: tuple[Module, ...]
) -> None:
    homes = {
        module.name: {*(entry.name for entry in module.file.namespaces), *module.file.borrows}
        for module in modules
    }
    for entry in rendered.objects:
        metadata = entry.body["metadata"]
        labels = metadata["labels"]
        assert labels["app.kubernetes.io/part-of"] == "health-platform"
        assert labels["health-install/module"] == entry.module
        assert labels["app.kubernetes.io/name"]
        if entry.body["kind"] != "Namespace":
            everywhere = "platform" in homes[entry.module]
            assert everywhere or metadata.get("namespace", "") in {"", *homes[entry.module]}
    for entry, template in pods(rendered):
        assert template["metadata"]["labels"]["health-install/module"] == entry.module


def test_what_is_referred_to_comes_in_an_earlier_or_the_same_wave(rendered: Rendered) -> None:
    wave = {
        (entry.body["kind"], entry.body["metadata"]["name"]): entry.wave
        for entry in rendered.objects
    }
    for entry, template in pods(rendered):
        for volume in template["spec"].get("volumes") or []:
            if "configMap" in volume:
                assert wave["ConfigMap", volume["configMap"]["name"]] < entry.wave
            if "persistentVolumeClaim" in volume:
                name = volume["persistentVolumeClaim"]["claimName"]
                assert wave["PersistentVolumeClaim", name] < entry.wave
        assert wave["ServiceAccount", template["spec"]["serviceAccountName"]] < entry.wave
    for module in {entry.module for entry in rendered.objects}:
        waves = [entry.wave for entry in rendered.objects if entry.module == module]
        assert waves == sorted(waves)


def test_pods_refer_only_to_secrets_and_keys_that_are_described(rendered: Rendered) -> None:
    described = {spec.name: {value.key for value in spec.values} for spec in rendered.secrets}
    for _, template in pods(rendered):
        for volume in template["spec"].get("volumes") or []:
            if "secret" in volume:
                keys = {item["key"] for item in volume["secret"].get("items", [])}
                assert keys <= described[volume["secret"]["secretName"]]
        for container in template["spec"]["containers"]:
            for variable in container.get("env", []):
                reference = variable.get("valueFrom", {}).get("secretKeyRef")
                if reference:
                    assert reference["key"] in described[reference["name"]]


def test_services_have_the_names_applications_expect_and_find_their_pods(
    rendered: Rendered,
) -> None:
    services = {
        entry.body["metadata"]["name"]: entry.body["spec"]
        for entry in rendered.objects
        if entry.body["kind"] == "Service"
    }
    assert {
        "postgresql-health",
        "postgresql-auth",
        "redis-health",
        "redis-auth",
        "minio",
        "rabbitmq",
    } <= services.keys()
    for name, spec in services.items():
        backing = [
            template
            for _, template in pods(rendered)
            if spec["selector"].items() <= template["metadata"]["labels"].items()
        ]
        assert len(backing) == 1, name
        ports = {
            port["name"]
            for container in backing[0]["spec"]["containers"]
            for port in container.get("ports", [])
        }
        assert {port["targetPort"] for port in spec["ports"]} <= ports, name


def test_scrape_targets_name_a_port_their_service_has(rendered: Rendered) -> None:
    scraped: Counter[str] = Counter()
    for entry in rendered.objects:
        notes = entry.body["metadata"].get("annotations", {})
        if notes.get("health-install/scrape") == "true":
            scraped[entry.module] += 1
            assert entry.body["kind"] == "Service"
            ports = [port["port"] for port in entry.body["spec"]["ports"]]
            assert int(notes["health-install/scrape-port"]) in ports
            assert notes["health-install/scrape-path"].startswith("/")
    assert scraped["infrastructure"] == 6


def test_without_exporters_nothing_of_them_is_left(choose: Choose) -> None:
    answers = choose(modules={"infrastructure": {"exporters": False}})
    result = render(answers, one_volume(answers), FACTS)
    assert b"exporter-secret" not in as_bytes(result)
    assert not any("exporter" in spec.name for spec in result.secrets)
    assert not any("-exporter" in entry.body["metadata"]["name"] for entry in result.objects)


def test_no_generated_secret_is_in_what_is_rendered(choose: Choose) -> None:
    answers = choose()
    result = render(answers, one_volume(answers), FACTS)
    made: dict[tuple[str, str], dict[str, str]] = {}
    for spec in result.secrets:
        made[spec.namespace, spec.name] = make_secret(
            spec, lambda namespace, name: made.get((namespace, name)), lambda path: None
        )
    again = as_bytes(render(answers, one_volume(answers), FACTS)).decode()
    generated = [
        made[spec.namespace, spec.name][value.key]
        for spec in result.secrets
        for value in spec.values
        if not value.derived
    ]
    assert len(generated) >= 19
    assert not any(value in again for value in generated)
    assert all(entry.body["kind"] != "Secret" for entry in result.objects)


def test_a_registry_and_an_override_change_where_images_come_from(choose: Choose) -> None:
    answers = choose(
        images={
            "registry": "mirror.example.org/cache",
            "overrides": {"valkey": "registry.example.org/own/valkey:9"},
        }
    )
    result = render(answers, one_volume(answers), FACTS)
    images = {container["image"] for _, t in pods(result) for container in t["spec"]["containers"]}
    assert "mirror.example.org/cache/library/postgres:18.6-alpine3.24" in images
    assert "registry.example.org/own/valkey:9" in images
    assert not any(image.startswith(("docker.io", "quay.io")) for image in images)


def test_rendering_again_with_a_changed_plan_elsewhere_costs_less_than_a_frame(
    choose: Choose,
) -> None:
    answers = choose()
    plan = one_volume(answers)
    started = time.perf_counter()
    render(answers, plan, FACTS)
    first = time.perf_counter() - started
    bigger = VolumePlan(
        tuple(type(v)(v.namespace, v.name, v.size_gib + 1, v.claims) for v in plan.volumes)
    )
    rendering._render_module.cache_clear()
    templates._readings.cache_clear()
    templates._document.cache_clear()
    documents._as_json.cache_clear()
    started = time.perf_counter()
    render(answers, plan, FACTS)
    cold = time.perf_counter() - started
    started = time.perf_counter()
    render(answers, bigger, FACTS)
    warm = time.perf_counter() - started
    assert warm < cold / 3, (first, cold, warm)


def test_the_data_layer_stays_within_its_share_of_the_free_node(
    rendered: Rendered, capsys: pytest.CaptureFixture[str]
) -> None:
    cpu, memory = Decimal(0), Decimal(0)
    for entry, template in pods(rendered):
        if entry.body["kind"] == "Job" or entry.module != "infrastructure":
            continue
        for container in template["spec"]["containers"]:
            requests = container["resources"]["requests"]
            cpu += Decimal(str(requests["cpu"]).removesuffix("m"))
            memory += Decimal(str(requests["memory"]).removesuffix("Mi"))
    with capsys.disabled():
        print(f" data layer requests {cpu}m CPU, {memory}Mi memory", end=" ")
    assert cpu <= 450
    assert memory <= Decimal("1.3") * 1024


def test_the_default_claims_fit_one_volume_of_the_smallest_size_oracle_bills(
    choose: Choose,
) -> None:
    for space in {claim.namespace for claim in claims(choose())}:
        held = [claim.size_bytes for claim in claims(choose()) if claim.namespace == space]
        assert sum(held) <= 50 * 10**9, space
