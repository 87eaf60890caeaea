"""Pinning: the planned nodes written into the manifests, so that the scheduler does as promised.

A pin is a required node affinity on one label. Where several replicas share several nodes, a strict
topology spread over the same label has them shared evenly.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from installer.modules.rendering import Rendered
from installer.modules.stamping import (
    PREFIX,
    REQUIRED,
    Identity,
    RenderedObject,
    content_hash,
    pod_template,
)

PLACE_LABEL = f"{PREFIX}place"
"""The node label whose value is the name of a place in the plan, such as `node-1`."""

_HASH_LENGTH = 11  # a hyphen and ten hexadecimal digits


@dataclass(frozen=True)
class Pin:
    """Pods go only to nodes whose label `key` has one of `values`; `evenly` shares them out."""

    key: str
    values: tuple[str, ...]
    evenly: bool = False


def pinned(rendered: Rendered, pins: Mapping[Identity, Pin]) -> Rendered:
    """The same objects with these pins; what has none is passed on untouched."""
    return replace(
        rendered, objects=tuple(_pinned_object(entry, pins) for entry in rendered.objects)
    )


def _pinned_object(entry: RenderedObject, pins: Mapping[Identity, Pin]) -> RenderedObject:
    pin = pins.get(entry.identity)
    return entry if pin is None else replace(entry, body=pinned_body(entry.body, pin))


def pinned_body(body: Mapping[str, Any], pin: Pin) -> dict[str, Any]:
    """A copy of the object whose pods are pinned. A Job gets the name of its new content."""
    made: dict[str, Any] = copy.deepcopy(dict(body))
    template = pod_template(made)
    if template is None:
        return made
    _require(template["spec"], pin)
    if pin.evenly:
        _spread(template, made, pin)
    if made["kind"] == "Job":
        stem = made["metadata"]["name"][:-_HASH_LENGTH]
        made["metadata"]["name"] = f"{stem}-{content_hash(made)}"
    return made


def _require(spec: dict[str, Any], pin: Pin) -> None:
    """Terms of a node affinity are alternatives, so that each of them must name the places."""
    affinity = spec.setdefault("affinity", {}).setdefault("nodeAffinity", {})
    given = affinity.get(REQUIRED, {}).get("nodeSelectorTerms", [])
    # A term without any expression matches no node; with ours added it would.
    terms = [term for term in given if term] if given else [{}]
    here = {"key": pin.key, "operator": "In", "values": list(pin.values)}
    for term in terms:
        term["matchExpressions"] = [*term.get("matchExpressions", []), here]
    affinity[REQUIRED] = {"nodeSelectorTerms": terms}


def _spread(template: dict[str, Any], body: Mapping[str, Any], pin: Pin) -> None:
    labels = body.get("spec", {}).get("selector", {}).get("matchLabels")
    constraint: dict[str, Any] = {
        "maxSkew": 1,
        "topologyKey": pin.key,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": labels or template["metadata"]["labels"]},
    }
    if body["kind"] == "Deployment":
        # Old and new pods of a rollout are shared out apart from each other.
        constraint["matchLabelKeys"] = ["pod-template-hash"]
    template["spec"].setdefault("topologySpreadConstraints", []).append(constraint)
