"""What doctor says of a cluster somebody has: its version, its volumes, its entrance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from installer.answers.model import Answers
from installer.conversation import Finding
from installer.kube.cluster import StorageClass
from installer.kube.objects import at
from installer.kube.release import Release, release_of
from installer.modules.catalogue import Module
from installer.modules.choices import options
from installer.modules.releases import CHECKED_RELEASES
from installer.oracle.doctor import Diagnosis, Level, good

Body = Mapping[str, Any]
FRONT_DOOR = "edge"
INGRESS_CLASS = ("networking.k8s.io/v1", "IngressClass")
ISSUER = ("cert-manager.io/v1", "ClusterIssuer")
_DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
_CLASS, _ISSUER = f"modules.{FRONT_DOOR}.ingress_class", f"modules.{FRONT_DOOR}.cluster_issuer"
_OWN_ENTRANCE = f"modules.{FRONT_DOOR}.ingress=own"


# -- version ----------------------------------------------------------------------------------


def version_told(version: str) -> Diagnosis:
    """Whether our manifests were held against the schemas of the cluster's release."""
    release = release_of(version)
    known = [each for each in map(release_of, CHECKED_RELEASES) if each is not None]
    oldest, newest = known[0], known[-1]
    checked = f"the manifests are checked against ({oldest} to {newest})"
    if release is None:
        return Diagnosis(
            Level.HINT,
            f"The cluster calls its version {version or 'nothing at all'}, so whether it is one of "
            f"those {checked} is not known.",
            "Compare it yourself: kubectl version",
        )
    if release < oldest:
        return _older(release, checked, oldest)
    if release > newest:
        return _newer(release, checked)
    return good(f"Kubernetes {release} is one of those {checked}.")


def _older(release: Release, checked: str, oldest: Release) -> Diagnosis:
    return Diagnosis(
        Level.HINT,
        f"Kubernetes {release} is older than those {checked}: a kind it does not serve or a field "
        "it does not know stops the step that applies it, and its own corrections may have ended.",
        f"Bring the cluster to {oldest} or later, one minor version after the other. To try it as "
        "it is, look first: health-install plan --live",
    )


def _newer(release: Release, checked: str) -> Diagnosis:
    return Diagnosis(
        Level.HINT,
        f"Kubernetes {release} is newer than those {checked}. Stable kinds stay for long; one that "
        "it dropped would be refused.",
        "Look for a newer health-install, or try it: health-install plan --live",
    )


# -- volumes ----------------------------------------------------------------------------------


def storage_told(
    classes: Sequence[StorageClass], wanted: str, *, nodes: int | None = None
) -> Iterator[Diagnosis]:
    """Where volumes come from, where they are made, and whether they can grow.

    `nodes` is None where the number of machines is not known.
    """
    names = ", ".join(each.name for each in classes) or "none"
    default = [each for each in classes if each.is_default]
    chosen = next((each for each in classes if each.name == wanted), None)
    if wanted and chosen is None:
        yield _named_missing(wanted, names)
    elif chosen is not None:
        yield good(f"Storage class {wanted} is there.")
        yield from _properties(chosen, nodes)
    elif not default:
        yield _no_default(names)
    elif len(default) > 1:
        several = ", ".join(each.name for each in default)
        yield Diagnosis(
            Level.HINT,
            f"Several storage classes are the default: {several}. The cluster takes the one made "
            "last, which may change.",
            "Set cluster.storage_class to the one you mean.",
        )
    else:
        yield good(f"Volumes come from the default storage class {default[0].name}.")
        yield from _properties(default[0], nodes)


def storage_finding(classes: Sequence[StorageClass], wanted: str) -> Finding:
    """The same for a review before a plan: where volumes come from, in one line."""
    told = next(storage_told(classes, wanted))
    words = f"{told.words} {told.remedy}".strip()
    return Finding(told.level is Level.GOOD, words)


def _named_missing(wanted: str, names: str) -> Diagnosis:
    return Diagnosis(
        Level.BAD,
        f"Storage class {wanted} is not there; the cluster has: {names}.",
        "Set cluster.storage_class to one the cluster has, or leave it empty for its default.",
    )


def _no_default(names: str) -> Diagnosis:
    if names == "none":
        return Diagnosis(
            Level.BAD,
            "The cluster has no storage class, so no volume would ever be made.",
            "Install a driver that makes volumes, for example the one of your provider.",
        )
    return Diagnosis(
        Level.BAD,
        "No storage class is the default, and the answers name none: no volume would be made.",
        f"Set cluster.storage_class to: {names}.",
    )


def _properties(chosen: StorageClass, nodes: int | None) -> Iterator[Diagnosis]:
    if chosen.binds_late:
        yield good("Its volumes are made where their pod runs (WaitForFirstConsumer).")
    elif nodes == 1:
        yield good("Its volumes are made at once (Immediate), which one machine makes no worse.")
    else:
        yield Diagnosis(
            Level.HINT,
            "Its volumes are made at once (Immediate), before it is known where their pods have "
            "room; where volumes belong to one place, a pod may then fit nowhere.",
            "Take a class with volumeBindingMode WaitForFirstConsumer, where there is one: kubectl "
            "get storageclass",
        )
    if chosen.grows:
        yield good("Its volumes can grow (allowVolumeExpansion).")
    else:
        yield Diagnosis(
            Level.HINT,
            "Its volumes cannot grow (no allowVolumeExpansion): a larger size asked for later is "
            "refused.",
            "Choose sizes that last, or, where the maker of its volumes can do it, allow it: "
            f"kubectl patch storageclass {chosen.name} -p '{{\"allowVolumeExpansion\": true}}'",
        )


# -- the cluster's own entrance ---------------------------------------------------------------


def own_entrance(answers: Answers, modules: Sequence[Module]) -> tuple[str, str] | None:
    """Class and issuer as answered, where the entrance is the cluster's own; else None."""
    door = next((each for each in modules if each.name == FRONT_DOOR), None)
    chosen = dict(options(answers, door)) if door else {}
    if chosen.get("ingress") != "cluster":
        return None
    return str(chosen["ingress_class"]), str(chosen["cluster_issuer"])


def entrance_told(classes: Sequence[Body], wanted: str) -> Diagnosis:
    """Whether a controller of the cluster's would take our routes."""
    found = sorted(_name(each) for each in classes)
    names = ", ".join(found) or "none"
    default = sorted(_name(each) for each in classes if _is_default(each))
    if wanted:
        if wanted in found:
            return good(f"Ingress class {wanted} is there.")
        return Diagnosis(
            Level.BAD,
            f"Ingress class {wanted} is not there; the cluster has: {names}. No controller would "
            "take the public names.",
            f"Set {_CLASS} to one the cluster has, or bring an entrance along: {_OWN_ENTRANCE}",
        )
    if len(default) == 1:
        return good(f"Public names go to the default ingress class {default[0]}.")
    which = f"Several are the default: {', '.join(default)}." if default else "None is the default."
    return Diagnosis(
        Level.HINT,
        f"The answers name no ingress class, and the cluster has: {names}. {which} Whether a "
        "controller takes the public names is its own affair then.",
        f"Set {_CLASS} to one the cluster has, or bring an entrance along: {_OWN_ENTRANCE}",
    )


def issuer_told(issuers: Sequence[Body], wanted: str, *, served: bool) -> Diagnosis:
    """Whether cert-manager is there, and the issuer of its that the answers name."""
    if not served:
        return Diagnosis(
            Level.BAD,
            f"The answers name the issuer {wanted}, but the cluster does not know the kind "
            f"{ISSUER[1]} ({ISSUER[0]}): cert-manager is not there, or down. No certificates "
            "would be made.",
            "Install cert-manager (https://cert-manager.io/docs/installation/), or leave "
            f"{_ISSUER} empty for the controller's own certificate.",
        )
    issuer = next((each for each in issuers if _name(each) == wanted), None)
    if issuer is None:
        names = ", ".join(sorted(map(_name, issuers))) or "none"
        return Diagnosis(
            Level.BAD,
            f"Issuer {wanted} is not there; cert-manager has: {names}. No certificates would be "
            "made.",
            f"Set {_ISSUER} to one of these, or make it. What is of kind Issuer does not count.",
        )
    return _readiness(issuer, wanted)


def _readiness(issuer: Body, wanted: str) -> Diagnosis:
    conditions = at(issuer, "status", "conditions", default=[])
    ready: Body = next((each for each in conditions if each.get("type") == "Ready"), {})
    if ready.get("status") == "True":
        return good(f"Issuer {wanted} is there and ready.")
    why = ready.get("message") or "it says nothing of itself yet"
    return Diagnosis(
        Level.HINT,
        f"Issuer {wanted} is there and not ready: {why}",
        f"See more with: kubectl describe clusterissuer {wanted}",
    )


def _name(body: Body) -> str:
    return str(body["metadata"]["name"])


def _is_default(body: Body) -> bool:
    return bool(at(body, "metadata", "annotations", default={}).get(_DEFAULT_CLASS) == "true")
