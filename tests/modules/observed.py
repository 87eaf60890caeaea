"""The observability module rendered, and the files in its ConfigMaps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import yaml

from installer.modules import Allowance, ClusterFacts, Rendered, catalogue, render
from tests.modules.conftest import answers_for, one_volume

FREE = Allowance(
    title="a made-up allowance",
    hours=700,
    ocpu_hours=2100,
    memory_gb_hours=14000,
    volume_gb=300,
    volume_floor_gb=40,
    boot_volume_gb=60,
    ocpu_hour_usd="0.02",
    memory_gb_hour_usd="0.003",
    volume_gb_month_usd="0.05",
)
BILLED = ClusterFacts("oci-bv", "arm64", FREE)
OWN = ClusterFacts()


def observed(facts: ClusterFacts = BILLED, /, **options: Any) -> Rendered:
    """The module's part of everything, rendered with these options of it."""
    return _observed(facts, tuple(sorted(options.items())))


@lru_cache(maxsize=64)
def _observed(facts: ClusterFacts, options: tuple[tuple[str, Any], ...]) -> Rendered:
    modules = catalogue()
    answers = answers_for(
        modules,
        access={"domain": "example.org"},
        modules={"observability": {"enabled": True, **dict(options)}},
    )
    return render(answers, one_volume(answers), facts).of_module("observability")


def body(rendered: Rendered, kind: str, name: str) -> dict[str, Any]:
    """The one object of that kind and name in the module's own namespace."""
    found = [
        entry.body
        for entry in rendered.objects
        if (entry.body["kind"], entry.body["metadata"]["name"]) == (kind, name)
        and entry.body["metadata"].get("namespace") == "health-observability"
    ]
    assert len(found) == 1, (kind, name, len(found))
    return found[0]


def file_of(rendered: Rendered, configmap: str, key: str) -> str:
    """The text of one file."""
    text: str = body(rendered, "ConfigMap", configmap)["data"][key]
    return text


def settings_of(rendered: Rendered, configmap: str, key: str) -> Any:
    """One file that is YAML, read."""
    return yaml.safe_load(file_of(rendered, configmap, key))


def dashboards(rendered: Rendered) -> dict[str, dict[str, Any]]:
    """The dashboards by their uid."""
    files = body(rendered, "ConfigMap", "grafana-dashboards")["data"]
    found = [json.loads(text) for text in files.values()]
    return {one["uid"]: one for one in found}


def queries(rendered: Rendered) -> Iterator[tuple[str, str]]:
    """(panel, query) of everything the dashboards ask Prometheus."""
    for uid, dashboard in dashboards(rendered).items():
        for panel in dashboard["panels"]:
            for number, target in enumerate(panel.get("targets", ())):
                yield f"{uid}:{panel['id']}:{number}", target["expr"]


def panel(rendered: Rendered, uid: str, title: str) -> Mapping[str, Any]:
    """One panel by its title."""
    found = [one for one in dashboards(rendered)[uid]["panels"] if one["title"] == title]
    assert len(found) == 1, title
    first: Mapping[str, Any] = found[0]
    return first
