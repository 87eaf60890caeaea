"""From answers, volumes and facts to the Kubernetes objects of all enabled modules."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from installer.answers.model import Answers
from installer.modules import choices
from installer.modules.catalogue import Module, catalogue
from installer.modules.choices import Setting
from installer.modules.claims import Claim, Volume, VolumePlan
from installer.modules.conditions import holds
from installer.modules.hosts import public_domain
from installer.modules.images import ImageChoice
from installer.modules.lasting import Lasting, lasting_of
from installer.modules.problems import Problem, refuse
from installer.modules.publishing import Published, published_by
from installer.modules.secret_values import SecretSpec, in_order_of_copies, registry_login
from installer.modules.stamping import (
    PREFIX,
    Identity,
    RenderedObject,
    checked,
    finished,
    stamped,
    stamped_all,
)
from installer.modules.templates import (
    ClusterFacts,
    Document,
    Filled,
    Others,
    Place,
    RenderInput,
    documents,
)
from installer.modules.traffic import Flow, traffic_of
from installer.modules.variables import check_variables

HOLDS = f"{PREFIX}holds"
"""The annotation of a volume that names the claims whose folders are on it."""


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
    return completed(
        render_objects(answers, volumes, facts, everything), answers, facts, everything
    )


def render_objects(
    answers: Answers, volumes: VolumePlan, facts: ClusterFacts, everything: tuple[Module, ...]
) -> tuple[RenderedObject, ...]:
    """The objects alone, which is all that a budget needs."""
    chosen = _rendering(answers, everything, facts)
    about = _About(answers, chosen, everything, volumes, facts)
    objects: list[RenderedObject] = []
    namespaces: set[Identity] = set()
    for module in chosen:
        made = _render_module(_input(about, module))
        # Several modules may live in one namespace; the first of them renders it.
        own = [entry for entry in made if entry.identity not in namespaces]
        beside = _volume_objects(module, volumes, facts)
        objects += sorted([*own, *beside], key=_turn) if beside else own
        namespaces.update(e.identity for e in own if e.body["kind"] == "Namespace")
    _refuse_doubles(objects)
    return tuple(objects)


def completed(
    objects: tuple[RenderedObject, ...],
    answers: Answers,
    facts: ClusterFacts,
    everything: tuple[Module, ...],
) -> Rendered:
    """The objects with the recipes of their Secrets and what must last of them."""
    chosen = _rendering(answers, everything, facts)
    return Rendered(objects, _secrets(answers, chosen), lasting_of(answers, chosen))


def _rendering(
    answers: Answers, everything: tuple[Module, ...], facts: ClusterFacts
) -> tuple[Module, ...]:
    """The modules that make objects in this cluster."""
    return tuple(
        module for module in choices.enabled(answers, everything) if not gives_way(module, facts)
    )


def gives_way(module: Module, facts: ClusterFacts) -> bool:
    """Whether somebody else does in this cluster what the module is for, so that it makes nothing.

    For everybody else it counts as being there.
    """
    return module.file.gives_way_to in facts.served_by_others


@dataclass(frozen=True)
class _About:
    """What the modules of one plan have in common."""

    answers: Answers
    chosen: Sequence[Module]
    everything: Sequence[Module]
    volumes: VolumePlan
    facts: ClusterFacts

    @cached_property
    def setting(self) -> Setting:
        return choices.setting(self.answers)

    @cached_property
    def images(self) -> ImageChoice:
        return choices.image_choice(self.answers, self.facts.images)

    @cached_property
    def traffic(self) -> tuple[Flow, ...]:
        return traffic_of(self.answers, self.chosen)

    @cached_property
    def published(self) -> tuple[Published, ...]:
        return published_by(self.answers, self.chosen)


def _input(about: _About, module: Module) -> RenderInput:
    answers, volumes = about.answers, about.volumes
    # Only a module that looks after all of them depends on all of them.
    guards = "platform" in module.file.borrows
    return RenderInput(
        module=module,
        options=choices.options(answers, module),
        setting=about.setting,
        images=about.images,
        places=tuple(_place(claim, volumes) for claim in choices.claims_of(answers, module)),
        facts=about.facts,
        others=tuple(
            (one.name, Others(choices.is_enabled(answers, one), choices.options(answers, one)))
            for one in about.everything
            if one.name in module.sees
        ),
        traffic=about.traffic if guards else (),
        platform=_namespaces(about.chosen) if guards else (),
        published=about.published if guards else (),
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
    found = tuple(Document(_namespace(entry.name, entry.pod_security)) for entry in entries)
    return Filled(f"{module.name}/module.yaml", 0, found)


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
        _volume_object(module, volume, facts.storage_class)
        for volume in volumes.volumes
        if volume.claims and volume.claims[0].module == module.name
    ]


@lru_cache(maxsize=1024)
def _volume_object(module: Module, volume: Volume, storage_class: str) -> RenderedObject:
    body = stamped(module, _volume(volume, storage_class))
    return RenderedObject(module.name, "the volume plan", 1, body)


def _volume(volume: Volume, storage_class: str) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": f"{volume.size_gib}Gi"}},
    }
    if storage_class:
        spec["storageClassName"] = storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": volume.name,
            "namespace": volume.namespace,
            "annotations": {HOLDS: ", ".join(claim.name for claim in volume.claims)},
        },
        "spec": spec,
    }


def _secrets(answers: Answers, chosen: Sequence[Module]) -> tuple[SecretSpec, ...]:
    labels = tuple(one.label for one in published_by(answers, chosen))
    specs: list[SecretSpec] = []
    for module in chosen:
        values = choices.chosen_values(answers, module)
        there = tuple(holds(entry.when, values) for entry in module.file.secrets)
        specs += _secrets_of(module, there, public_domain(answers), labels)
    return in_order_of_copies((*_logins(answers, chosen), *specs))


@lru_cache(maxsize=256)
def _secrets_of(
    module: Module, there: tuple[bool, ...], domain: str, labels: tuple[str, ...]
) -> tuple[SecretSpec, ...]:
    """Those of a module's recipes that are `there`, for these public names."""
    found = zip(module.secrets, there, strict=True)
    return tuple(spec.for_domain(domain, labels) for spec, is_there in found if is_there)


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
    if len({entry.identity for entry in objects}) == len(objects):
        return
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
