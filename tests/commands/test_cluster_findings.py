"""What doctor says of versions, storage classes, ingress classes and issuers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from installer.commands.cluster_findings import (
    entrance_told,
    issuer_told,
    storage_finding,
    storage_told,
    version_told,
)
from installer.kube.cluster import StorageClass
from installer.modules.releases import CHECKED_RELEASES
from installer.oracle.doctor import Diagnosis, Level

OWN = StorageClass("local-path", is_default=True, binds_late=True, keeps_volumes=False, grows=True)
OTHER = replace(OWN, name="fast", is_default=False)


def named(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, **more}


def default_class(name: str) -> dict[str, Any]:
    annotations = {"ingressclass.kubernetes.io/is-default-class": "true"}
    return {"metadata": {"name": name, "annotations": annotations}}


def issuer(name: str, ready: str, message: str = "") -> dict[str, Any]:
    condition = {"type": "Ready", "status": ready, "message": message}
    return named(name, status={"conditions": [condition]})


def storage(*classes: StorageClass, wanted: str = "", nodes: int | None = 1) -> list[Diagnosis]:
    return list(storage_told(classes, wanted, nodes=nodes))


@pytest.mark.parametrize("release", CHECKED_RELEASES)
def test_a_release_whose_schemas_were_checked_is_good(release: str) -> None:
    said = version_told(f"v{release}.3")
    assert said.level is Level.GOOD
    assert f"{CHECKED_RELEASES[0]} to {CHECKED_RELEASES[-1]}" in said.words


@pytest.mark.parametrize(
    ("version", "words", "remedy"),
    [
        ("v1.33.9", "a field it does not know", "Bring the cluster to 1.34 or later"),
        ("v1.38.0-rc.0", "Kubernetes 1.38 is newer than", "newer health-install"),
        ("v2.0.0", "Kubernetes 2.0 is newer than", "newer health-install"),
        ("strange", "calls its version strange", "kubectl version"),
        ("", "nothing at all", "kubectl version"),
    ],
)
def test_any_other_release_is_told_with_what_to_do(version: str, words: str, remedy: str) -> None:
    said = version_told(version)
    assert said.level is Level.HINT
    assert words in said.words
    assert remedy in said.remedy


def test_where_volumes_are_made_and_that_they_grow_is_told() -> None:
    found = storage(OTHER, OWN)
    assert [each.level for each in found] == [Level.GOOD] * 3
    words = [each.words for each in found]
    assert words[0] == "Volumes come from the default storage class local-path."
    assert "WaitForFirstConsumer" in words[1]
    assert "allowVolumeExpansion" in words[2]


def test_the_class_of_the_answers_is_looked_at_and_not_the_default() -> None:
    found = storage(OWN, replace(OTHER, grows=False), wanted="fast")
    assert found[0].words == "Storage class fast is there."
    assert found[2].level is Level.HINT
    assert "kubectl patch storageclass fast" in found[2].remedy


@pytest.mark.parametrize(("nodes", "level"), [(1, Level.GOOD), (2, Level.HINT), (None, Level.HINT)])
def test_volumes_made_at_once_matter_where_there_are_several_machines(
    nodes: int | None, level: Level
) -> None:
    said = storage(replace(OWN, binds_late=False), nodes=nodes)[1]
    assert said.level is level
    assert "Immediate" in said.words


@pytest.mark.parametrize(
    ("classes", "wanted", "words", "remedy"),
    [
        ((OTHER,), "", "No storage class is the default", "cluster.storage_class to: fast."),
        ((), "", "has no storage class", "Install a driver"),
        ((OTHER,), "slow", "the cluster has: fast", "Set cluster.storage_class"),
    ],
)
def test_no_class_to_take_is_in_the_way_and_told_before_a_plan_too(
    classes: tuple[StorageClass, ...], wanted: str, words: str, remedy: str
) -> None:
    (said,) = storage(*classes, wanted=wanted)
    assert said.level is Level.BAD
    assert words in said.words
    assert remedy in said.remedy
    before = storage_finding(classes, wanted)
    assert not before.good
    assert before.words == f"{said.words} {said.remedy}"


def test_of_several_defaults_each_is_named() -> None:
    (said,) = storage(OWN, replace(OTHER, is_default=True))
    assert said.level is Level.HINT
    assert "local-path, fast" in said.words


def test_an_ingress_class_that_is_named_has_to_be_there() -> None:
    classes = [named("traefik"), named("nginx")]
    assert entrance_told(classes, "nginx").level is Level.GOOD
    said = entrance_told(classes, "haproxy")
    assert said.level is Level.BAD
    assert "the cluster has: nginx, traefik" in said.words
    assert "modules.edge.ingress_class" in said.remedy


def test_without_a_name_the_default_ingress_class_is_taken() -> None:
    assert entrance_told([named("nginx"), default_class("traefik")], "").words == (
        "Public names go to the default ingress class traefik."
    )
    none = entrance_told([named("nginx")], "")
    assert (none.level, "None is the default" in none.words) == (Level.HINT, True)
    two = entrance_told([default_class("a"), default_class("b")], "")
    assert (two.level, "Several are the default: a, b" in two.words) == (Level.HINT, True)


def test_an_issuer_has_to_be_there_and_ready() -> None:
    issuers = [issuer("staging", "True"), issuer("own", "False", "no account yet")]
    assert issuer_told(issuers, "staging", served=True).level is Level.GOOD
    unready = issuer_told(issuers, "own", served=True)
    assert (unready.level, "no account yet" in unready.words) == (Level.HINT, True)
    silent = issuer_told([named("new")], "new", served=True)
    assert silent.level is Level.HINT
    missing = issuer_told(issuers, "production", served=True)
    assert (missing.level, "has: own, staging" in missing.words) == (Level.BAD, True)


def test_without_cert_manager_the_missing_kind_is_named() -> None:
    said = issuer_told([], "production", served=False)
    assert said.level is Level.BAD
    assert "ClusterIssuer (cert-manager.io/v1)" in said.words
    assert "https://cert-manager.io" in said.remedy
