"""Compiled templates on this machine's disk, so that only the first run of a version compiles.

Compiling all templates takes several times as long as filling them in. What is kept is Python code
made of our own templates and of nothing else: no answer and no secret is in it. A changed template
is compiled anew, since its text is compared; so is every template when jinja2, Python or the rules
in `templates.py` change. Without a folder of our own to write to nothing is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import stat
from pathlib import Path

import jinja2
import platformdirs
from jinja2.bccache import Bucket

_FOLDER = "templates"


class CompiledTemplates(jinja2.FileSystemBytecodeCache):
    """A cache that may be lost or damaged at any time: then templates are compiled again."""

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket, or leave it empty."""
        try:
            super().load_bytecode(bucket)
        except (OSError, EOFError, ValueError, TypeError, pickle.UnpicklingError):
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled; a full or read-only disk is no reason to stop."""
        with contextlib.suppress(OSError):
            super().dump_bytecode(bucket)


def compiled_templates(rules: Path) -> CompiledTemplates | None:
    """The cache for templates compiled by the rules in that file; None without a place for it."""
    try:
        made_by = hashlib.sha256(rules.read_bytes() + jinja2.__version__.encode()).hexdigest()[:12]
        folder = cache_folder() / _FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except (OSError, RuntimeError):
        return None
    # Code is run from here: nobody else may put any in.
    others_write = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if found.st_uid != os.getuid() or others_write:
        return None
    return CompiledTemplates(str(folder), f"{made_by}-%s.jinja")


def cache_folder() -> Path:
    """What this machine keeps to be quicker and may lose; `HEALTH_INSTALL_HOME` holds it if set."""
    home = os.environ.get("HEALTH_INSTALL_HOME")
    if home:
        return Path(home).expanduser() / "cache"
    return platformdirs.user_cache_path("health-install")
