"""Our mark on every object: who made it, and for which installation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from installer.kube.objects import Document, labels_of

FIELD_MANAGER = "health-install"
MANAGED_BY = "app.kubernetes.io/managed-by"
PART_OF = "app.kubernetes.io/part-of"
INSTALLATION = "health-install/installation"
NAME = "health-install/name"
APPLIED = "health-install/applied"
# Put on by whoever renders: the module that an object and its pods are of.
MODULE = "health-install/module"


@dataclass(frozen=True)
class Stamp:
    """The installation that objects belong to; `name` is for people, the id decides."""

    installation_id: str
    name: str

    @property
    def labels(self) -> dict[str, str]:
        """The labels every object of ours carries."""
        return {
            MANAGED_BY: FIELD_MANAGER,
            INSTALLATION: self.installation_id,
            PART_OF: "health-platform",
        }

    @property
    def selector(self) -> str:
        """Selects all objects of this installation and nothing else."""
        return f"{INSTALLATION}={self.installation_id}"

    def is_on(self, body: Mapping[str, Any]) -> bool:
        """Whether an object belongs to this installation."""
        return labels_of(body).get(INSTALLATION) == self.installation_id

    def put_on(self, body: Mapping[str, Any]) -> Document:
        """A copy that carries the stamp, also in what it is a template for.

        Pods, and claims made from a template, must be recognised as ours too.
        """
        # Plain JSON, so this copies it all, and several times as fast as deepcopy.
        stamped: Document = json.loads(json.dumps(body))
        for metadata in _metadata_of(stamped):
            metadata.setdefault("labels", {}).update(self.labels)
        annotations = stamped["metadata"].setdefault("annotations", {})
        annotations[NAME] = self.name
        return stamped


def put_applied(stamped: Document, body: Mapping[str, Any]) -> Document:
    """The stamped object with a note of what was wanted, by which a rerun recognises it.

    Not for Secrets: even a digest of a secret says something about it.
    """
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    stamped["metadata"]["annotations"][APPLIED] = digest
    return stamped


def _metadata_of(body: Document) -> Iterator[Document]:
    yield body["metadata"]
    spec = body.get("spec")
    if not isinstance(spec, dict):
        return
    for key in ("template", "jobTemplate"):
        inner = spec.get(key)
        # Templates without content (as in other kinds' specs) are not ours to fill.
        if isinstance(inner, dict) and "spec" in inner:
            inner.setdefault("metadata", {})
            yield from _metadata_of(inner)
    for claim in spec.get("volumeClaimTemplates") or []:
        yield claim["metadata"]
