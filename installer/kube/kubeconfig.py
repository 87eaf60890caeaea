"""Reads kubeconfig files with the Kubernetes package's own parts, and complains in our words."""

from __future__ import annotations

import base64
import os
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from kubernetes.aio.config.config_exception import ConfigException
from kubernetes.aio.config.exec_provider import ExecProvider
from kubernetes.aio.config.kube_config import FileOrData, KubeConfigMerger

from installer.engine.errors import ClusterError
from installer.engine.masking import known_secrets
from installer.kube.connection import Certificate, Connection
from installer.kube.loop import run_alone

# The package gives no types for these; the seam is kept here.
_merge: Any = KubeConfigMerger
_file_or_data: Any = FileOrData
_plugin: Any = ExecProvider

# Plug-ins that name no end of validity are asked again after this many seconds.
_UNDATED_TOKEN_LASTS = 300.0
_FRESH_BEFORE_END = 60.0


def read_connection(path: str | Path, context: str) -> Connection:
    """The connection that a kubeconfig's context describes; see Connection.from_kubeconfig."""
    paths = str(path) or os.environ.get("KUBECONFIG") or "~/.kube/config"
    merged = _merged(paths)
    chosen = _chosen_context(merged, context, paths)
    try:
        return _connection(merged, chosen)
    except (ConfigException, OSError, ValueError, KeyError, TypeError) as error:
        raise ClusterError(
            f"The kubeconfig {paths} cannot be used with the context {chosen!r}.",
            known_secrets.mask(str(error)),
            "Check that kubectl works with this file and context, then run again.",
        ) from error


def contexts_in(path: str | Path = "") -> tuple[str, ...]:
    """The names of all contexts of a kubeconfig, for choosing one."""
    return _names(_merged(str(path) or os.environ.get("KUBECONFIG") or "~/.kube/config"))


def _merged(paths: str) -> Any:
    existing = [each for each in paths.split(os.pathsep) if Path(each).expanduser().is_file()]
    if not existing:
        raise ClusterError(
            f"There is no kubeconfig at {paths}.",
            "It tells the cluster's address and how to log in.",
            "Name the file in the answer cluster.kubeconfig or in $KUBECONFIG, or choose another "
            "target.",
        )
    try:
        return _merge(os.pathsep.join(existing)).config
    except (OSError, yaml.YAMLError, AttributeError, TypeError, KeyError) as error:
        reason = error.strerror if isinstance(error, OSError) else "It is not valid YAML of the "
        raise ClusterError(
            f"The kubeconfig {paths} cannot be read.",
            reason if isinstance(error, OSError) and reason else f"{reason}kind kubectl reads.",
            "Check the file with: kubectl config view",
        ) from error


def _names(merged: Any) -> tuple[str, ...]:
    found = merged.safe_get("contexts") or []
    return tuple(sorted(str(each.value["name"]) for each in found))


def _chosen_context(merged: Any, context: str, paths: str) -> str:
    names = _names(merged)
    listed = ", ".join(names) or "none"
    chosen = context or str(merged.safe_get("current-context") or "")
    if not chosen:
        raise ClusterError(
            f"The kubeconfig {paths} has no current context.",
            f"Its contexts are: {listed}.",
            "Name one of them in the answer cluster.context.",
        )
    if chosen not in names:
        raise ClusterError(
            f"The kubeconfig {paths} has no context {chosen!r}.",
            f"Its contexts are: {listed}.",
            "Name one of them in the answer cluster.context.",
        )
    return chosen


def _connection(merged: Any, context: str) -> Connection:
    entry = merged["contexts"].get_with_name(context)["context"]
    cluster = merged["clusters"].get_with_name(entry["cluster"])["cluster"]
    user_name = entry.safe_get("user")
    user = merged["users"].get_with_name(user_name)["user"] if user_name else None
    login = _Login(user) if user is not None else None
    ca = _bytes(cluster, "certificate-authority")
    return Connection(
        server=str(cluster["server"]).rstrip("/"),
        ca_pem=ca,
        token=login.token() if login else None,
        certificate=login.certificate() if login else None,
        verify=not cluster.safe_get("insecure-skip-tls-verify"),
        tls_server_name=str(cluster.safe_get("tls-server-name") or ""),
        proxy=str(cluster.safe_get("proxy-url") or ""),
        authorization=login.basic() if login else "",
    )


def _bytes(node: Any, key: str) -> bytes | None:
    folder = str(Path(str(node.path)).expanduser().absolute().parent)
    encoded: str | None = _file_or_data(node, key, file_base_path=folder).as_data()
    return base64.standard_b64decode(encoded) if encoded else None


class _Login:
    """The user entry of a kubeconfig, in kubectl's order: plug-in, token, basic, certificate."""

    def __init__(self, user: Any) -> None:
        self._user = user
        if "auth-provider" in user:
            provider = user["auth-provider"]
            raise ConfigException(
                f"The login uses the old auth-provider {provider.safe_get('name')!r}, which is "
                "not supported; use an exec plug-in or a token instead."
            )
        self._plugin = _Plugin(user["exec"]) if "exec" in user else None

    def token(self) -> Callable[[], str] | None:
        if self._plugin is not None:
            return None if self._plugin.certificate() else self._plugin.token
        if self._user.safe_get("tokenFile"):
            folder = Path(str(self._user.path)).expanduser().absolute().parent
            path = folder / str(self._user["tokenFile"])
            # Read each time: whoever writes the file renews it.
            return lambda: path.read_text(encoding="utf-8").strip()
        token = str(self._user.safe_get("token") or "")
        known_secrets.add(token)
        return (lambda: token) if token else None

    def certificate(self) -> Certificate | None:
        if self._plugin is not None:
            return self._plugin.certificate()
        certificate = _bytes(self._user, "client-certificate")
        key = _bytes(self._user, "client-key")
        return Certificate(certificate, key) if certificate and key else None

    def basic(self) -> str:
        name, password = self._user.safe_get("username"), self._user.safe_get("password")
        if not name or not password:
            return ""
        known_secrets.add(str(password))
        return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


class _Plugin:
    """An exec plug-in; runs it again when what it gave is about to end."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self._guard = threading.Lock()
        self._status: dict[str, Any] = {}
        self._ends = 0.0

    def token(self) -> str:
        return str(self._current().get("token", ""))

    def certificate(self) -> Certificate | None:
        status = self._current()
        certificate, key = status.get("clientCertificateData"), status.get("clientKeyData")
        if not certificate or not key:
            return None
        return Certificate(str(certificate).encode(), str(key).encode())

    def _current(self) -> dict[str, Any]:
        with self._guard:
            if not self._status or time.time() > self._ends - _FRESH_BEFORE_END:
                self._status = self._run()
                self._ends = _end_of(self._status)
            return self._status

    def _run(self) -> dict[str, Any]:
        command = str(self._config["command"])
        try:
            status: dict[str, Any] = run_alone(_plugin(self._config).run())
        except FileNotFoundError as error:
            raise ClusterError(
                f"The login program {command} of the kubeconfig is not installed.",
                "The cluster is entered with a token that this program makes.",
                f"Install {command}, check it with: kubectl get nodes, and run again.",
            ) from error
        except ConfigException as error:
            raise ClusterError(
                f"The login program {command} of the kubeconfig fails.",
                known_secrets.mask(str(error)),
                "Log in again with its own tool, check with: kubectl get nodes, and run again.",
            ) from error
        known_secrets.add(status.get("token"))
        return status


def _end_of(status: dict[str, Any]) -> float:
    stated = status.get("expirationTimestamp")
    if not stated:
        return time.time() + _UNDATED_TOKEN_LASTS + _FRESH_BEFORE_END
    return datetime.fromisoformat(str(stated)).timestamp()
