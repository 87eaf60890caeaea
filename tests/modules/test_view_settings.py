"""Settings of Grafana, Loki, Alloy and Jaeger: known keys, and values that say what is meant."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from installer.modules import Rendered, catalogue, render
from tests.modules.alloy_language import Block, NotAlloy, Reference, read
from tests.modules.conftest import answers_for, one_volume
from tests.modules.observed import BILLED, file_of, observed, settings_of

KNOWN = Path(__file__).parent / "known_settings"
VARIATIONS: list[dict[str, Any]] = [
    {},
    {"traces_store": "disk"},
    {"publish_grafana": True, "storage": "transient"},
    {"traces": False},
    {"logs": False},
]
IN_VARIATIONS = pytest.mark.parametrize("options", VARIATIONS, ids=str)


def known(name: str) -> dict[str, list[str]]:
    """The keys of one program; `*` in a path stands for any name."""
    table = yaml.safe_load((KNOWN / f"{name}.yaml").read_text())
    assert table["source"]
    keys: dict[str, list[str]] = table["keys"]
    return keys


def unknown(settings: object, table: Mapping[str, list[str]], path: str = "") -> Iterator[str]:
    """Keys that are not in the table, and mappings it knows nothing of."""
    if isinstance(settings, list):
        for item in settings:
            yield from unknown(item, table, path)
    elif isinstance(settings, dict):
        if path not in table:
            yield f"nothing is known of {path}"
            return
        for key, value in settings.items():
            name = "*" if table[path] == ["*"] else key
            if name not in table[path]:
                yield f"{path}: {key}"
                continue
            below = f"{path}.{name}" if path else name
            if isinstance(value, (dict, list)):
                yield from (() if _plain(value) else unknown(value, table, below))


def _plain(value: object) -> bool:
    return isinstance(value, list) and not any(isinstance(item, dict) for item in value)


def ini(rendered: Rendered) -> dict[str, dict[str, str]]:
    """grafana.ini by section and key."""
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.read_string(file_of(rendered, "grafana", "grafana.ini"))
    return {name: dict(parser[name]) for name in parser.sections()}


def alloy(rendered: Rendered) -> Block:
    """Alloy's configuration as blocks."""
    return read(file_of(rendered, "alloy", "config.alloy"))


@IN_VARIATIONS
@pytest.mark.parametrize(
    ("program", "configmap", "key", "switch"),
    [
        ("loki", "loki", "loki.yaml", "logs"),
        ("jaeger", "jaeger", "jaeger.yaml", "traces"),
        ("grafana-datasources", "grafana", "datasources.yaml", "grafana"),
        ("grafana-dashboards", "grafana", "dashboards.yaml", "grafana"),
    ],
)
def test_every_key_is_one_the_program_knows(
    options: dict[str, Any], program: str, configmap: str, key: str, switch: str
) -> None:
    rendered = observed(**options)
    if not options.get(switch, True):
        assert all(entry.body["metadata"]["name"] != configmap for entry in rendered.objects)
        return
    settings = settings_of(rendered, configmap, key)
    assert list(unknown(settings, known(program))) == []


@IN_VARIATIONS
def test_every_key_of_grafana_ini_is_one_it_knows(options: dict[str, Any]) -> None:
    assert list(unknown(ini(observed(**options)), known("grafana"))) == []


def test_a_misspelt_key_is_found() -> None:
    settings = settings_of(observed(), "loki", "loki.yaml")
    settings["limits_config"]["retention_periods"] = "24h"
    settings["compactor"]["wal"] = {"dir": "/x"}
    assert list(unknown(settings, known("loki"))) == [
        "compactor: wal",
        "limits_config: retention_periods",
    ]
    jaeger = settings_of(observed(), "jaeger", "jaeger.yaml")
    jaeger["extensions"]["jaeger_query"]["ai"] = {"enable_mcp": True}
    assert list(unknown(jaeger, known("jaeger"))) == ["extensions.jaeger_query: ai"]


def test_every_block_of_alloy_and_all_its_attributes_are_known() -> None:
    table = known("alloy")
    blocks = list(alloy(observed()).below())
    assert len(blocks) >= 20
    for path, block in blocks:
        assert path in table, path
        slash = table[path].index("/")
        needed, allowed = set(table[path][:slash]), set(table[path]) - {"/"}
        assert needed <= block.attributes.keys() <= allowed, (path, block.attributes.keys())


def test_alloys_blocks_lead_from_the_pods_to_loki() -> None:
    blocks = {f"{block.name}.{block.label}": block for block in alloy(observed()).blocks}
    exported = {"targets", "output", "receiver"}
    for name, block in blocks.items():
        for value in block.attributes.values():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, Reference):
                    target, _, what = one.name.rpartition(".")
                    assert target in blocks, (name, one)
                    assert what in exported, (name, one)
    source = blocks["loki.source.kubernetes.pods"].attributes
    assert source["forward_to"] == [Reference("loki.process.lines.receiver")]
    endpoint = blocks["loki.write.loki"].blocks[0]
    assert endpoint.attributes["url"] == (
        "http://loki.health-observability.svc.cluster.local:3100/loki/api/v1/push"
    )


def test_what_is_no_configuration_of_alloys_is_refused() -> None:
    for text in ('a { b = "c" ', "a { b = }", "a { b = [1 2] }", "a { b = 1 b = 2 }", "%"):
        with pytest.raises(NotAlloy):
            read(text)


def test_lines_carry_the_names_people_look_for() -> None:
    rules = [b for path, b in alloy(observed()).below() if path == "discovery.relabel/rule"]
    assert {str(rule.attributes.get("target_label", "")) for rule in rules} == {
        "", "namespace", "pod", "container", "app", "component", "node",
    }  # fmt: skip


def test_only_the_platforms_namespaces_are_read() -> None:
    names = [b for path, b in alloy(observed()).below() if path.endswith("/namespaces")]
    found = names[0].attributes["names"]
    assert isinstance(found, list)
    assert {"health-data", "health-observability"} <= {str(name) for name in found}
    assert all(str(name).startswith("health-") for name in found)


def processed(line: str) -> str | None:
    """What the stages make of a line; None when it is dropped.

    A stage of the kind replace changes what stands in an expression's pairs of parentheses, as
    Alloy's does; both read the expressions used here in the same way.
    """
    process = next(b for b in alloy(observed()).blocks if b.name == "loki.process")
    for stage in process.blocks:
        expression = str(stage.attributes.get("expression", ""))
        if stage.name == "stage.drop" and expression and re.search(expression, line):
            return None
        if stage.name == "stage.replace":
            line = _replaced(expression, str(stage.attributes["replace"]), line)
    return line


def _replaced(expression: str, with_what: str, line: str) -> str:
    spans = [
        match.span(group)
        for match in re.finditer(expression, line)
        for group in range(1, (match.lastindex or 0) + 1)
        if match.span(group) != (-1, -1)
    ]
    for start, end in reversed(spans):
        line = line[:start] + with_what + line[end:]
    return line


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ('{"event": "Login", "email": "anna.b@example.org"}',
         '{"event": "Login", "email": "[masked]"}'),
        ('{"headers": {"Authorization": "Bearer abc.def-ghi_123", "accept": "x"}}',
         '{"headers": {"Authorization": "[masked]", "accept": "x"}}'),
        ("authorization: Basic dXNlcjpwYXNzd29yZA== rest", "authorization: [masked] rest"),
        ("to amqp://health:s3cr3t-pw@rabbitmq.health-data.svc:5672/ failed",
         "to amqp://health:[masked]@rabbitmq.health-data.svc:5672/ failed"),
        ("postgresql+asyncpg://healthapi:pw%40x@postgresql-health:5432/health",
         "postgresql+asyncpg://healthapi:[masked]@postgresql-health:5432/health"),
        ("got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl from x", "got [masked] from x"),
        ('{"password": "hunter22", "secret_key":"abc"}',
         '{"password": "[masked]", "secret_key":"[masked]"}'),
        (r'{"detail": "{\"password\": \"two words\"}"}',
         r'{"detail": "{\"password\": \"[masked]\"}"}'),
        ("api_key=123456&x=1", "api_key=[masked]&x=1"),
        ("sent with bearer abcdefgh12345678 today", "sent with bearer [masked] today"),
        ("basic authentication is off", "basic authentication is off"),
        ('"POST /v1/upload HTTP/1.1" 202 Accepted', '"POST /v1/upload HTTP/1.1" 202 Accepted'),
        ('"GET /health/ready HTTP/1.1" 503 Unavailable',
         '"GET /health/ready HTTP/1.1" 503 Unavailable'),
        ('10.0.0.1:51234 - "GET /health/ready HTTP/1.1" 200 OK', None),
        ('"GET /metrics HTTP/1.1" 200', None),
    ],
)  # fmt: skip
def test_lines_lose_secrets_and_addresses_and_answered_probes(line: str, left: str | None) -> None:
    assert processed(line) == left


def test_lines_are_masked_before_anything_is_taken_from_them() -> None:
    process = next(b for b in alloy(observed()).blocks if b.name == "loki.process")
    names = [stage.name for stage in process.blocks]
    assert names.index("stage.match") > max(
        place for place, name in enumerate(names) if name == "stage.replace"
    )
    match = process.blocks[names.index("stage.match")]
    json_stage = next(b for b in match.blocks if b.name == "stage.json")
    assert json_stage.attributes["expressions"] == {"level": "level", "event": "event"}


def test_loki_deletes_what_is_older_than_the_days_to_keep() -> None:
    settings = settings_of(observed(logs_days=5), "loki", "loki.yaml")
    assert settings["limits_config"]["retention_period"] == "120h"
    assert settings["limits_config"]["reject_old_samples_max_age"] == "120h"
    compactor = settings["compactor"]
    assert compactor["retention_enabled"] is True
    assert compactor["delete_request_store"] == "filesystem"
    assert compactor["working_directory"].startswith("/loki/")
    assert settings["schema_config"]["configs"][0]["index"]["period"] == "24h"
    older = settings_of(observed(logs_days=60), "loki", "loki.yaml")["limits_config"]
    assert older["reject_old_samples_max_age"] == "168h"


def test_the_collector_does_not_send_what_loki_refuses_as_too_old() -> None:
    for days in (2, 30):
        rendered = observed(logs_days=days)
        refused = settings_of(rendered, "loki", "loki.yaml")["limits_config"]
        ages = [
            block.attributes["older_than"]
            for path, block in alloy(rendered).below()
            if path == "loki.process/stage.drop" and "older_than" in block.attributes
        ]
        assert ages == [refused["reject_old_samples_max_age"]]


def test_everything_loki_writes_is_below_its_one_folder() -> None:
    text = file_of(observed(), "loki", "loki.yaml")
    paths = re.findall(r":\s+(/\S+)$", text, re.MULTILINE)
    assert len(paths) >= 7
    assert all(path == "/loki" or path.startswith("/loki/") for path in paths)


def test_no_program_tells_its_maker_anything() -> None:
    rendered = observed()
    assert settings_of(rendered, "loki", "loki.yaml")["analytics"]["reporting_enabled"] is False
    settings = ini(rendered)
    off = {
        "analytics": ["reporting_enabled", "check_for_updates", "check_for_plugin_updates"],
        "news": ["news_feed_enabled"],
        "snapshots": ["external_enabled"],
        "auth.anonymous": ["enabled"],
        "users": ["allow_sign_up"],
        "plugins": ["preinstall_auto_update", "plugin_admin_enabled"],
    }
    for section, keys in off.items():
        assert all(settings[section][key] == "false" for key in keys), section
    assert settings["plugins"]["preinstall_disabled"] == "true"
    assert settings["security"]["disable_gravatar"] == "true"


def test_grafana_takes_its_password_from_a_file() -> None:
    security = ini(observed())["security"]
    assert security["admin_password"] == "$__file{/run/secrets/grafana/admin-password}"
    assert security["secret_key"] == "$__file{/run/secrets/grafana/secret-key}"


def test_a_published_grafana_knows_its_address_and_sends_cookies_over_tls_only() -> None:
    published, private = ini(observed(publish_grafana=True)), ini(observed())
    assert published["server"]["root_url"] == "https://grafana.example.org/"
    assert published["security"]["cookie_secure"] == "true"
    assert "root_url" not in private["server"]
    assert private["security"]["cookie_secure"] == "false"


def sources(**options: Any) -> dict[str, dict[str, Any]]:
    """Grafana's data sources by name."""
    file = settings_of(observed(**options), "grafana", "datasources.yaml")
    return {one["name"]: one for one in file["datasources"]}


def test_data_sources_are_those_that_are_there() -> None:
    assert list(sources()) == ["Prometheus", "Alertmanager", "Loki", "Jaeger"]
    assert list(sources(logs=False)) == ["Prometheus", "Alertmanager", "Jaeger"]
    assert list(sources(traces=False)) == ["Prometheus", "Alertmanager", "Loki"]
    assert [name for name, one in sources().items() if one.get("isDefault")] == ["Prometheus"]


def test_every_data_source_leads_to_a_port_of_a_service_that_is_rendered() -> None:
    rendered = observed()
    ports = {
        (entry.body["metadata"]["name"], port["port"])
        for entry in rendered.objects
        if entry.body["kind"] == "Service"
        for port in entry.body["spec"]["ports"]
    }
    for one in sources().values():
        match = re.fullmatch(
            r"http://([a-z]+)\.health-observability\.svc\.cluster\.local:(\d+)", one["url"]
        )
        assert match
        assert (match[1], int(match[2])) in ports


def test_an_identifier_of_a_trace_in_a_line_leads_to_the_trace() -> None:
    field = sources()["Loki"]["jsonData"]["derivedFields"][0]
    assert field["datasourceUid"] == sources()["Jaeger"]["uid"]
    # Grafana fills in variables; a doubled sign is one that stays.
    assert field["url"] == "$${__value.raw}"
    trace = "0123456789abcdef0123456789abcdef"
    for line in (f'{{"trace_id": "{trace}"}}', f"traceID={trace}", f"traceId: {trace}"):
        match = re.search(field["matcherRegex"], line)
        assert match
        assert match[1] == trace
    assert "derivedFields" not in sources(traces=False)["Loki"]["jsonData"]


def test_changes_made_in_grafana_are_taken_where_they_last() -> None:
    def allowed(**options: Any) -> bool:
        file = settings_of(observed(**options), "grafana", "dashboards.yaml")
        taken: bool = file["providers"][0]["allowUiUpdates"]
        return taken

    assert allowed()
    assert not allowed(storage="transient")


def scrubbed(key: str) -> bool:
    """Whether Jaeger throws an attribute of that name away."""
    settings = settings_of(observed(), "jaeger", "jaeger.yaml")
    actions = settings["processors"]["attributes/scrub"]["actions"]
    assert all(action["action"] == "delete" for action in actions)
    return any(re.search(action["pattern"], key) for action in actions)


@pytest.mark.parametrize(
    "key",
    [
        "user_id", "user.id", "enduser.id", "user.email", "user", "email", "filename", "object_key",
        "file.name", "aws.s3.key", "correlation_id", "http.request.header.authorization",
        "http.request.header.cookie", "Authorization", "db.statement", "db.query.text", "url.full",
        "url.query", "http.url", "http.target", "client.address", "net.peer.ip", "password",
        "access_token", "session.id", "messaging.message.body",
    ],
)  # fmt: skip
def test_traces_lose_who_it_was_and_what_was_sent(key: str) -> None:
    assert scrubbed(key)


@pytest.mark.parametrize(
    "key",
    [
        "http.route", "http.request.method", "http.response.status_code", "record_type",
        "file_size_bytes", "record_count", "routing_key", "db.system", "server.address",
        "service.name", "messaging.system", "error.type", "user_agent.original",
    ],
)  # fmt: skip
def test_traces_keep_what_says_where_time_went(key: str) -> None:
    assert not scrubbed(key)


def test_every_trace_is_scrubbed_before_it_is_stored() -> None:
    service = settings_of(observed(), "jaeger", "jaeger.yaml")["service"]
    traces = service["pipelines"]["traces"]
    assert traces["processors"] == ["memory_limiter", "attributes/scrub", "filter/scrub", "batch"]
    assert traces["exporters"] == ["jaeger_storage_exporter"]
    assert list(service["pipelines"]) == ["traces"]


def test_jaeger_listens_where_others_reach_it_and_lets_no_program_ask() -> None:
    settings = settings_of(observed(), "jaeger", "jaeger.yaml")
    protocols = settings["receivers"]["otlp"]["protocols"]
    assert protocols == {"grpc": {"endpoint": "0.0.0.0:4317"}, "http": {"endpoint": "0.0.0.0:4318"}}
    query = settings["extensions"]["jaeger_query"]
    assert query["http"] == {"endpoint": "0.0.0.0:16686"}
    assert "ai" not in query
    assert settings["extensions"]["healthcheckv2"]["http"]["endpoint"] == "0.0.0.0:13133"


def test_traces_are_bounded_by_number_in_memory_and_by_age_on_disk() -> None:
    def backend(**options: Any) -> dict[str, Any]:
        settings = settings_of(observed(**options), "jaeger", "jaeger.yaml")
        backends: dict[str, dict[str, Any]] = settings["extensions"]["jaeger_storage"]["backends"]
        name = settings["extensions"]["jaeger_query"]["storage"]["traces"]
        assert settings["exporters"]["jaeger_storage_exporter"]["trace_storage"] == name
        return backends[name]

    assert backend(traces_cap=500) == {"memory": {"max_traces": 500}}
    disk = backend(traces_store="disk", traces_days=4)["badger"]
    assert disk["ephemeral"] is False
    assert disk["ttl"] == {"spans": "96h"}
    assert all(path.startswith("/badger/") for path in disk["directories"].values())


def test_a_grafana_behind_a_port_of_the_machines_knows_the_port() -> None:
    modules = catalogue()
    chosen = {"edge": {"entry": "node_port"}, "observability": {"publish_grafana": True}}
    answers = answers_for(modules, access={"domain": "example.org"}, modules=chosen)
    port = dict(answers.module("edge").options())["https_node_port"]
    rendered = render(answers, one_volume(answers), BILLED).of_module("observability")
    assert ini(rendered)["server"]["root_url"] == f"https://grafana.example.org:{port}/"
