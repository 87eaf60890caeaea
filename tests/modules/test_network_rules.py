"""Who reaches whom once everything is closed: the rendered rules against the matrix of the modules.

Traps T-40 to T-47 of the platform are here by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from installer.modules import Rendered, catalogue
from installer.modules.addresses import Addresses
from installer.modules.stamping import pod_template
from installer.modules.traffic import End, Flow, traffic_of
from installer.plan import Plan, Surroundings, make_plan
from tests.modules.conftest import answers_for
from tests.modules.network import NAMESPACE_NAME, Peer, Rules
from tests.modules.selections import PODS, all_names, plan_of, selections

NAME = "app.kubernetes.io/name"
NODE, API = Peer("10.20.0.7"), Peer("10.20.0.2")
INTERNET, METADATA = Peer("198.51.100.7"), Peer("169.254.169.254")
DNS = Peer("10.244.9.53", "kube-system", {"k8s-app": "kube-dns"})
RELAY = Peer("10.244.9.54", "kube-system", {"k8s-app": "relay"})
STRANGER = Peer("10.244.9.99", "default", {NAME: "stranger"})
# Ports that nothing of ours listens on must be closed as well.
ODD_PORTS = (22, 80, 443, 10250)
ADDRESS = re.compile(
    r"(?<![\w.-])([a-z][a-z0-9-]*)(?:\.([a-z][a-z0-9-]*)(?:\.svc(?:\.cluster\.local)?)?)?:(\d{2,5})\b"
)
HOST = re.compile(r"(?<![\w.-])([a-z][a-z0-9-]*)\.([a-z][a-z0-9-]*)\.svc(?:\.cluster\.local)?\b")


def everything() -> Plan:
    return plan_of(*all_names())


def policies(plan: Plan) -> list[dict[str, Any]]:
    return [e.body for e in plan.rendered.objects if e.body["kind"] == "NetworkPolicy"]


def rules_of(plan: Plan) -> Rules:
    return Rules(policies(plan))


def templates(rendered: Rendered) -> Iterator[tuple[str, dict[str, Any]]]:
    """(namespace, pod template) of every workload."""
    for entry in rendered.objects:
        template = pod_template(entry.body)
        if template is not None:
            yield entry.body["metadata"]["namespace"], template


def ports_of(template: Mapping[str, Any]) -> set[int]:
    spec = template["spec"]
    containers = [*spec.get("initContainers", []), *spec["containers"]]
    return {int(port["containerPort"]) for each in containers for port in each.get("ports", [])}


def pods(plan: Plan) -> dict[Peer, set[int]]:
    """A pod for each kind of pod there is, and the ports it listens on."""
    found: dict[tuple[str, str], tuple[dict[str, str], set[int]]] = {}
    for namespace, template in templates(plan.rendered):
        labels = template["metadata"]["labels"]
        kept = found.setdefault((namespace, labels[NAME]), (labels, set()))
        kept[1].update(ports_of(template))
    return {
        Peer(f"10.244.1.{number}", namespace, labels): ports
        for number, ((namespace, _), (labels, ports)) in enumerate(found.items(), start=1)
    }


def is_end(end: End, peer: Peer) -> bool:
    return end.namespace == peer.namespace and end.name in ("*", peer.name)


def says(flows: tuple[Flow, ...], source: Peer, target: Peer, port: int) -> bool:
    """Whether the matrix has a row for the connection."""
    return any(
        is_end(flow.source, source) and is_end(flow.target, target) and flow.port == port
        for flow in flows
    )


def wrong_pairs(plan: Plan) -> list[tuple[str, str, int, bool]]:
    """Connections that are not as the matrix has them, and what it has."""
    flows = traffic_of(plan.answers, plan.modules)
    rules, there = rules_of(plan), pods(plan)
    wrong = []
    for source in there:
        for target, ports in there.items():
            for port in {*ports, *(flow.port for flow in flows), *ODD_PORTS}:
                expected = says(flows, source, target, port)
                # Each end for itself, too: one rule too wide must not hide behind the other.
                ends = {
                    end(source, target, port)
                    for end in (rules.connects, rules.leaves, rules.enters)
                }
                if target != source and ends != {expected}:
                    wrong.append((source.name, target.name, port, expected))
                assert not rules.connects(source, target, port, "UDP")
    return wrong


@pytest.mark.parametrize("names", selections(), ids=lambda names: "+".join(names))
def test_every_pair_connects_if_and_only_if_the_matrix_has_it(names: tuple[str, ...]) -> None:
    plan = plan_of(*names)
    flows = traffic_of(plan.answers, plan.modules)
    assert wrong_pairs(plan) == []
    there = pods(plan)
    wanted = {(f.source, f.target, f.port) for f in flows if f.source.namespace}
    assert len(there) < 3 or "infrastructure" not in names or wanted


@pytest.mark.parametrize("target", ["s3", "volume"])
def test_jobs_of_backups_reach_what_they_copy_and_the_bucket_and_nothing_else(target: str) -> None:
    options = {"target": target, "s3_endpoint": "https://s3.example.org", "s3_bucket": "far"}
    chosen = {"disaster-recovery": options, "health-services": {"enabled": False}}
    plan = make_plan(
        answers_for(catalogue(), target="existing", modules=chosen),
        Surroundings(addresses=Addresses(pods=(PODS,), api_ports=(6443,))),
    )
    assert wrong_pairs(plan) == []
    jobs = {peer.name: peer for peer in pods(plan) if peer.namespace == "health-data"}
    for name in ("backup", "restore-drill", "restore"):
        rules = rules_of(plan)
        assert rules.leaves(jobs[name], INTERNET, 443) == (target == "s3"), name
        assert not rules.leaves(jobs[name], METADATA, 443), name
        assert not rules.leaves(jobs[name], API, 6443), name


@pytest.mark.parametrize("names", selections(), ids=lambda names: "+".join(names))
def test_a_pod_leaves_the_platform_only_where_the_matrix_says_so(names: tuple[str, ...]) -> None:
    plan = plan_of(*names)
    flows = traffic_of(plan.answers, plan.modules)
    rules = rules_of(plan)
    ends = {"internet": INTERNET, "kubernetes-api": API, "kubelets": NODE}
    for pod in pods(plan):
        mine = [flow for flow in flows if is_end(flow.source, pod)]
        for name, peer in ends.items():
            for port in {25, 443, 587, 6443, 10250}:
                ports = {flow.port for flow in mine if flow.target.name == name}
                if name == "kubernetes-api" and ports:
                    ports |= {443, 6443}
                if name == "kubelets" and any(f.target.name == "kubernetes-api" for f in mine):
                    # Beside the machines, so these two ports of theirs are open with it.
                    ports |= {443, 6443}
                if name == "kubernetes-api" and any(f.target.name == "kubelets" for f in mine):
                    ports |= {10250}
                assert rules.connects(pod, peer, port) == (port in ports), (pod.name, name, port)
        assert not rules.connects(pod, METADATA, 80), pod.name
        assert not rules.connects(pod, STRANGER, 443), pod.name


@pytest.mark.parametrize("names", selections(), ids=lambda names: "+".join(names))
def test_a_pod_is_reached_from_elsewhere_only_where_the_matrix_says_so(
    names: tuple[str, ...],
) -> None:
    plan = plan_of(*names)
    flows = traffic_of(plan.answers, plan.modules)
    rules = rules_of(plan)
    for pod, listening in pods(plan).items():
        mine = [flow for flow in flows if is_end(flow.target, pod) and not flow.source.namespace]
        public = {flow.port for flow in mine if flow.source.name == "outside"}
        api = {flow.port for flow in mine if flow.source.name == "kubernetes-api"}
        for port in {*listening, *ODD_PORTS}:
            assert rules.connects(INTERNET, pod, port) == (port in public), (pod.name, port)
            assert rules.connects(API, pod, port) == (port in api | public), (pod.name, port)
            assert rules.connects(RELAY, pod, port) == (port in api), (pod.name, port)
            assert not rules.connects(STRANGER, pod, port), (pod.name, port)


def unfinished() -> set[str]:
    """Namespaces of modules that are off unless asked for: not all of their pods need be there."""
    awaited = set() if "edge" in all_names() else {"health-system"}
    return awaited | {
        space.name
        for module in catalogue()
        if not module.file.enabled
        for space in module.file.namespaces
    }


def test_rows_name_pods_that_exist_and_ports_they_listen_on() -> None:
    plan = everything()
    there = pods(plan)
    for flow in traffic_of(plan.answers, plan.modules):
        if {flow.source.namespace, flow.target.namespace} & unfinished():
            continue
        if flow.source.namespace:
            assert any(is_end(flow.source, pod) for pod in there), flow
        if flow.target.namespace:
            listening = [ports for pod, ports in there.items() if is_end(flow.target, pod)]
            assert any(flow.port in ports for ports in listening), flow


def test_only_the_front_door_is_open_to_the_outside() -> None:
    flows = traffic_of(everything().answers, everything().modules)
    doors = {f"{f.target.namespace}/{f.target.name}" for f in flows if f.source.name == "outside"}
    assert doors <= {"health-system/traefik"}


def services(rendered: Rendered) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (entry.body["metadata"]["namespace"], entry.body["metadata"]["name"]): entry.body["spec"]
        for entry in rendered.objects
        if entry.body["kind"] == "Service"
    }


def texts_of(plan: Plan, namespace: str, template: Mapping[str, Any]) -> Iterator[str]:
    """Everything a pod is told: arguments, variables, and the files it mounts."""
    maps = {
        (e.body["metadata"]["namespace"], e.body["metadata"]["name"]): e.body.get("data", {})
        for e in plan.rendered.objects
        if e.body["kind"] == "ConfigMap"
    }
    secrets = {(spec.namespace, spec.name): spec.values for spec in plan.rendered.secrets}
    spec = template["spec"]
    names: set[tuple[str, str]] = set()
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        yield from (str(each) for each in container.get("args", []))
        yield from (str(each) for each in container.get("command", []))
        for variable in container.get("env", []):
            yield str(variable.get("value", ""))
            for source in variable.get("valueFrom", {}).values():
                names.add((namespace, source.get("name", "")))
        for source in container.get("envFrom", []):
            names.update((namespace, each["name"]) for each in source.values() if each)
    for volume in spec.get("volumes", []):
        if "configMap" in volume:
            names.add((namespace, volume["configMap"]["name"]))
        if "secret" in volume:
            names.add((namespace, volume["secret"]["secretName"]))
    for place in names:
        yield from maps.get(place, {}).values()
        yield from (value.text for value in secrets.get(place, ()) if value.make != "copy")


def reached(plan: Plan, namespace: str, text: str) -> Iterator[tuple[tuple[str, str], int | None]]:
    """(Service, port) of every address of the platform in a text."""
    known = services(plan.rendered)
    for match in ADDRESS.finditer(text):
        service = (match[2] or namespace, match[1])
        if service in known:
            yield service, int(match[3])
    for match in HOST.finditer(text):
        service = (match[2], match[1])
        if service in known:
            yield service, None


def container_port(plan: Plan, service: tuple[str, str], port: int) -> tuple[str, int] | None:
    """The pod behind a port of a Service, and its own port."""
    spec = services(plan.rendered)[service]
    target = next((p.get("targetPort", p["port"]) for p in spec["ports"] if p["port"] == port), 0)
    for namespace, template in templates(plan.rendered):
        labels = template["metadata"]["labels"]
        if namespace != service[0] or not spec.get("selector", {"": ""}).items() <= labels.items():
            continue
        for container in template["spec"]["containers"]:
            for each in container.get("ports", []):
                if target in (each.get("name"), each["containerPort"]):
                    return labels[NAME], int(each["containerPort"])
    return None


@pytest.mark.parametrize("switches", [None, True, False], ids=["as given", "all on", "all off"])
def test_every_address_a_pod_is_told_has_a_row(switches: bool | None) -> None:
    plan = plan_of(*all_names(), switches=switches)
    flows = traffic_of(plan.answers, plan.modules)
    missing, seen = set(), 0
    for namespace, template in templates(plan.rendered):
        name = template["metadata"]["labels"][NAME]
        source = Peer("", namespace, {NAME: name})
        for text in texts_of(plan, namespace, template):
            for service, port in reached(plan, namespace, text):
                ports = [p["port"] for p in services(plan.rendered)[service]["ports"]]
                found = [container_port(plan, service, p) for p in ([port] if port else ports)]
                ends = [end for end in found if end]
                assert ends, f"{name} is told {service} {port}, which has no such port"
                if all(end[0] == name for end in ends):
                    continue
                seen += 1
                if not any(
                    says(flows, source, Peer("", service[0], {NAME: pod}), own) for pod, own in ends
                ):
                    missing.add((f"{namespace}/{name}", "/".join(service), port))
    assert missing == set()
    assert seen >= 4


# -- the traps, by name ---------------------------------------------------------------------------


def pod(namespace: str, name: str) -> Peer:
    return Peer("10.244.7.7", namespace, {NAME: name})


def test_t40_names_are_resolved_by_a_label_every_cluster_has() -> None:
    plan = everything()
    rules = rules_of(plan)
    for each in pods(plan):
        assert rules.connects(each, DNS, 53, "UDP"), each.name
        assert rules.connects(each, DNS, 53), each.name
        assert not rules.connects(each, RELAY, 53), each.name
    text = str([rule for rule in policies(plan) if rule["metadata"]["name"] == "allow-dns"])
    assert NAMESPACE_NAME in text


def test_t40_a_name_server_on_the_machine_is_an_option() -> None:
    local = Peer("169.254.20.10")
    one = pod("health-data", "postgresql-health")
    assert rules_of(plan_of(*all_names(), switches=True)).connects(one, local, 53, "UDP")
    assert not rules_of(plan_of(*all_names(), switches=False)).connects(one, local, 53, "UDP")


def test_t41_the_health_api_reads_the_keys_of_the_login_server() -> None:
    if "health-services" not in all_names():
        pytest.skip("the module health-services is not there yet")
    rules = rules_of(everything())
    api, login = pod("health-api", "health-api"), pod("health-auth", "webauthn-server")
    assert rules.connects(api, login, 8080)


def test_t42_rules_select_the_labels_the_pods_carry() -> None:
    plan = everything()
    there = pods(plan)
    for rule in policies(plan):
        wanted = rule["spec"]["podSelector"].get("matchLabels")
        home = rule["metadata"]["namespace"]
        if home in unfinished():
            continue
        assert wanted is None or any(
            each.namespace == home and wanted.items() <= each.labels.items() for each in there
        ), rule["metadata"]["name"]


def test_t43_what_is_scraped_lets_prometheus_in_and_prometheus_may_go_there() -> None:
    plan = everything()
    prometheus = pod("health-observability", "prometheus")
    if not any(each.name == "prometheus" for each in pods(plan)):
        pytest.skip("Prometheus is not there yet")
    rules, closed = rules_of(plan), []
    for entry in plan.rendered.objects:
        notes = entry.body["metadata"].get("annotations", {})
        if entry.body["kind"] != "Service" or notes.get("health-install/scrape") != "true":
            continue
        metadata = entry.body["metadata"]
        place = (metadata["namespace"], metadata["name"])
        found = container_port(plan, place, int(notes["health-install/scrape-port"]))
        assert found, place
        target = pod(place[0], found[0])
        if target.name != "prometheus" and not rules.connects(prometheus, target, found[1]):
            closed.append((place, found))
    assert closed == []


def test_t44_the_api_server_is_an_address_and_not_a_namespace() -> None:
    plan = everything()
    metrics = pod("health-system", "metrics-server")
    assert rules_of(plan).connects(metrics, API, 6443)
    assert rules_of(plan).connects(metrics, NODE, 10250)
    assert rules_of(plan).connects(API, metrics, 10250)
    assert not rules_of(plan).connects(metrics, INTERNET, 443)
    assert not rules_of(plan).connects(pod("health-data", "rabbitmq"), API, 6443)


def test_t44_an_api_server_outside_all_private_ranges_is_reached_where_it_is() -> None:
    around = Surroundings(
        addresses=Addresses(pods=(PODS,), api=("203.0.113.9/32",), api_ports=(16443,))
    )
    plan = make_plan(answers_for(catalogue(), target="existing"), around)
    metrics = pod("health-system", "metrics-server")
    assert rules_of(plan).connects(metrics, Peer("203.0.113.9"), 16443)
    assert not rules_of(plan).connects(metrics, Peer("203.0.113.10"), 16443)


def test_t44_in_subnets_of_our_own_only_they_hold_machines() -> None:
    plan = make_plan(answers_for(catalogue(), target="oke"))
    metrics = pod("health-system", "metrics-server")
    assert plan.answers.cluster.vcn_cidr == "10.20.0.0/16"
    assert rules_of(plan).connects(metrics, NODE, 10250)
    assert not rules_of(plan).connects(metrics, Peer("10.30.0.7"), 10250)
    assert not rules_of(plan).connects(metrics, Peer("10.244.3.3"), 10250)


def test_t45_databases_and_caches_of_the_login_server_are_in_the_data_layer() -> None:
    rules = rules_of(everything())
    login = pod("health-auth", "webauthn-server")
    assert rules.connects(login, pod("health-data", "postgresql-auth"), 5432)
    assert rules.connects(login, pod("health-data", "redis-auth"), 6379)


def test_t46_the_rules_are_about_namespaces_the_installation_itself_makes() -> None:
    plan = everything()
    made = {
        e.body["metadata"]["name"] for e in plan.rendered.objects if e.body["kind"] == "Namespace"
    }
    homes = {rule["metadata"]["namespace"] for rule in policies(plan)}
    assert homes == made
    named = set(re.findall(rf"'{NAMESPACE_NAME}': '([^']+)'", str(policies(plan))))
    assert named <= made | {"kube-system"}


def test_the_documented_negative_example_holds() -> None:
    """A pod in health-etl cannot reach postgresql-auth 5432; nor can any pod but those named."""
    rules = rules_of(everything())
    database = pod("health-data", "postgresql-auth")
    assert not rules.connects(pod("health-etl", "etl-engine"), database, 5432)
    assert not rules.connects(pod("health-api", "health-api"), database, 5432)
    allowed = {peer.name for peer in pods(everything()) if rules.connects(peer, database, 5432)}
    assert allowed == {"postgresql-init", "postgres-exporter", "webauthn-server"}


def test_every_namespace_is_closed_in_both_directions() -> None:
    plan = everything()
    closed = {
        rule["metadata"]["namespace"]
        for rule in policies(plan)
        if rule["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    }
    spaces = {
        entry.body["metadata"]["name"]
        for entry in plan.rendered.objects
        if entry.body["kind"] == "Namespace"
    }
    assert closed == spaces


def test_without_the_rules_there_is_none() -> None:
    plan = plan_of(*(name for name in all_names() if name != "security"))
    assert policies(plan) == []
