"""Finds the programs of a real control plane, as controller-runtime's envtest lays them out.

`KUBEBUILDER_ASSETS` names the folder; otherwise the newest one of setup-envtest counts.
https://book.kubebuilder.io/reference/envtest
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

# Read once, before a test moves the home folder.
SETUP_ENVTEST = Path("~/.local/share/kubebuilder-envtest/k8s").expanduser()


@dataclass(frozen=True)
class Binaries:
    """Paths of the programs; the last two may be missing."""

    etcd: Path
    api_server: Path
    controller_manager: Path | None
    scheduler: Path | None


def find_binaries() -> Binaries | str:
    """The programs, or in words why they cannot be had."""
    folders = _folders()
    for folder in folders:
        api_server, etcd = folder / "kube-apiserver", _etcd(folder)
        if api_server.is_file() and etcd is not None:
            return Binaries(
                etcd,
                api_server,
                _if_there(folder / "kube-controller-manager"),
                _if_there(folder / "kube-scheduler"),
            )
    looked = ", ".join(str(folder) for folder in folders) or "no folder"
    return (
        f"no etcd and kube-apiserver found (looked in {looked}); name their folder in "
        "KUBEBUILDER_ASSETS, for instance what `setup-envtest use -p path` prints"
    )


def binaries_or_skip() -> Binaries:
    """The programs; skips with the reason where they cannot be had."""
    found = find_binaries()
    if isinstance(found, str):
        pytest.skip(found)
    return found


def _folders() -> list[Path]:
    named = os.environ.get("KUBEBUILDER_ASSETS")
    if named:
        return [Path(named)]
    return sorted(SETUP_ENVTEST.glob("*"), reverse=True) if SETUP_ENVTEST.is_dir() else []


def _etcd(folder: Path) -> Path | None:
    beside = _if_there(folder / "etcd")
    installed = shutil.which("etcd")
    return beside or (Path(installed) if installed else None)


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None
