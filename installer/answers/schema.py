"""The JSON Schema of an answers file, for editors and for checking without this program."""

from __future__ import annotations

import json
from typing import Any

from installer.answers.model import Answers

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(model: type[Answers]) -> dict[str, Any]:
    """The schema of a file with answers for this model (draft 2020-12)."""
    schema = model.model_json_schema(by_alias=True)
    schema.pop("title", None)
    # A file must say its version; every other answer has a default.
    return {
        "$schema": DIALECT,
        "title": "Answers for health-install",
        **schema,
        "required": ["version"],
    }


def schema_text(model: type[Answers]) -> str:
    """The schema as it is kept in assets/answers.schema.json."""
    return json.dumps(json_schema(model), indent=2, ensure_ascii=False) + "\n"
