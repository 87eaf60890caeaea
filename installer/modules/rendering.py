"""From answers, volumes and facts to the Kubernetes objects of all enabled modules."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from installer.answers.model import Answers
from installer.modules import choices
from installer.modules.catalogue import Module, catalogue
from installer.modules.claims import Claim, Volume, VolumePlan
from installer.modules.conditions import holds
from installer.modules.hosts import public_domain
from installer.modules.lasting import Lasting, lasting_of
from installer.modules.problems import Problem, refuse
from installer.modules.publishing import published_by
from installer.modules.secret_values import SecretSpec, in_order_of_copies, registry_login
from installer.modules.stamping import (
    Identity,
    RenderedObject,
    checked,
    finished,
    stamped,
    stamped_all,
)
from installer.modules.templates import (
    ClusterFacts,
    Filled,
    Others,
    Place,
    RenderInput,
    documents,
)
from installer.modules.traffic import traffic_of
from installer.modules.variables import check_variables


@dataclass(frozen=True)
class Rendered:
    """All objects in the order to apply, and the recipes of the Secrets they refer to.

    `lasting` are values in them that must not change once they are installed. The bodies are shared
    with a cache: read them, copy before changing.
    """

    objects: tuple[RenderedObject, ...]
    secrets: tuple[SecretSpec, ...]
    lasting: tuple[Lasting, ...] = ()

    def of_module(self, name: str) -> Rendered:
        """The part that belongs to one module."""
        return Rendered(
            tuple(entry for entry in self.objects if entry.module == name),
            tuple(spec for spec in self.secrets if spec.module == name),
        )


def claims(answers: Answers, modules: Sequence[Module] | None = None) -> tuple[Claim, ...]:
    """The claims of all enabled modules, with the sizes chosen."""
    chosen = choices.enabled(answers, catalogue() if modules is None else modules)
    return tuple(claim for module in chosen for claim in choices.claims_of(answers, module))


def render(
    answers: Answers,
    volumes: VolumePlan,
    facts: ClusterFacts,
    modules: Sequence[Module] | None = None,
) -> Rendered:
    """Every object of every enabled module: same input, same bytes, in the same order.

    `modules` is the catalogue to choose from, by default our own. Raises ModulesInvalid
    when a module needs one that is switched off, when the plan has no place for a claim, or when a
    template is wrong.
    """
    everything = catalogue() if modules is None else tuple(modules)
    chosen = [
        module for module in choices.enabled(answers, everything) if not gives_way(module, facts)
    ]
    objects: list[RenderedObject] = []
    namespaces: set[Identity] = set()
    for module in chosen:
        made = _render_module(_input(answers, module, chosen, everything, volumes, facts))
        # Several modules may live in one namespace; the first of them renders it.
        own = [entry for entry in made if entry.identity not in namespaces]
        own += _volume_objects(module, volumes, facts)
        objects += sorted(own, key=_turn)
        namespaces.update(e.identity for e in own if e.body["kind"] == "Namespace")
    _refuse_doubles(objects)
    return Rendered(tuple(objects), _secrets(answers, chosen), lasting_of(answers, chosen))


def gives_way(module: Module, facts: ClusterFacts) -> bool:
    """Whether somebody else does in this cluster what the module is for, so that it makes nothing.

    For everybody else it counts as being there.
    """
    return module.file.gives_way_to in facts.served_by_others


def _input(
    answers: Answers,
    module: Module,
    chosen: Sequence[Module],
    everything: Sequence[Module],
    volumes: VolumePlan,
    facts: ClusterFacts,
) -> RenderInput:
    # Only a module that looks after all of them depends on all of them.
    guards = "platform" in module.file.borrows
    return RenderInput(
        module=module,
        options=choices.options(answers, module),
        setting=choices.setting(answers),
        images=choices.image_choice(answers, facts.images),
        places=tuple(_place(claim, volumes) for claim in choices.claims_of(answers, module)),
        facts=facts,
        others=tuple(
            (one.name, Others(choices.is_enabled(answers, one), choices.options(answers, one)))
            for one in everything
            if one.name in module.sees
        ),
        traffic=traffic_of(answers, chosen) if guards else (),
        platform=_namespaces(chosen) if guards else (),
        published=published_by(answers, chosen) if guards else (),
    )


def _namespaces(chosen: Sequence[Module]) -> tuple[str, ...]:
    names = [entry.name for module in chosen for entry in module.file.namespaces]
    return tuple(dict.fromkeys(names))


def _place(claim: Claim, volumes: VolumePlan) -> Place:
    claim_name, sub_path = volumes.place(claim.namespace, claim.name)
    shared = volumes.volume_of(claim.namespace, claim.name).shared
    return Place(claim.name, claim_name, sub_path, claim.size_bytes, shared)


@lru_cache(maxsize=256)
def _render_module(given: RenderInput) -> tuple[RenderedObject, ...]:
    module = given.module
    found = [_namespaces_of(module), *documents(given)]
    checked(module, found, given.platform)
    check_variables(module, found, given.images)
    entries = [entry for each in found for entry in stamped_all(module, each)]
    made = finished(module.name, entries, given.places, pull_secret=given.setting.pull_secret)
    return tuple(sorted(made, key=_turn))


def _turn(entry: RenderedObject) -> tuple[int, Identity]:
    """Sorts the objects of one module."""
    return entry.wave, entry.identity


@lru_cache(maxsize=64)
def _namespaces_of(module: Module) -> Filled:
    entries = module.file.namespaces
    bodies = tuple(_namespace(entry.name, entry.pod_security) for entry in entries)
    return Filled(f"{module.name}/module.yaml", 0, bodies)


def _namespace(name: str, level: str) -> dict[str, Any]:
    modes = ("enforce", "audit", "warn")
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": {f"pod-security.kubernetes.io/{mode}": level for mode in modes},
        },
    }


def _volume_objects(
    module: Module, volumes: VolumePlan, facts: ClusterFacts
) -> list[RenderedObject]:
    """The volumes whose first claim is the module's; a volume is rendered once."""
    return [
        RenderedObject(module.name, "the volume plan", 1, stamped(module, _volume(volume, facts)))
        for volume in volumes.volumes
        if volume.claims and volume.claims[0].module == module.name
    ]


def _volume(volume: Volume, facts: ClusterFacts) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": f"{volume.size_gib}Gi"}},
    }
    if facts.storage_class:
        spec["storageClassName"] = facts.storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": volume.name,
            "namespace": volume.namespace,
            "annotations": {
                "health-install/holds": ", ".join(claim.name for claim in volume.claims)
            },
        },
        "spec": spec,
    }


def _secrets(answers: Answers, chosen: Sequence[Module]) -> tuple[SecretSpec, ...]:
    specs = []
    labels = tuple(one.label for one in published_by(answers, chosen))
    for module in chosen:
        values = choices.chosen_values(answers, module)
        for entry, spec in zip(module.file.secrets, module.secrets, strict=True):
            if holds(entry.when, values):
                specs.append(spec.for_domain(public_domain(answers), labels))
    return in_order_of_copies((*_logins(answers, chosen), *specs))


def _logins(answers: Answers, chosen: Sequence[Module]) -> tuple[SecretSpec, ...]:
    """One login a namespace, made with the first module that lives there."""
    user = answers.images.pull_user
    first: dict[str, str] = {}
    for module in chosen if user else ():
        for namespace in module.file.namespaces:
            first.setdefault(namespace.name, module.name)
    return tuple(
        registry_login(module, namespace, answers.images.login_host, user)
        for namespace, module in first.items()
    )


def _refuse_doubles(objects: Sequence[RenderedObject]) -> None:
    first: dict[Identity, str] = {}
    problems = []
    for entry in objects:
        if entry.identity in first:
            made_by = first[entry.identity]
            problems.append(
                Problem(entry.source, f"{' '.join(entry.identity)} is also made by {made_by}")
            )
        first.setdefault(entry.identity, entry.source)
    refuse(problems)


def mutable(entry: RenderedObject) -> dict[str, Any]:
    """A deep copy of the body, for callers that must change it."""
    return copy.deepcopy(entry.body)
