"""A small program that stands in for kubectl."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest


def kubectl_says(version: str) -> str:
    """A script that answers as kubectl does when it is asked for its own version, and only then."""
    answer = json.dumps({"clientVersion": {"gitVersion": version}, "kustomizeVersion": "v5.7.1"})
    return f'[ "$*" = "version --client -o json" ] || exit 64\necho \'{answer}\''


def put_kubectl(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> Path:
    """The first kubectl on PATH is this script from now on."""
    program = folder / "kubectl"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return program


def no_kubectl(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """No program at all is on PATH from now on."""
    monkeypatch.setenv("PATH", str(folder))
