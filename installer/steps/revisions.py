"""Lets pods begin anew when a Secret they read has changed: a note of its version on each of them.

The note is made of the uid and the resourceVersion that the API server gave the Secret, so that it
says nothing about what is inside. Both stay as they are for as long as nobody writes the Secret:
https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from installer.kube.cluster import Cluster
from installer.kube.objects import Ref, ref_of
from installer.kube.secret_objects import secret_ref
from installer.kube.stamp import Stamp
from installer.modules.stamping import PREFIX, annotate, content_hash, pod_template, with_own_pods

Body = Mapping[str, Any]

REVISIONS = f"{PREFIX}secrets"
"""The annotation of pods that holds the note."""


def secrets_read_by(body: Body) -> frozenset[Ref]:
    """The Secrets that the pods of an object read, by variable or by file.

    Logins for registries are not among them: a running pod has its image already.
    """
    template = pod_template(body)
    if template is None:
        return frozenset()
    namespace = body["metadata"].get("namespace", "")
    return frozenset(secret_ref(namespace, name) for name in _names(template["spec"]))


def readers_of(bodies: Sequence[Body]) -> dict[Ref, tuple[Ref, ...]]:
    """By Secret: the objects whose pods read it."""
    found: dict[Ref, list[Ref]] = {}
    for body in bodies:
        for secret in sorted(secrets_read_by(body)):
            found.setdefault(secret, []).append(ref_of(body))
    return {secret: tuple(readers) for secret, readers in found.items()}


class Revisions:
    """Puts the note on objects whose pods read Secrets of this installation."""

    def __init__(self, secrets: Collection[Ref]) -> None:
        self._secrets = frozenset(secrets)

    def noted(self, bodies: Sequence[Body], cluster: Cluster, stamp: Stamp) -> tuple[Body, ...]:
        """The objects with the versions the Secrets have now; asks only where one is read."""
        read = [secrets_read_by(body) & self._secrets for body in bodies]
        spaces = {ref.namespace for refs in read for ref in refs}
        versions = {
            ref: version
            for space in sorted(spaces)
            for ref, version in cluster.secret_versions(space, stamp).items()
        }
        return tuple(
            _with_note(body, {ref.name: versions.get(ref, "") for ref in refs}) if refs else body
            for body, refs in zip(bodies, read, strict=True)
        )


def _with_note(body: Body, versions: Mapping[str, str]) -> Body:
    made, template = with_own_pods(body)
    annotate(template, REVISIONS, content_hash(dict(versions)))
    return made


def _names(spec: Mapping[str, Any]) -> Iterator[str]:
    for volume in spec.get("volumes") or ():
        yield from _of_volume(volume)
    for kind in ("initContainers", "containers"):
        for container in spec.get(kind) or ():
            yield from _of_container(container)


def _of_volume(volume: Mapping[str, Any]) -> Iterator[str]:
    if "secret" in volume:
        yield volume["secret"]["secretName"]
    for source in (volume.get("projected") or {}).get("sources") or ():
        if "secret" in source:
            yield source["secret"]["name"]


def _of_container(container: Mapping[str, Any]) -> Iterator[str]:
    for variable in container.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("secretKeyRef")
        if reference:
            yield reference["name"]
    for source in container.get("envFrom") or ():
        if "secretRef" in source:
            yield source["secretRef"]["name"]
