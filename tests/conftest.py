"""Keeps the developer's machine out of every test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A loaded machine is slow and not wrong; time is measured in tests/benchmarks, as ratios.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")

UNWANTED = ("NO_COLOR", "TEXTUAL_THEME", "KUBECONFIG", "COLORTERM", "FORCE_COLOR")
UNWANTED_PREFIXES = ("OCI_", "HEALTH_INSTALL", "XDG_")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, no settings of the machine, and no proxy that could be asked."""
    home = tmp_path_factory.mktemp("home")
    kept = {"HEALTH_INSTALL_OCI_CLI", "HEALTH_INSTALL_KUBECTL", "HEALTH_INSTALL_UPDATE_GOLDEN"}
    for name in list(os.environ):
        lowered = name.lower()
        unwanted = name in UNWANTED or name.startswith(UNWANTED_PREFIXES)
        if (unwanted or lowered.endswith("_proxy")) and name not in kept:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("HEALTH_INSTALL_HOME", str(home / "state"))
    monkeypatch.setenv("TZ", "UTC")
    return home
