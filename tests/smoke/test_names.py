"""Every Secret and Service the smoke test asks for is one the modules make."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from installer.answers.model import answers_model
from installer.modules import catalogue
from installer.modules.rendering import Rendered
from installer.plan import make_plan

ROOM = Path(__file__).parents[2] / "installer" / "smoke"


def everything() -> Rendered:
    model = answers_model([module.questions for module in catalogue()])
    answers = model.model_validate({"version": 1, "modules": {"edge": {"tls": "own"}}})
    return make_plan(answers).rendered


def trees() -> Iterator[ast.Module]:
    for path in sorted(ROOM.glob("*.py")):
        yield ast.parse(path.read_text(encoding="utf-8"))


def texts(nodes: list[ast.expr]) -> tuple[str, ...] | None:
    values = [node.value if isinstance(node, ast.Constant) else None for node in nodes]
    return tuple(str(value) for value in values) if None not in values else None


def asked_secrets() -> set[tuple[str, ...]]:
    found = set()
    for tree in trees():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "secret"
            ):
                named = texts(node.args)
                assert named is not None, f"line {node.lineno} names no Secret in full"
                found.add(named)
    return found


def asked_services() -> set[tuple[str, ...]]:
    """Constants of namespace, Service and port."""
    found = set()
    for tree in trees():
        for node in tree.body:
            value = getattr(node, "value", None)
            if isinstance(value, ast.Tuple) and len(value.elts) == 3:
                named = texts(value.elts)
                if named and named[0].startswith("health-"):
                    found.add(named)
    return found


def test_every_secret_is_described() -> None:
    described = {
        (spec.namespace, spec.name, value.key)
        for spec in everything().secrets
        for value in spec.values
    }
    asked = asked_secrets()
    assert len(asked) >= 5
    assert asked <= described, asked - described


def test_every_service_has_the_port() -> None:
    rendered = {
        (entry.body["metadata"]["namespace"], entry.body["metadata"]["name"], str(port["port"]))
        for entry in everything().objects
        if entry.body["kind"] == "Service"
        for port in entry.body["spec"]["ports"]
    }
    asked = asked_services()
    assert len(asked) >= 5
    assert asked <= rendered, asked - rendered
    for name, number in (
        ("prometheus", "9090"),
        ("grafana", "3000"),
        ("loki", "3100"),
        ("jaeger", "16686"),
    ):
        assert ("health-observability", name, number) in rendered
