"""The Health API and the processing engine as rendered; T-nn are the reference's traps, by number,
that a rendering must not fall into again."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import kubernetes_validate
import pytest
from pydantic import ValidationError

from installer.answers.model import Answers
from installer.modules import ClusterFacts, ModulesInvalid, Rendered, claims, make_secret, render
from installer.modules.catalogue import catalogue
from installer.modules.choices import enabled, images_to_bring, notices
from installer.modules.pod_security import violations
from installer.modules.releases import CHECKED_RELEASES
from installer.modules.traffic import traffic_of
from installer.plan import make_plan
from tests.modules.conftest import Choose, one_volume

FACTS = ClusterFacts("oci-bv", "arm64")
FILES = Path(__file__).parents[2] / "assets" / "modules" / "health-services" / "files"
NAME = "health-services"
VARIATIONS: tuple[dict[str, object], ...] = (
    {},
    {"replicas": 3},
    {"autoscaling": True, "replicas": 2},
    {"deduplication": "sqlite"},
    {"etl_replicas": 2},
    {"api": False},
    {"etl": False},
    {"traces": False},
)


def answers_with(choose: Choose, options: Mapping[str, object], **others: Any) -> Answers:
    """Answers with the module on and these options of it."""
    modules = {NAME: {"enabled": True, **options}, **others.pop("modules", {})}
    return choose(modules=modules, **others)


def rendered_with(
    choose: Choose, options: Mapping[str, object] | None = None, **others: Any
) -> Rendered:
    answers = answers_with(choose, options or {}, **others)
    return render(answers, one_volume(answers), FACTS)


def body(rendered: Rendered, kind: str, name: str) -> Any:
    """The object of that kind and name; None when it is not rendered."""
    found = [
        entry.body
        for entry in rendered.of_module(NAME).objects
        if entry.body["kind"] == kind and entry.body["metadata"]["name"] == name
    ]
    return found[0] if found else None


def pod(rendered: Rendered, name: str) -> Any:
    return body(rendered, "Deployment", name)["spec"]["template"]["spec"]


def variables(container: Mapping[str, Any]) -> dict[str, Any]:
    """Variables by name: the value, or the Secret and key it comes from."""
    return {
        entry["name"]: entry["value"]
        if "value" in entry
        else "/".join(entry["valueFrom"]["secretKeyRef"][part] for part in ("name", "key"))
        for entry in container["env"]
    }


def secrets_of(rendered: Rendered, given: Mapping[str, str] | None = None) -> dict[str, Any]:
    """All Secrets, made in their order."""
    made: dict[tuple[str, str], dict[str, str]] = {}
    for spec in rendered.secrets:
        made[spec.namespace, spec.name] = make_secret(
            spec, lambda namespace, name: made.get((namespace, name)), (given or {}).get
        )
    return {name: values for (_, name), values in made.items()}


def test_programs_that_ignore_unknown_variables_are_given_known_ones_only() -> None:
    """T-10: rendering holds every variation against these tables."""
    module = next(one for one in catalogue() if one.name == NAME)
    tables = {table.image: {*table.required, *table.optional} for table in module.file.variables}
    assert "ETL_QUEUE_NAME" in tables["etl-engine"]
    assert {"ETL_RABBITMQ_QUEUE", "ETL_RABBITMQ_PREFETCH_COUNT"}.isdisjoint(tables["etl-engine"])
    assert {"DATABASE_HOST", "S3_ENDPOINT", "RABBITMQ_EXCHANGE"}.isdisjoint(tables["health-api"])
    assert all(name.startswith("ETL_") for name in tables["etl-engine"])


@pytest.mark.parametrize("options", VARIATIONS, ids=str)
@pytest.mark.parametrize("version", CHECKED_RELEASES)
def test_every_variation_fits_kubernetes_and_the_restricted_level(
    choose: Choose, options: dict[str, object], version: str
) -> None:
    """T-48 and the like."""
    for entry in rendered_with(choose, options).of_module(NAME).objects:
        kubernetes_validate.validate(entry.body, version, strict=True)
        if entry.body["kind"] == "Deployment":
            assert violations(entry.body["spec"]["template"]["spec"]) == ()


def test_addresses_are_composed_with_the_right_driver_and_names(choose: Choose) -> None:
    """T-06, T-07, T-08, T-12: whole addresses in the Secrets, by the fixed names."""
    rendered = rendered_with(choose)
    made = secrets_of(rendered)
    api, etl = made["health-api-secrets"], made["etl-engine-secrets"]
    data = "health-data.svc.cluster.local"
    database = made["postgresql-health-secret"]["password"]
    cache = made["redis-health-secret"]["password"]
    broker = made["rabbitmq-secret"]
    assert api["database-url"] == (
        f"postgresql+asyncpg://healthapi:{database}@postgresql-health.{data}:5432/healthdb"
    )
    assert api["redis-url"] == f"redis://:{cache}@redis-health.{data}:6379/0"
    assert api["rabbitmq-url"] == (
        f"amqp://health-api:{broker['health-api-password']}@rabbitmq.{data}:5672/"
    )
    assert etl["rabbitmq-url"] == f"amqp://etl:{broker['etl-password']}@rabbitmq.{data}:5672/"
    assert made["etl-deduplication-secrets"]["redis-url"] == (
        f"redis://:{cache}@redis-health.{data}:6379/2"
    )
    assert len(api["secret-key"]) >= 32
    for values in (api, etl):
        for text in values.values():
            assert "$" not in text


def test_each_program_has_keys_of_its_own(choose: Choose) -> None:
    made = secrets_of(rendered_with(choose))
    api, etl = made["health-api-secrets"], made["etl-engine-secrets"]
    for key in ("minio-access-key", "minio-secret-key", "rabbitmq-password"):
        assert api[key] != etl[key]
    store = made["minio-secret"]
    assert api["minio-access-key"] == store["health-api-access-key"]
    assert etl["minio-secret-key"] == store["etl-secret-key"]
    assert store["root-password"] not in {*api.values(), *etl.values()}


def test_passwords_a_person_supplies_need_no_escaping_in_addresses(choose: Choose) -> None:
    rendered = rendered_with(choose)
    supplied = {
        "infrastructure.postgresql_health.app": "a_good-Password9",
        "infrastructure.rabbitmq.etl_password": "another_good-one",
    }
    made = secrets_of(rendered, supplied)
    assert ":a_good-Password9@" in made["health-api-secrets"]["database-url"]
    assert ":another_good-one@" in made["etl-engine-secrets"]["rabbitmq-url"]
    for question in (*supplied, f"{NAME}.health_api.secret_key"):
        for bad in (
            "pass/word-long-enough",
            "per%20cent-long-enough",
            "at@sign-long-enough",
            "+" * 20,
        ):
            with pytest.raises(ModulesInvalid, match=re.escape(question)):
                secrets_of(rendered, {question: bad})


def test_the_health_api_and_the_engine_agree_on_the_brokers_names(choose: Choose) -> None:
    """T-09: the code's names everywhere, and those the broker is given."""
    rendered = rendered_with(choose)
    api = variables(pod(rendered, "health-api")["containers"][0])
    etl = variables(pod(rendered, "etl-engine")["containers"][0])
    definitions = secrets_of(rendered)["rabbitmq-secret"]["definitions.json"]
    assert api["RABBITMQ_MAIN_EXCHANGE"] == etl["ETL_EXCHANGE_NAME"]
    for name in ("ETL_EXCHANGE_NAME", "ETL_QUEUE_NAME", "ETL_ROUTING_KEY_PATTERN",
                 "ETL_DEAD_LETTER_QUEUE"):  # fmt: skip
        assert f'"{etl[name]}"' in definitions
    assert api["S3_ENDPOINT_URL"] == etl["ETL_S3_ENDPOINT_URL"]
    assert api["S3_BUCKET_NAME"] == etl["ETL_S3_BUCKET_NAME"] == "health-data"


def test_the_unused_rate_limit_address_is_there(choose: Choose) -> None:
    api = variables(pod(rendered_with(choose), "health-api")["containers"][0])
    assert api["UPLOAD_RATE_LIMIT_STORAGE_URI"] == "health-api-secrets/redis-url"


def test_no_secret_stands_in_a_manifest(choose: Choose) -> None:
    rendered = rendered_with(choose)
    texts = str([entry.body for entry in rendered.of_module(NAME).objects])
    checked = 0
    for values in secrets_of(rendered).values():
        for key, text in values.items():
            if len(text) >= 20:  # shorter ones are names of users
                checked += 1
                assert text not in texts, key
    assert checked >= 20


def test_the_engine_has_no_way_to_the_database_and_no_model_cache(choose: Choose) -> None:
    """T-20, T-22."""
    rendered = rendered_with(choose)
    assert "postgresql" not in str(body(rendered, "Deployment", "etl-engine"))
    assert "postgresql" not in str(secrets_of(rendered)["etl-engine-secrets"])
    volumes = [volume["name"] for volume in pod(rendered, "etl-engine")["volumes"]]
    assert volumes == ["scripts", "tmp"]


def test_ports_are_those_somebody_listens_on(choose: Choose) -> None:
    """T-23, T-24: 8000 behind 8001 for the API, 8004 alone for the engine."""
    rendered = rendered_with(choose)
    service = body(rendered, "Service", "health-api")
    assert [(port["port"], port["targetPort"]) for port in service["spec"]["ports"]] == [
        (8001, "http")
    ]
    assert pod(rendered, "health-api")["containers"][0]["ports"] == [
        {"name": "http", "containerPort": 8000}
    ]
    assert pod(rendered, "etl-engine")["containers"][0]["ports"] == [
        {"name": "metrics", "containerPort": 8004}
    ]
    assert "8002" not in str([entry.body for entry in rendered.of_module(NAME).objects])


def test_only_the_engine_is_scraped_also_when_it_is_not_ready(choose: Choose) -> None:
    """T-24: the API has no page of figures."""
    rendered = rendered_with(choose)
    assert "health-install/scrape" not in str(body(rendered, "Service", "health-api"))
    assert "health-install/scrape" not in str(body(rendered, "Deployment", "health-api"))
    engine = body(rendered, "Service", "etl-engine")
    assert engine["metadata"]["annotations"]["health-install/scrape-port"] == "8004"
    assert engine["spec"]["publishNotReadyAddresses"] is True


def test_the_health_api_is_asked_patiently(choose: Choose) -> None:
    """T-25: an answer takes four seconds when two servers are away, and a connection each."""
    container = pod(rendered_with(choose), "health-api")["containers"][0]
    ready = container["readinessProbe"]
    assert ready["httpGet"] == {"path": "/health/ready", "port": "http"}
    assert (ready["periodSeconds"], ready["timeoutSeconds"]) == (15, 10)
    for probe in ("startupProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["path"] == "/health/live"
    startup = container["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 120


def test_uploads_have_room_while_they_arrive(choose: Choose) -> None:
    def room(**options: object) -> str:
        volumes = pod(rendered_with(choose, options), "health-api")["volumes"]
        return str(next(v["emptyDir"]["sizeLimit"] for v in volumes if v["name"] == "tmp"))

    assert room() == "512Mi"
    assert room(max_file_size_mb=200) == "2000Mi"


def test_the_tables_are_made_before_any_replica_starts(choose: Choose) -> None:
    """T-14."""
    spec = pod(rendered_with(choose, {"replicas": 3}), "health-api")
    first = spec["initContainers"][0]
    assert first["command"] == ["python", "/etc/health-install/tables.py"]
    assert first["image"] == spec["containers"][0]["image"]
    assert first["env"] == spec["containers"][0]["env"]
    assert "pg_advisory_xact_lock" in (FILES / "tables.py").read_text()


def test_the_engine_is_judged_by_the_broker_and_not_by_its_own_pages(choose: Choose) -> None:
    """T-04, T-15: its pages always answer 200."""
    spec = pod(rendered_with(choose), "etl-engine")
    script = ["python", "-IS", "/etc/health-install/broker.py"]
    assert spec["initContainers"][0]["command"] == [*script, "prepare"]
    container = spec["containers"][0]
    for probe, word in (
        ("startupProbe", "alive"),
        ("livenessProbe", "alive"),
        ("readinessProbe", "ready"),
    ):
        assert container[probe]["exec"]["command"] == [*script, word]
    # Longer than the engine needs to come back by itself after the broker restarted.
    liveness = container["livenessProbe"]
    assert liveness["periodSeconds"] * (liveness["failureThreshold"] - 1) >= 120


def test_the_engine_stops_soon_and_never_runs_twice(choose: Choose) -> None:
    """T-16, T-21."""
    rendered = rendered_with(choose)
    deployment = body(rendered, "Deployment", "etl-engine")["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    assert deployment["template"]["spec"]["terminationGracePeriodSeconds"] == 10
    assert body(rendered, "HorizontalPodAutoscaler", "etl-engine") is None


def test_by_default_the_module_claims_no_storage(choose: Choose) -> None:
    answers = answers_with(choose, {})
    assert [claim for claim in claims(answers) if claim.module == NAME] == []


def test_sqlite_takes_a_volume_and_says_what_oracle_bills_for_it(choose: Choose) -> None:
    answers = answers_with(choose, {"deduplication": "sqlite"})
    mine = [claim for claim in claims(answers) if claim.module == NAME]
    assert [(claim.namespace, claim.size_bytes) for claim in mine] == [("health-etl", 2**30)]
    assert any("50 GB" in words for words in notices(answers, enabled(answers, catalogue())))
    rendered = render(answers, one_volume(answers), FACTS)
    engine = pod(rendered, "etl-engine")
    mounts = {mount["mountPath"]: mount for mount in engine["containers"][0]["volumeMounts"]}
    assert mounts["/data"]["subPath"] == "etl-engine"
    given = variables(engine["containers"][0])
    assert given["ETL_DEDUPLICATION_STORE"] == "sqlite"
    assert given["ETL_DEDUPLICATION_DB_PATH"].startswith("/data/")
    assert "etl-deduplication-secrets" not in secrets_of(rendered)


def test_two_engines_on_one_sqlite_file_are_refused_with_both_remedies(choose: Choose) -> None:
    """T-21."""
    with pytest.raises(ModulesInvalid) as caught:
        rendered_with(choose, {"deduplication": "sqlite", "etl_replicas": 2})
    assert "etl_replicas to 1" in str(caught.value)
    assert "deduplication to redis" in str(caught.value)
    answers = answers_with(choose, {"etl_replicas": 2})
    assert any(
        "last one wins" in words for words in notices(answers, enabled(answers, catalogue()))
    )


@pytest.mark.parametrize(
    ("options", "allowed", "refused"),
    [
        ({"replicas": 5}, 85, False),
        ({"replicas": 5}, 84, True),
        ({"replicas": 1}, 25, False),
        ({"replicas": 1}, 24, True),
        ({"autoscaling": True}, 85, False),
        ({"autoscaling": True}, 84, True),
        ({"autoscaling": True, "max_replicas": 10}, 100, True),
        ({"autoscaling": True, "max_replicas": 10}, 160, False),
        # Most replicas do not count without autoscaling.
        ({"max_replicas": 10}, 100, False),
    ],
)
def test_replicas_never_open_more_connections_than_the_database_takes(
    choose: Choose, options: dict[str, object], allowed: int, refused: bool
) -> None:
    infrastructure = {"postgresql_health_max_connections": allowed}
    modules = {"infrastructure": infrastructure}
    if not refused:
        assert rendered_with(choose, options, modules=modules).objects
        return
    with pytest.raises(ModulesInvalid, match="postgresql_health_max_connections to"):
        rendered_with(choose, options, modules=modules)


def test_autoscaling_is_by_cpu_alone_and_leaves_the_number_to_the_autoscaler(
    choose: Choose,
) -> None:
    rendered = rendered_with(choose, {"autoscaling": True, "replicas": 2})
    scaler = body(rendered, "HorizontalPodAutoscaler", "health-api")["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 5)
    assert [metric["resource"]["name"] for metric in scaler["metrics"]] == ["cpu"]
    assert "replicas" not in body(rendered, "Deployment", "health-api")["spec"]
    with pytest.raises(ModulesInvalid, match="max_replicas is 2"):
        rendered_with(choose, {"autoscaling": True, "replicas": 3, "max_replicas": 2})


@pytest.mark.parametrize(
    ("options", "there"),
    [({}, False), ({"replicas": 2}, True), ({"autoscaling": True}, True)],
)
def test_a_disruption_budget_comes_with_the_second_replica(
    choose: Choose, options: dict[str, object], there: bool
) -> None:
    budget = body(rendered_with(choose, options), "PodDisruptionBudget", "health-api")
    assert (budget is not None) == there


def test_a_rollout_needs_no_room_beyond_the_plan(choose: Choose) -> None:
    strategy = body(rendered_with(choose), "Deployment", "health-api")["spec"]["strategy"]
    assert strategy["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


@pytest.mark.parametrize(
    ("seen", "traces", "traced"),
    [
        ({"enabled": True}, True, True),
        ({"enabled": True, "traces": False}, True, False),
        ({"enabled": True}, False, False),
        ({"enabled": False}, True, False),
    ],
    ids=["both", "no Jaeger", "not wanted", "no observability"],
)
def test_traces_go_to_jaeger_only_where_there_is_one(
    choose: Choose, seen: dict[str, object], traces: bool, traced: bool
) -> None:
    rendered = rendered_with(choose, {"traces": traces}, modules={"observability": seen})
    api = variables(pod(rendered, "health-api")["containers"][0])
    etl = variables(pod(rendered, "etl-engine")["containers"][0])
    jaeger = "http://jaeger.health-observability.svc.cluster.local:4317"
    assert api.get("JAEGER_OTLP_ENDPOINT") == (jaeger if traced else None)
    # Else it would go on sending to an address that is its default and exists nowhere here.
    assert api.get("OTEL_TRACES_SAMPLER") == (None if traced else "always_off")
    assert etl["ETL_ENABLE_JAEGER_TRACING"] == str(traced).lower()
    assert etl.get("ETL_JAEGER_OTLP_ENDPOINT") == (jaeger if traced else None)


def test_limits_of_uploads_are_written_as_the_programs_read_them(choose: Choose) -> None:
    options = {"upload_rate_limit": 3, "upload_rate_period": "hour", "max_file_size_mb": 120}
    rendered = rendered_with(choose, options)
    api = variables(pod(rendered, "health-api")["containers"][0])
    assert (api["UPLOAD_RATE_LIMIT"], api["MAX_FILE_SIZE_MB"]) == ("3/hour", "120")
    # What the API takes, the engine must take as well.
    etl = variables(pod(rendered, "etl-engine")["containers"][0])
    assert int(etl["ETL_MAX_FILE_SIZE_MB"]) == 120


def test_the_accounts_domain_does_not_follow_the_platforms(choose: Choose) -> None:
    """Whoever logs in by passkey is known by it; if it changed, all would lose their uploads."""
    domains = set()
    for domain in ("", "health.example.org", "health.local"):
        rendered = rendered_with(choose, access={"domain": domain} if domain else {})
        api = variables(pod(rendered, "health-api")["containers"][0])
        domains.add(api["SSO_USER_EMAIL_DOMAIN"])
    assert domains == {"sso.example.com"}


@pytest.mark.parametrize(
    "domain",
    ["sso.example.com", "users.example.org", "a.bc", "x-1.2y.example"],
)
def test_a_domain_that_passes_for_mail_is_taken(choose: Choose, domain: str) -> None:
    validator: Any = pytest.importorskip("email_validator")
    validator.validate_email(f"somebody@{domain}", check_deliverability=False)
    rendered = rendered_with(choose, {"sso_email_domain": domain})
    api = variables(pod(rendered, "health-api")["containers"][0])
    assert api["SSO_USER_EMAIL_DOMAIN"] == domain


@pytest.mark.parametrize(
    "domain",
    [
        "health.local", "health.test", "health.localhost", "health.invalid", "health.home.arpa",
        "health.onion", "localhost", "local", "nodot", "two..dots", "-a.example.com",
        "a-.example.com", "example.123", "ab--cd.example.com",
        "blank in.example.com", "under_score.example.com",
        "with@sign.example.com", "",
    ],
)  # fmt: skip
def test_a_domain_the_health_api_would_choke_on_is_refused(choose: Choose, domain: str) -> None:
    """T-38: the exchange of a token would end with a server error."""
    validator: Any = pytest.importorskip("email_validator")
    with pytest.raises(validator.EmailNotValidError):
        validator.validate_email(f"somebody@{domain}", check_deliverability=False)
    with pytest.raises(ValidationError, match=r"sso\.example\.com|Something is needed"):
        answers_with(choose, {"sso_email_domain": domain})


def test_an_image_is_asked_for_only_while_its_program_is_wanted(choose: Choose) -> None:
    def asked(**options: object) -> dict[str, str]:
        answers = answers_with(choose, options)
        return images_to_bring(answers, enabled(answers, catalogue()))

    both = {"health-api": f"modules.{NAME}.api", "etl-engine": f"modules.{NAME}.etl"}
    assert asked() == both
    assert asked(api=False) == {"etl-engine": both["etl-engine"]}
    assert asked(etl=False) == {"health-api": both["health-api"]}
    named = answers_with(choose, {}, images={"overrides": {"health-api": "example.org/api:1"}})
    assert images_to_bring(named, enabled(named, catalogue())) == {"etl-engine": both["etl-engine"]}


def test_the_plan_tells_how_to_do_without_an_image(choose: Choose) -> None:
    plan = make_plan(answers_with(choose, {}))
    told = {decision.words: decision for decision in plan.decisions}
    etl = next(decision for words, decision in told.items() if "etl-engine" in words)
    assert etl.mandatory
    assert f"modules.{NAME}.etl: false" in etl.then


def test_without_either_program_the_module_is_refused(choose: Choose) -> None:
    with pytest.raises(ModulesInvalid, match=r"health-services\.enabled to false"):
        rendered_with(choose, {"api": False, "etl": False})


def test_either_program_can_be_left_out_with_all_that_is_its_own(choose: Choose) -> None:
    for off, gone in (("api", "health-api"), ("etl", "etl-engine")):
        rendered = rendered_with(choose, {off: False})
        names = {e.body["metadata"]["name"] for e in rendered.of_module(NAME).objects
                 if e.body["kind"] != "Namespace"}  # fmt: skip
        assert names == {"health-api", "etl-engine"} - {gone}
        assert not [name for name in secrets_of(rendered) if name.startswith(gone)]


def test_what_the_studied_engine_cannot_do_is_said_as_its_images_fault(choose: Choose) -> None:
    """T-01, T-02, T-03."""
    answers = answers_with(choose, {})
    chosen = enabled(answers, catalogue())
    assert any("image's fault" in words for words in notices(answers, chosen))
    off = answers_with(choose, {"etl": False})
    assert any("volume is nearly full" in words for words in notices(off, chosen))
    assert not any("image's fault" in words for words in notices(off, chosen))


@pytest.mark.parametrize(
    ("options", "without", "words"),
    [
        ({}, "authentication", "with a passkey"),
        ({"autoscaling": True}, "metrics-server", "metrics-server already"),
    ],
)
def test_what_is_lost_without_another_module_is_told(
    choose: Choose, options: dict[str, object], without: str, words: str
) -> None:
    def told(enabled_there: bool) -> bool:
        modules = {without: {"enabled": enabled_there}}
        answers = answers_with(choose, options, modules=modules)
        return any(words in each for each in notices(answers, enabled(answers, catalogue())))

    assert told(False)
    assert not told(True)


def test_only_what_is_needed_may_be_connected_to(choose: Choose) -> None:
    """T-40 to T-47: no way to the internet, none to the database for the engine."""

    def ends(**options: object) -> set[tuple[str, str, int]]:
        answers = answers_with(choose, options)
        return {
            (flow.source.name, flow.target.name, flow.port)
            for flow in traffic_of(answers, enabled(answers, catalogue()))
            if flow.source.namespace in ("health-api", "health-etl")
        }

    api = {("health-api", *to) for to in (
        ("postgresql-health", 5432), ("redis-health", 6379), ("minio", 9000), ("rabbitmq", 5672),
    )}  # fmt: skip
    etl = {("etl-engine", *to) for to in (("rabbitmq", 5672), ("minio", 9000))}
    cache = {("etl-engine", "redis-health", 6379)}
    known = {end for end in ends() if end[1] not in ("jaeger", "webauthn-server")}
    assert known == api | etl | cache
    assert cache.isdisjoint(ends(deduplication="sqlite"))
    assert not any(name == "health-api" for name, _, _ in ends(api=False))
    assert not any(name == "etl-engine" for name, _, _ in ends(etl=False))


@pytest.fixture
def broker() -> ModuleType:
    """The script, as a module."""
    spec = importlib.util.spec_from_file_location("broker", FILES / "broker.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_only_established_connections_of_the_own_pod_count(
    broker: ModuleType, tmp_path: Path
) -> None:
    head = "  sl  local_address rem_address   st tx_queue rx_queue\n"
    rows = (
        "   0: 0100007F:D2F0 0A00000A:1628 01 0 0\n"  # established, to port 5672
        "   1: 0100007F:D2F1 0A00000A:1628 06 0 0\n"  # closing
        "   2: 0100007F:1628 0A00000A:D2F2 01 0 0\n"  # from somebody, to our port
        "   3: 0100007F:D2F3 0A00000A:2328 01 0 0\n"  # to port 9000
    )
    four, six = tmp_path / "tcp", tmp_path / "tcp6"
    four.write_text(head + rows)
    six.write_text(head + f"   0: {'0' * 32}:D2F4 {'0' * 31}1:1628 01 0 0\n")
    assert broker.connections_to(5672, (four, six)) == 2
    assert broker.connections_to(5671, (four, six)) == 0
    assert broker.connections_to(5672, (tmp_path / "absent", four)) == 1
    # Where nothing is told, nothing is held against the engine.
    assert broker.connections_to(5672, (tmp_path / "absent",)) is None
