"""One changed answer changes the objects it must and no others, and every module goes alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from installer.modules import catalogue
from installer.plan import make_plan
from tests.modules.conftest import answers_for
from tests.modules.selections import AROUND, with_needs

_TABLE: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("one_change.yaml").read_text(encoding="utf-8")
)
_JOBS_OWN_SIGN = re.compile(r"(?<=-)[0-9a-f]{10}$")
Chosen = Mapping[str, Mapping[str, Any]]

# What reads the list of namespaces, and so follows whenever a namespace comes or goes.
_READERS_OF_NAMESPACES = {
    "ConfigMap health-observability/alloy",
    "Deployment health-observability/alloy",
    "Deployment health-observability/kube-state-metrics",
}
# Alerts and targets are those of the parts that are there.
_PROMETHEUS = {
    "ConfigMap health-observability/prometheus",
    "Deployment health-observability/prometheus",
    "NetworkPolicy health-observability/prometheus",
}
_ENTRANCE = {
    "ConfigMap health-system/traefik-routes",
    "NetworkPolicy health-system/traefik",
}
# Module -> what changes in others when it is switched off, with those that cannot be without it.
_DEPENDANTS: Mapping[str, set[str]] = {
    "edge": {
        *_READERS_OF_NAMESPACES,
        *_PROMETHEUS,
        # It is metrics-server's as well, and then says so.
        "Namespace health-system",
        "NetworkPolicy health-api/health-api",
        "NetworkPolicy health-auth/envoy-gateway",
    },
    "infrastructure": {
        *_READERS_OF_NAMESPACES,
        *_PROMETHEUS,
        *_ENTRANCE,
        "NetworkPolicy health-observability/jaeger",
    },
    "authentication": {
        *_READERS_OF_NAMESPACES,
        *_PROMETHEUS,
        *_ENTRANCE,
        "NetworkPolicy health-api/health-api",
        "NetworkPolicy health-data/postgresql-auth",
        "NetworkPolicy health-data/redis-auth",
        "NetworkPolicy health-observability/jaeger",
    },
    "health-services": {
        *_READERS_OF_NAMESPACES,
        *_PROMETHEUS,
        *_ENTRANCE,
        "NetworkPolicy health-auth/webauthn-server",
        "NetworkPolicy health-data/minio",
        "NetworkPolicy health-data/postgresql-health",
        "NetworkPolicy health-data/rabbitmq",
        "NetworkPolicy health-data/redis-health",
        "NetworkPolicy health-observability/jaeger",
    },
    # Without a target it makes nothing, and with one test_backups.py looks.
    "disaster-recovery": set(),
    "metrics-server": set(),
    "observability": {
        # They send it their traces.
        "Deployment health-api/health-api",
        "Deployment health-auth/webauthn-server",
        "Deployment health-etl/etl-engine",
        "NetworkPolicy health-api/health-api",
        "NetworkPolicy health-auth/envoy-gateway",
        "NetworkPolicy health-auth/webauthn-server",
        "NetworkPolicy health-data/minio",
        "NetworkPolicy health-data/postgres-exporter",
        "NetworkPolicy health-data/rabbitmq",
        "NetworkPolicy health-data/redis-exporter",
        "NetworkPolicy health-etl/etl-engine",
        "NetworkPolicy health-system/traefik",
    },
    "security": set(),
}


def _rendered(chosen: Chosen) -> dict[str, tuple[str, Any]]:
    """Object -> (module, what it says), Secrets as their recipes."""
    answers = answers_for(
        catalogue(), target="existing", access={"domain": "example.org"}, modules=dict(chosen)
    )
    rendered = make_plan(answers, AROUND).rendered
    found: dict[str, tuple[str, Any]] = {}
    for entry in rendered.objects:
        metadata = entry.body["metadata"]
        place = f"{metadata['namespace']}/" if "namespace" in metadata else ""
        found[f"{entry.body['kind']} {place}{metadata['name']}"] = (entry.module, entry.body)
    for spec in rendered.secrets:
        found[f"Secret {spec.namespace}/{spec.name}"] = (spec.module, spec)
    return found


@lru_cache(maxsize=1)
def _untouched() -> dict[str, tuple[str, Any]]:
    return _rendered({})


def _words(names: set[str]) -> set[str]:
    return {_JOBS_OWN_SIGN.sub("*", name) if name.startswith("Job ") else name for name in names}


def _told(case: Mapping[str, Any]) -> str:
    beside = "".join(f",{name}={value}" for name, value in case.get("beside", {}).items())
    return f"{case['option']}={case['to']}{beside}"


@pytest.mark.parametrize("case", _TABLE, ids=_told)
def test_one_option_changes_exactly_what_it_must(case: Mapping[str, Any]) -> None:
    module, option = case["option"].split(".")
    beside = case.get("beside", {})
    before = _rendered({module: beside}) if beside else _untouched()

    after = _rendered({module: {**beside, option: case["to"]}})

    both = before.keys() & after.keys()
    assert {name for name in both if before[name] != after[name]} == set(case.get("changed", ()))
    assert _words(after.keys() - before.keys()) == set(case.get("new", ()))
    assert _words(before.keys() - after.keys()) == set(case.get("gone", ()))


def test_the_table_has_options_of_every_module() -> None:
    tried = {case["option"] for case in _TABLE}
    known = {f"{m.name}.{option.name}" for m in catalogue() for option in m.file.options}

    assert tried <= known
    assert {name.split(".")[0] for name in tried} == {name.split(".")[0] for name in known}


@pytest.mark.parametrize("name", sorted(_DEPENDANTS))
def test_a_module_goes_alone(name: str) -> None:
    off = {m.name for m in catalogue() if name in with_needs({m.name})}
    before = _untouched()

    after = _rendered({each: {"enabled": False} for each in off})

    gone = before.keys() - after.keys()
    own = {each for each, (module, _) in before.items() if module in off}
    changed = {each for each in before.keys() & after.keys() if before[each] != after[each]}
    assert after.keys() <= before.keys()
    assert own - gone <= {"Namespace health-system"}
    assert all(_belongs_to(each, before[each][0], own) for each in gone - own), gone - own
    assert changed == _DEPENDANTS[name]


def _belongs_to(name: str, module: str, own: set[str]) -> bool:
    """Whether another module made it for the sake of what is gone: the rules of a pod, and what
    is in a namespace that goes with its module."""
    kind, _, where = name.partition(" ")
    namespace, _, pod = where.partition("/")
    if f"Namespace {namespace}" in own and namespace != "health-system":
        return True
    workloads = ("Deployment", "StatefulSet", "Job")
    guarded = any(each.startswith(f"{one} {namespace}/{pod}") for one in workloads for each in own)
    return module == "security" and kind == "NetworkPolicy" and guarded


def test_every_module_is_tried_alone() -> None:
    assert {module.name for module in catalogue()} == set(_DEPENDANTS)
