"""The kubectl of this machine. The installer needs none; a person does who opens inner pages."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from installer.kube.release import Release, release_of
from installer.oracle.doctor import Diagnosis, Level, good

PROGRAM = "kubectl"
SKEW_POLICY = "https://kubernetes.io/releases/version-skew-policy/"
# How many minor releases kubectl may be away from the API server, in either direction.
SKEW = 1
_WORDS = ("version", "--client", "-o", "json")
_PATIENCE_SECONDS = 10.0
_USE = "The installer needs none; only kubectl port-forward, for pages inside the cluster, does"


@dataclass(frozen=True)
class Kubectl:
    """What was found: no `path` where there is none, `trouble` where it does not answer."""

    path: str = ""
    version: str = ""
    trouble: str = ""


def find_kubectl(patience: float = _PATIENCE_SECONDS) -> Kubectl:
    """The first kubectl on PATH; it talks to no cluster for its own version."""
    path = shutil.which(PROGRAM)
    return ask_kubectl(path, patience) if path else Kubectl()


def ask_kubectl(path: str, patience: float = _PATIENCE_SECONDS) -> Kubectl:
    """A kubectl's own version, or why it does not tell it within so many seconds."""
    try:
        code, said = _asked((path, *_WORDS), patience)
    except subprocess.TimeoutExpired:
        return Kubectl(path, trouble=f"no answer within {patience:g} seconds")
    except OSError as error:
        return Kubectl(path, trouble=error.strerror or type(error).__name__)
    version = _client_version(said)
    if version:
        return Kubectl(path, version)
    return Kubectl(
        path, trouble="no version in its answer" if code == 0 else f"it ends with {code}"
    )


def _asked(command: Sequence[str], patience: float) -> tuple[int, bytes]:
    """How a program ends and what it prints; what it started itself ends with it."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # A group of its own: a wrapper script may leave the program it wraps behind.
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=patience)
        except BaseException:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
        return process.returncode, said


def _client_version(said: bytes) -> str:
    """The version in kubectl's answer, where the answer has the form it should."""
    try:
        document = json.loads(said)
    except ValueError:
        return ""
    client = document.get("clientVersion") if isinstance(document, dict) else None
    version = client.get("gitVersion") if isinstance(client, dict) else None
    return version if isinstance(version, str) and release_of(version) else ""


def kubectl_told(found: Kubectl, cluster: Release | None) -> Iterator[Diagnosis]:
    """Whether kubectl is there and fits the cluster, where the cluster's release is known."""
    own = release_of(found.version)
    if not found.path:
        yield Diagnosis(Level.HINT, f"No kubectl on this machine. {_USE}.", _get(cluster))
    elif own is None:
        yield Diagnosis(
            Level.HINT,
            f"{found.path} does not tell its version: {found.trouble}. {_USE}.",
            f"Try it: {found.path} {' '.join(_WORDS)}\n{_get(cluster)}",
        )
    elif cluster is None:
        yield good(f"kubectl {found.version} is there.")
    elif own.reaches(cluster, SKEW):
        yield good(f"kubectl {found.version} fits the cluster's Kubernetes {cluster}.")
    else:
        yield Diagnosis(Level.HINT, _apart(found, own, cluster), _get(cluster))


def _apart(found: Kubectl, own: Release, cluster: Release) -> str:
    away = "older" if own < cluster else "newer"
    by = f"{abs(own.minor - cluster.minor)} minor versions " if own.major == cluster.major else ""
    return (
        f"kubectl {found.version} ({found.path}) is {by}{away} than the cluster's Kubernetes "
        f"{cluster}. It is made for servers at most one minor version away, so what it sends or "
        f"reads may be misunderstood. {_USE}."
    )


def _get(cluster: Release | None) -> str:
    if cluster is None:
        return "Where you want those pages: https://kubernetes.io/docs/tasks/tools/"
    first, last = cluster.beside(-SKEW), cluster.beside(SKEW)
    return f"Get one of {first} to {last}: https://kubernetes.io/docs/tasks/tools/ ({SKEW_POLICY})"
