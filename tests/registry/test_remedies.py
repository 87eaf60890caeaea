"""What people are told to do about images that cannot be had."""

from __future__ import annotations

import pytest

from installer.registry.reference import Reference
from installer.registry.remedies import remedies, remedy
from installer.registry.troubles import Kind, RegistryTrouble
from installer.registry.vanished import vanished, vanished_repositories


def trouble(kind: Kind, image: str = "quay.io/a/b:1", host: str = "quay.io") -> RegistryTrouble:
    return RegistryTrouble(kind, image, "for a reason", host=host)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("minio/minio:latest", "seaweedfs"),
        ("docker.io/minio/mc", "rclone"),
        ("bitnami/postgresql:15", "library/postgres"),
        ("bitnami/kubectl", "own makers"),
        ("bitnamilegacy/redis:7", "frozen"),
        ("grafana/promtail:3.0.0", "alloy"),
        ("jaegertracing/all-in-one:1.52", "jaegertracing/jaeger"),
        ("k8s.gcr.io/pause:3.1", "registry.k8s.io"),
    ],
)
def test_a_repository_that_is_gone_has_a_replacement(image: str, words: str) -> None:
    found = vanished(image)
    assert found is not None
    assert words in found.words()
    told = remedy(trouble(Kind.NO_REPOSITORY, image, "docker.io"))
    assert found.instead in told
    assert "images.overrides" in told


@pytest.mark.parametrize("image", ["postgres", "quay.io/minio/minio", "grafana/grafana", "No Name"])
def test_others_are_not_in_the_table(image: str) -> None:
    assert vanished(image) is None


def test_every_entry_says_why_and_whence_and_proposes_no_other_entry() -> None:
    for entry in vanished_repositories():
        assert entry.because.endswith(".")
        assert len(entry.source) > 10
        proposed = entry.instead.split(" ")[0]
        if "/" in proposed:
            Reference.parse(proposed)
            assert vanished(proposed) is None


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("fra.ocir.io", "auth token"),
        ("eu-frankfurt-1.ocir.io", "<namespace>/<user>"),
        ("ocir.eu-frankfurt-1.oci.oraclecloud.com", "<namespace>/<user>"),
        ("ghcr.io", "read:packages"),
        ("docker.io", "access token"),
    ],
)
def test_a_login_is_explained_for_the_registry_it_is_for(host: str, words: str) -> None:
    for kind in (Kind.NEEDS_LOGIN, Kind.LOGIN_REFUSED):
        told = remedy(trouble(kind, f"{host}/a/b:1", host))
        assert words in told
        assert "images.pull_user" in told
    assert words not in remedy(trouble(Kind.NEEDS_LOGIN))


def test_every_kind_of_trouble_has_a_remedy_and_the_same_one_is_told_once() -> None:
    for kind in Kind:
        assert len(remedy(trouble(kind))) > 20
    same = [trouble(Kind.NO_VERSION, f"quay.io/a/{name}:1") for name in "bc"]
    assert remedies(same) == (remedy(same[0]),)
    mixed = remedies([*same, trouble(Kind.RATE_LIMITED, "quay.io/a/d:1")])
    assert mixed[0].startswith("quay.io/a/b:1, quay.io/a/c:1: ")
    assert mixed[1].startswith("quay.io/a/d:1: Wait")
