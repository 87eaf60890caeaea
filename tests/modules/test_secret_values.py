"""How the values of Secrets come to be, and that they stay."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from installer.modules import (
    ClusterFacts,
    ModulesInvalid,
    Rendered,
    SecretSpec,
    SecretValue,
    catalogue,
    make_secret,
    render,
)
from installer.modules.secret_values import in_order_of_copies
from installer.modules.stamping import pod_template
from tests.modules.conftest import Choose, one_volume

Store = dict[tuple[str, str], dict[str, str]]


def make_all(specs: tuple[SecretSpec, ...], store: Store, given: Mapping[str, str]) -> None:
    """What the cluster would hold after the Secrets were made in their order."""
    for spec in specs:
        store[spec.namespace, spec.name] = make_secret(
            spec, lambda namespace, name: store.get((namespace, name)), given.get
        )


@pytest.fixture
def store(rendered: Rendered) -> Store:
    """All Secrets of an installation, made once."""
    held: Store = {}
    make_all(rendered.secrets, held, {})
    return held


def test_generated_values_have_the_lengths_and_characters_agreed(
    rendered: Rendered, store: Store
) -> None:
    forms = {
        "password": r"[A-Za-z0-9_-]{43}",
        "access_key": r"[A-Z0-9]{20}",
        "secret_key": r"[A-Za-z0-9_-]{40}",
        "encryption_key": r"[A-Za-z0-9+/]{43}=",
    }
    seen = set()
    for spec in rendered.secrets:
        for value in spec.values:
            if value.make in forms:
                text = store[spec.namespace, spec.name][value.key]
                assert re.fullmatch(forms[value.make], text), (spec.name, value.key)
                assert text not in seen
                seen.add(text)
    assert len(seen) >= 19


def test_a_second_run_changes_nothing(rendered: Rendered, store: Store) -> None:
    before = {place: dict(values) for place, values in store.items()}
    make_all(rendered.secrets, store, {})
    assert store == before


def test_a_later_answer_replaces_a_password_and_reaches_all_that_is_made_of_it(
    rendered: Rendered, store: Store
) -> None:
    before = {place: dict(values) for place, values in store.items()}
    given = {"infrastructure.postgresql_health.app": "another-password-0"}
    make_all(rendered.secrets, store, given)
    server, api = ("health-data", "postgresql-health-secret"), ("health-api", "health-api-secrets")
    changed = {
        (place, key)
        for place, values in store.items()
        for key, value in values.items()
        if before[place][key] != value
    }
    assert store[server]["password"] == "another-password-0"
    assert {place for place, _ in changed} == {server, api}
    assert all("another-password-0" in store[place][key] for place, key in changed)


def test_only_missing_keys_are_generated(rendered: Rendered, store: Store) -> None:
    held = store["health-data", "minio-secret"]
    kept = {key: value for key, value in held.items() if key not in ("etl-secret-key",)}
    lost = held["etl-secret-key"]
    store["health-data", "minio-secret"] = dict(kept)
    make_all(rendered.secrets, store, {})
    now = store["health-data", "minio-secret"]
    assert now["etl-secret-key"] != lost
    assert now["root-password"] == kept["root-password"]
    assert now["etl-secret-key"] in now["identities.json"]


def test_a_supplied_value_is_used_on_the_first_run(rendered: Rendered) -> None:
    held: Store = {}
    make_all(rendered.secrets, held, {"infrastructure.redis_health.password": "chosen-by-me_1"})
    assert held["health-data", "redis-health-secret"]["password"] == "chosen-by-me_1"
    assert held["health-data", "redis-exporter-secret"]["health-password"] == "chosen-by-me_1"


@pytest.mark.parametrize("canary", ["short", "has space in it!", 'quote"quote"quote', "ümlaut" * 4])
def test_a_supplied_value_that_would_break_an_address_is_refused_without_showing_it(
    rendered: Rendered, canary: str
) -> None:
    with pytest.raises(ModulesInvalid) as caught:
        make_all(rendered.secrets, {}, {"infrastructure.redis_health.password": canary})
    assert "secrets.infrastructure.redis_health.password" in str(caught.value)
    assert canary not in str(caught.value)


def test_every_question_about_a_secret_has_a_value_waiting_for_it() -> None:
    # Of all Secrets there may be: some are made only under a condition.
    recipes = [spec for module in catalogue() for spec in module.secrets]
    paths = {value.question_path for spec in recipes for value in spec.values} - {""}
    asked = {f"{m.name}.{s.id}" for m in catalogue() for s in m.questions.secrets}
    assert paths == asked
    assert "infrastructure.postgresql_health.app" in asked


def test_composed_files_are_well_formed_and_hold_the_right_keys(store: Store) -> None:
    minio = store["health-data", "minio-secret"]
    identities = json.loads(minio["identities.json"])["identities"]
    keys = {entry["name"]: entry["credentials"][0] for entry in identities}
    assert keys["etl"] == {
        "accessKey": minio["etl-access-key"],
        "secretKey": minio["etl-secret-key"],
    }
    broker = store["health-data", "rabbitmq-secret"]
    users = {user["name"]: user for user in json.loads(broker["definitions.json"])["users"]}
    assert users["health-api"]["password"] == broker["health-api-password"]
    exporter = store["health-data", "postgres-exporter-secret"]
    modules = yaml.safe_load(exporter["postgres_exporter.yml"])["auth_modules"]
    database = store["health-data", "postgresql-auth-secret"]
    assert modules["auth"]["userpass"]["password"] == database["exporter-password"]
    caches = json.loads(store["health-data", "redis-exporter-secret"]["passwords.json"])
    assert set(caches) == {"redis://redis-health:6379", "redis://redis-auth:6379"}


def test_a_certificate_is_trusted_by_whoever_holds_it(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "identity.pem"
    path.write_text(store["health-data", "minio-secret"]["identity.pem"])
    context = ssl.create_default_context(cafile=str(path))
    context.load_cert_chain(str(path))
    assert context.cert_store_stats()["x509"] == 1


def test_a_registry_that_asks_for_a_name_gets_it_from_every_pod(choose: Choose) -> None:
    answers = choose(
        images={
            "registry": "mirror.example.org/health",
            "pull_user": "puller",
            "pull_password": "env:PULL_PASSWORD",
        }
    )
    result = render(answers, one_volume(answers), ClusterFacts())
    logins = {one.namespace: one for one in result.secrets if one.id == "registry_login"}
    spec = logins["health-data"]
    assert spec.type == "kubernetes.io/dockerconfigjson"
    for entry in result.objects:
        template = pod_template(entry.body)
        if template is not None:
            assert entry.body["metadata"]["namespace"] in logins
            assert template["spec"]["imagePullSecrets"] == [{"name": spec.name}]
    # Registries make passwords of any characters, and replace them now and then.
    for password in ("a'b\"c>(", "another"):
        made = make_secret(
            spec, lambda namespace, name: {"old": "x"}, {"images.pull_password": password}.get
        )
        login = json.loads(made[".dockerconfigjson"])["auths"]["mirror.example.org"]
        assert (login["username"], login["password"]) == ("puller", password)
    with pytest.raises(ModulesInvalid, match=r"images\.pull_password"):
        make_secret(spec, lambda namespace, name: None, lambda path: None)


def test_a_copy_whose_source_is_missing_says_so() -> None:
    spec = SecretSpec("m", "s", "ns", "copy", (SecretValue("k", "copy", "ns/source/password"),))
    with pytest.raises(ModulesInvalid, match="password in ns/source, which does not exist"):
        make_secret(spec, lambda namespace, name: None, lambda path: None)


def test_a_template_that_names_an_unknown_key_says_so() -> None:
    spec = SecretSpec("m", "s", "ns", "t", (SecretValue("k", "template", "x ${nothing}"),))
    with pytest.raises(ModulesInvalid, match="composed of nothing"):
        make_secret(spec, lambda namespace, name: None, lambda path: None)


def test_secrets_are_ordered_by_what_they_copy() -> None:
    first = SecretSpec("m", "a", "ns", "a", (SecretValue("k", "copy", "ns/b/k"),))
    second = SecretSpec("m", "b", "ns", "b", (SecretValue("k", "password"),))
    assert in_order_of_copies((first, second)) == (second, first)
    circle = SecretSpec("m", "b", "ns", "b", (SecretValue("k", "copy", "ns/a/k"),))
    with pytest.raises(ModulesInvalid, match="circle"):
        in_order_of_copies((first, circle))


def test_a_required_value_is_missed_until_it_was_given_once() -> None:
    value = SecretValue("url", "supplied", "", "greeter.door.url", required=True)
    spec = SecretSpec("greeter", "door", "health-greeter", "door-secret", (value,))
    with pytest.raises(ModulesInvalid, match=r"secrets\.greeter\.door\.url.*is missing"):
        make_all((spec,), {}, {})
    held: Store = {}
    make_all((spec,), held, {"greeter.door.url": "https://example.org/x"})
    make_all((spec,), held, {})
    assert held["health-greeter", "door-secret"] == {"url": "https://example.org/x"}
