"""The room is light: whoever wants a question does not pay for a screen or an SDK."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CODE = """
import sys
from installer.answers import answers_model, example_text, json_schema, questions
questions(answers_model(()))
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def test_asking_loads_neither_screens_nor_sdks() -> None:
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, cwd=root
    )
    loaded = set(ended.stdout.split())
    assert "pydantic" in loaded
    assert not loaded & {"textual", "oci", "kubernetes", "questionary", "keyring", "jinja2"}
