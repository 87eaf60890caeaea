"""The front door as it is rendered; what Traefik makes of it is seen in tests/real_servers."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from cryptography import x509

from installer.budget.demand import measure
from installer.modules import ClusterFacts, Module, ModulesInvalid, Rendered, catalogue, render
from installer.modules.certificates import (
    authority,
    certificates_in,
    names_of,
    not_covered,
    signed_by,
)
from installer.modules.choices import notices
from installer.modules.hosts import LATE_DOMAIN, LOCAL_DOMAIN, public_domain
from installer.modules.publishing import published_by
from installer.modules.secret_values import check_supplied, make_secret
from installer.modules.traffic import traffic_of
from tests.modules.conftest import answers_for, one_volume
from tests.modules.parts import with_parts

DOMAIN = "health.example.org"
PARTS = "health-services"
CERTIFICATE = "edge.given_certificate.certificate"


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Module, ...]:
    return with_parts(tmp_path_factory.mktemp("assets"))


class Door:
    """The front door rendered for some options."""

    def __init__(self, modules: tuple[Module, ...], given: dict[str, Any]) -> None:
        self.answers = answers_for(modules, **given)
        volumes = one_volume(self.answers, modules)
        facts = ClusterFacts("oci-bv", "arm64")
        self.rendered: Rendered = render(self.answers, volumes, facts, modules)

    def body(self, kind: str, name: str) -> dict[str, Any]:
        found = [
            entry.body
            for entry in self.rendered.objects
            if entry.body["kind"] == kind and entry.body["metadata"]["name"] == name
        ]
        assert len(found) == 1
        return found[0]

    @property
    def kinds(self) -> set[tuple[str, str]]:
        edge = self.rendered.of_module("edge").objects
        return {(entry.body["kind"], entry.body["metadata"]["name"]) for entry in edge}

    @property
    def static(self) -> dict[str, Any]:
        text = self.body("ConfigMap", "traefik")["data"]["traefik.yaml"]
        return dict(yaml.safe_load(text))

    @property
    def routes(self) -> dict[str, Any]:
        text = self.body("ConfigMap", "traefik-routes")["data"]["routes.yaml"]
        return dict(yaml.safe_load(text))

    @property
    def pod(self) -> dict[str, Any]:
        return dict(self.body("Deployment", "traefik")["spec"]["template"]["spec"])

    @property
    def service(self) -> dict[str, Any]:
        return self.body("Service", "front-door")


@pytest.fixture
def door(parts: tuple[Module, ...]) -> Any:
    """Renders the front door: options as words, other answers in `given`."""

    def made(given: dict[str, Any] | None = None, **edge: object) -> Door:
        return Door(
            parts, {"access": {"domain": DOMAIN}, **(given or {}), "modules": {"edge": edge}}
        )

    return made


def test_the_cluster_is_never_asked_and_gets_no_kinds_of_its_own(door: Any) -> None:
    made = door()
    kinds = {kind for kind, _ in made.kinds}
    assert not kinds & {"Role", "ClusterRole", "RoleBinding", "CustomResourceDefinition"}
    assert made.pod["automountServiceAccountToken"] is False
    assert set(made.static["providers"]) == {"file"}
    assert "api" not in made.static, "neither dashboard nor API"


def test_each_published_part_has_a_route_and_nothing_else_has(door: Any) -> None:
    made = door()
    assert set(made.routes["http"]["routers"]) == {"api", "api-uploads", "auth", "grafana"}
    for label in ("api", "auth", "grafana"):
        assert f"Host(`{label}.{DOMAIN}`)" in made.routes["http"]["routers"][label]["rule"]
    servers = made.routes["http"]["services"]["api"]["loadBalancer"]["servers"]
    assert servers == [{"url": "http://health-api.health-api.svc.cluster.local:8001"}]


def test_a_part_that_is_not_published_has_no_route(parts: tuple[Module, ...]) -> None:
    made = Door(parts, {"access": {"domain": DOMAIN}, "modules": {PARTS: {"dashboards": False}}})
    assert set(made.routes["http"]["routers"]) == {"api", "api-uploads", "auth"}
    alone = Door(parts, {"access": {"domain": DOMAIN}, "modules": {PARTS: {"enabled": False}}})
    assert "routers" not in alone.routes["http"], "an empty list is refused by Traefik"


def test_the_network_balancer_is_the_default_and_keeps_the_clients_address(door: Any) -> None:
    made = door()
    notes = made.service["metadata"]["annotations"]
    assert made.service["spec"]["type"] == "LoadBalancer"
    assert made.service["spec"]["externalTrafficPolicy"] == "Local"
    assert notes["oci.oraclecloud.com/load-balancer-type"] == "nlb"
    prefix = "oci-network-load-balancer.oraclecloud.com"
    assert notes[f"{prefix}/is-preserve-source"] == "true"
    assert notes[f"{prefix}/security-list-management-mode"] == "None"
    assert notes[f"{prefix}/external-ip-only"] == "true"
    assert [one.kind for one in measure(made.rendered.objects).balancers] == ["network"]
    assert "proxyProtocol" not in made.static["entryPoints"]["websecure"]


def test_the_flexible_balancer_is_the_free_size_and_may_name_the_client(door: Any) -> None:
    made = door(balancer="flexible")
    notes = made.service["metadata"]["annotations"]
    shape = "service.beta.kubernetes.io/oci-load-balancer-shape"
    assert notes[shape] == "flexible"
    assert notes[f"{shape}-flex-min"] == notes[f"{shape}-flex-max"] == "10"
    start = "service.beta.kubernetes.io/oci-load-balancer"
    assert notes[f"{start}-security-list-management-mode"] == "None"
    assert notes[f"{start}-connection-proxy-protocol-version"] == "2"
    balancers = measure(made.rendered.objects).balancers
    assert [(one.kind, one.mbps) for one in balancers] == [("flexible", 10)]
    for name in ("web", "websecure"):
        trusted = made.static["entryPoints"][name]["proxyProtocol"]
        assert trusted == {"trustedIPs": [made.answers.cluster.vcn_cidr]}
    elsewhere = door({"target": "existing"}, balancer="flexible")
    assert "proxyProtocol" not in elsewhere.static["entryPoints"]["web"]


def test_there_is_one_balancer_at_most(door: Any) -> None:
    for entry, kind in (("balancer", "LoadBalancer"), ("node_port", "NodePort")):
        services = [
            e.body for e in door(entry=entry).rendered.objects if e.body["kind"] == "Service"
        ]
        assert [one["spec"].get("type") for one in services if "type" in one["spec"]] == [kind]


def test_ports_of_the_machines_are_those_chosen_and_the_way_to_encryption_knows_them(
    door: Any,
) -> None:
    made = door(entry="node_port", https_node_port=31443)
    assert [port["nodePort"] for port in made.service["spec"]["ports"]] == [30080, 31443]
    redirection = made.static["entryPoints"]["web"]["http"]["redirections"]["entryPoint"]
    assert redirection["to"] == ":31443"


def test_lets_encrypts_account_and_certificates_are_kept_by_one_pod_alone(door: Any) -> None:
    made = door({"access": {"domain": DOMAIN, "email": "me@example.org"}})
    resolver = made.static["certificatesResolvers"]["acme"]["acme"]
    assert resolver["caServer"] == "https://acme-v02.api.letsencrypt.org/directory"
    assert resolver["email"] == "me@example.org"
    assert resolver["httpChallenge"] == {"entryPoint": "web"}
    assert resolver["certificatesDuration"] == 64 * 24, "not 90 days"
    deployment = made.body("Deployment", "traefik")["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    mounts = made.pod["containers"][0]["volumeMounts"]
    assert {"name": "certificates", "mountPath": "/data", "subPath": "certificates"} in mounts
    routers = made.routes["http"]["routers"].values()
    assert all(router["tls"] == {"certResolver": "acme"} for router in routers)


def test_names_whose_certificate_is_missing_are_known_to_who_asks_again(
    door: Any, parts: tuple[Module, ...]
) -> None:
    data = door().body("ConfigMap", "traefik-routes")["data"]
    assert data["names"].split() == [f"{label}.{DOMAIN}" for label in ("api", "auth", "grafana")]
    late = Door(parts, {}).body("ConfigMap", "traefik-routes")["data"]
    assert f"api.{LATE_DOMAIN}" in late["names"].split()
    assert "names" not in door(tls="own").body("ConfigMap", "traefik-routes")["data"]


def test_a_contact_is_left_out_when_there_is_none(door: Any) -> None:
    assert "email" not in door().static["certificatesResolvers"]["acme"]["acme"]


def test_staging_is_another_directory_and_is_told(door: Any) -> None:
    made = door(acme_server="staging")
    server = made.static["certificatesResolvers"]["acme"]["acme"]["caServer"]
    assert server == "https://acme-staging-v02.api.letsencrypt.org/directory"
    said = " ".join(notices(made.answers, [m for m in catalogue() if m.name == "edge"]))
    assert "no browser trusts" in said


@pytest.mark.parametrize(
    ("edge", "said"),
    [
        ({"entry": "internal"}, "must reach the entrance from the internet"),
        ({"entry": "node_port"}, "give access.domain"),
    ],
)
def test_lets_encrypt_is_not_asked_for_names_the_internet_cannot_look_up(
    parts: tuple[Module, ...], edge: dict[str, Any], said: str
) -> None:
    with pytest.raises(ModulesInvalid, match=said):
        Door(parts, {"modules": {"edge": edge}})


def test_without_a_domain_the_name_waits_for_the_address(parts: tuple[Module, ...]) -> None:
    made = Door(parts, {})
    assert public_domain(made.answers) == LATE_DOMAIN
    assert f"Host(`api.{LATE_DOMAIN}`)" in made.routes["http"]["routers"]["api"]["rule"]
    for edge in ({"entry": "internal", "tls": "own"}, {"ingress": "cluster"}):
        assert public_domain(Door(parts, {"modules": {"edge": edge}}).answers) == LOCAL_DOMAIN


def test_an_own_authority_signs_for_every_public_name_and_keeps_its_key_to_itself(
    door: Any,
) -> None:
    made = door(tls="own")
    (spec,) = made.rendered.secrets
    values = make_secret(spec, lambda _space, _name: None, lambda _path: None)
    signed = x509.load_pem_x509_certificates(values["tls.pem"].encode())[0]
    assert {f"{label}.{DOMAIN}" for label in ("api", "auth", "grafana")} == set(names_of(signed))
    assert "PRIVATE" not in values["ca.pem"]
    assert values["ca.pem"] == certificates_in(values["authority.pem"])
    sources = next(one for one in made.pod["volumes"] if one["name"] == "routes")["projected"]
    assert sources["sources"][1]["secret"]["items"] == [{"key": "tls.pem", "path": "tls.pem"}]
    assert "certificatesResolvers" not in made.static
    assert ("PersistentVolumeClaim", "health-system") not in made.kinds


def test_a_given_certificate_must_be_for_every_public_name(door: Any) -> None:
    specs = door(tls="given").rendered.secrets
    ours = authority()
    whole = signed_by(ours, [f"{label}.{DOMAIN}" for label in ("api", "auth", "grafana")])
    wildcard = signed_by(ours, [f"*.{DOMAIN}"])
    for good in (whole, wildcard):
        check_supplied(specs, {CERTIFICATE: good}.get)
    short = signed_by(ours, [f"api.{DOMAIN}", "auth.elsewhere.example.org"])
    with pytest.raises(ModulesInvalid) as caught:
        check_supplied(specs, {CERTIFICATE: short}.get)
    assert f"it is not for auth.{DOMAIN}, grafana.{DOMAIN}" in str(caught.value)
    with pytest.raises(ModulesInvalid):
        check_supplied(specs, lambda _path: None)


def test_a_given_certificate_needs_a_name_that_is_known(parts: tuple[Module, ...]) -> None:
    specs = Door(parts, {"modules": {"edge": {"tls": "given"}}}).rendered.secrets
    with pytest.raises(ModulesInvalid, match=r"give access\.domain"):
        check_supplied(specs, {CERTIFICATE: signed_by(authority(), ["api.example.org"])}.get)


def test_a_wildcard_stands_for_one_label_only() -> None:
    bundle = signed_by(authority(), ["*.example.org"])
    assert not_covered(bundle, ["a.example.org", "a.b.example.org", "example.org"]) == (
        "a.b.example.org",
        "example.org",
    )


def test_bodies_of_50_mib_pass_and_slow_lines_have_the_time(door: Any) -> None:
    """T-39: a whole request is larger than the file in it, and 1 Mbps must do."""
    made = door()
    most = made.routes["http"]["middlewares"]["large"]["buffering"]["maxRequestBodyBytes"]
    assert most >= 55 * 2**20
    assert made.routes["http"]["routers"]["api-uploads"]["middlewares"][-1] == "large"
    timeouts = made.static["entryPoints"]["websecure"]["transport"]["respondingTimeouts"]
    assert timeouts["readTimeout"] == "10m"
    assert most * 8 / 1_000_000 < 600
    scratch = next(one for one in made.pod["volumes"] if one["name"] == "scratch")
    room = int(scratch["emptyDir"]["sizeLimit"].removesuffix("Mi"))
    amount = made.routes["http"]["middlewares"]["uploads-at-a-time"]["inFlightReq"]["amount"]
    assert room * 2**20 >= amount * most


def test_larger_files_pass_where_the_api_takes_them(parts: tuple[Module, ...]) -> None:
    made = Door(
        parts, {"access": {"domain": DOMAIN}, "modules": {PARTS: {"max_file_size_mb": 200}}}
    )
    most = made.routes["http"]["middlewares"]["large"]["buffering"]["maxRequestBodyBytes"]
    assert most == 210 * 2**20


def test_what_is_not_for_the_public_is_left_out_of_the_rules(
    door: Any, parts: tuple[Module, ...]
) -> None:
    closed = ("/metrics", "/docs", "/redoc", "/openapi.json", "/auth/register", "/auth/jwt/login")
    rule = door().routes["http"]["routers"]["api"]["rule"]
    for path in closed:
        assert f"!PathPrefix(`{path}`)" in rule
    both = {"edge": {"api_docs": True}, PARTS: {"password_login": True}}
    open_door = Door(parts, {"access": {"domain": DOMAIN}, "modules": both})
    opened = open_door.routes["http"]["routers"]["api"]["rule"]
    assert opened == f"Host(`api.{DOMAIN}`) && !PathPrefix(`/metrics`)"


def test_browsers_are_asked_to_keep_to_encryption_only_when_wanted(door: Any) -> None:
    headers = door().routes["http"]["middlewares"]["security"]["headers"]
    assert headers["stsSeconds"] == 31536000
    without = door(hsts_days=0).routes["http"]["middlewares"]["security"]["headers"]
    assert "stsSeconds" not in without


def test_no_header_and_no_query_is_logged(door: Any) -> None:
    fields = door().static["accessLog"]["fields"]
    assert fields["headers"] == {"defaultMode": "drop"}
    assert fields["queryParameters"] == {"defaultMode": "drop"}
    assert fields["defaultMode"] == "drop"


def test_a_cluster_with_an_entrance_of_its_own_gets_routes_beside_each_part(door: Any) -> None:
    """T-55: class and issuer are the person's to name, none is assumed."""
    made = door(ingress="cluster")
    assert {kind for kind, _ in made.kinds} == {"Namespace", "Ingress"}
    ingress = made.body("Ingress", "api")
    assert ingress["metadata"]["namespace"] == "health-api"
    assert "ingressClassName" not in ingress["spec"]
    assert ingress["spec"]["rules"][0]["host"] == f"api.{DOMAIN}"
    assert "cert-manager.io/cluster-issuer" not in ingress["metadata"]["annotations"]
    named = door(ingress="cluster", ingress_class="haproxy", cluster_issuer="mine")
    ingress = named.body("Ingress", "auth")
    assert ingress["spec"]["ingressClassName"] == "haproxy"
    assert ingress["metadata"]["annotations"]["cert-manager.io/cluster-issuer"] == "mine"
    assert ingress["spec"]["tls"] == [{"hosts": [f"auth.{DOMAIN}"], "secretName": "auth-tls"}]


def test_the_front_door_says_whom_it_connects(parts: tuple[Module, ...]) -> None:
    def told(edge: dict[str, Any]) -> set[tuple[str, str, int]]:
        answers = answers_for(parts, access={"domain": DOMAIN}, modules={"edge": edge})
        flows = traffic_of(answers, parts)
        return {(one.source.name, one.target.name, one.port) for one in flows}

    own = told({})
    assert {("outside", "traefik", 8000), ("outside", "traefik", 8443)} <= own
    assert {("traefik", "health-api", 8000), ("traefik", "envoy-gateway", 8000)} <= own
    assert ("traefik", "internet", 443) in own
    assert ("traefik", "internet", 443) not in told({"tls": "own"})
    assert {source for source, _, _ in told({"ingress": "cluster"})} == {"outside"}


def test_all_names_are_found_by_who_reaches_where(parts: tuple[Module, ...]) -> None:
    """The pods behind the routes of the real modules are those the allow matrix names."""
    modules = catalogue()
    answers = answers_for(modules)
    chosen = tuple(one for one in modules if answers.module(one.name).enabled)
    told = {(one.target.namespace, one.target.name) for one in traffic_of(answers, chosen)}
    for part in published_by(answers, chosen):
        assert (part.namespace, part.service) in told, part
