"""How references to images are read."""

from __future__ import annotations

import pytest

from installer.registry.reference import Reference, normal_host
from installer.registry.troubles import Kind, RegistryTrouble

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("postgres", "docker.io/library/postgres:latest"),
        ("postgres:18", "docker.io/library/postgres:18"),
        ("grafana/loki:3", "docker.io/grafana/loki:3"),
        ("index.docker.io/postgres", "docker.io/library/postgres:latest"),
        ("localhost/x", "localhost/x:latest"),
        ("localhost:5000/a/b:1", "localhost:5000/a/b:1"),
        ("127.0.0.1:5000/a", "127.0.0.1:5000/a:latest"),
        ("[::1]:5000/a:1", "[::1]:5000/a:1"),
        ("ghcr.io/me/health-api:1.0", "ghcr.io/me/health-api:1.0"),
        (f"quay.io/a/b:1@{DIGEST}", f"quay.io/a/b:1@{DIGEST}"),
        (f"quay.io/a/b@{DIGEST}", f"quay.io/a/b@{DIGEST}"),
        ("fra.ocir.io/tenancy/team/etl:2", "fra.ocir.io/tenancy/team/etl:2"),
    ],
)
def test_short_forms_mean_the_long_ones(text: str, whole: str) -> None:
    read = Reference.parse(text)
    assert str(read) == whole
    assert Reference.parse(str(read)) == read


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Postgres",
        "quay.io/a//b",
        "quay.io/a/b:",
        "quay.io/a/b:-x",
        "quay.io/a/b@sha256:abc",
        "https://quay.io/a/b",
        "quay.io/a b:1",
        "quay.io:port/a",
        "quay.io/" + "a" * 256,
    ],
)
def test_what_is_no_reference_is_told(text: str) -> None:
    with pytest.raises(RegistryTrouble) as told:
        Reference.parse(text)
    assert told.value.kind is Kind.NOT_A_REFERENCE


def test_docker_hub_is_asked_under_the_name_that_answers() -> None:
    assert Reference.parse("postgres").api_host == "registry-1.docker.io"
    assert Reference.parse("quay.io/a/b").api_host == "quay.io"
    assert normal_host("Registry-1.docker.io") == "docker.io"


def test_a_digest_counts_before_a_tag() -> None:
    assert Reference.parse(f"quay.io/a/b:1@{DIGEST}").version == DIGEST
    assert Reference.parse("quay.io/a/b:1").version == "1"
