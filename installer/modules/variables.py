"""The environment of containers, held against what their programs read.

A program ignores a variable it does not know without a word, so a misspelt one is found here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from installer.modules.catalogue import Module
from installer.modules.description import VariablesEntry
from installer.modules.images import ImageChoice
from installer.modules.problems import Problem, refuse
from installer.modules.stamping import pod_template
from installer.modules.templates import Filled

Body = Mapping[str, Any]
Keys = tuple[tuple[tuple[str, str], tuple[str, ...]], ...]
"""The keys of ConfigMaps and Secrets by kind and name."""
Tables = tuple[tuple[str, VariablesEntry], ...]
"""What the program of an image reads, by the image's reference."""
# Kubernetes replaces $(NAME) in values; $$(NAME) stays as text.
_REFERENCE = re.compile(r"(?<!\$)\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")


@dataclass(frozen=True)
class _Sources:
    """Where whole sets of variables may come from: names of keys by (kind, name)."""

    keys: Mapping[tuple[str, str], Collection[str]]

    def of(self, entry: Body) -> list[str]:
        """The variables one envFrom brings."""
        prefix = str(entry.get("prefix", ""))
        for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            if field in entry:
                found = self.keys.get((kind, entry[field]["name"]), ())
                return [f"{prefix}{key}" for key in found]
        return []


def check_variables(module: Module, found: Sequence[Filled], images: ImageChoice) -> None:
    """Raise ModulesInvalid for variables that a program does not read, lacks, or cannot resolve.

    Only images with a table under `variables` are held against one; that a $(NAME) stands after
    NAME is checked for all, since it stays literal text otherwise.
    """
    tables = tuple(
        (images.reference(module.images[entry.image]), entry) for entry in module.file.variables
    )
    keys = tuple(_keys(module, found).items())
    refuse([Problem(one.source, said) for one in found for said in _mistakes_of(one, tables, keys)])


@lru_cache(maxsize=4096)
def _mistakes_of(found: Filled, known: Tables, keys: Keys) -> tuple[str, ...]:
    """Asked of the same objects again and again, since most of a plan stays as it is."""
    tables, sources = dict(known), _Sources(dict(keys))
    said = []
    for body in found.bodies:
        template = pod_template(body) if "kind" in body else None
        for container in _containers(template):
            where = f"{body['kind']} {body['metadata']['name']}: container {container['name']}"
            table = tables.get(container.get("image", ""))
            said += [f"{where} {mistake}" for mistake in _mistakes(container, table, sources)]
    return tuple(said)


def _keys(module: Module, found: Sequence[Filled]) -> dict[tuple[str, str], tuple[str, ...]]:
    maps = {
        ("ConfigMap", body["metadata"]["name"]): tuple(body.get("data") or ())
        for one in found
        for body in one.bodies
        if body.get("kind") == "ConfigMap"
    }
    secrets = {
        ("Secret", spec.name): tuple(value.key for value in spec.values) for spec in module.secrets
    }
    return {**maps, **secrets}


def _containers(template: Body | None) -> Iterator[Body]:
    spec = (template or {}).get("spec") or {}
    for group in ("initContainers", "containers"):
        yield from spec.get(group) or ()


def _mistakes(container: Body, table: VariablesEntry | None, sources: _Sources) -> Iterator[str]:
    from_sets = [name for entry in container.get("envFrom") or () for name in sources.of(entry)]
    entries = container.get("env") or ()
    yield from _too_early(entries, from_sets)
    if table is None:
        return
    given = [*from_sets, *(entry["name"] for entry in entries)]
    known = (*table.required, *table.optional)
    for name in sorted(set(given) - set(known)):
        near = get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        yield f"has the variable {name}, which {table.image} does not read{hint}"
    for name in sorted(set(table.required) - set(given)):
        yield f"lacks the variable {name}, without which {table.image} does not start"


def _too_early(entries: Sequence[Body], before: Sequence[str]) -> Iterator[str]:
    known = set(before)
    for entry in entries:
        for name in _REFERENCE.findall(str(entry.get("value", ""))):
            if name not in known:
                yield f"uses $({name}) in {entry['name']} before {name} is defined"
        known.add(entry["name"])
