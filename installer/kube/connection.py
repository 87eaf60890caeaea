"""How to reach a cluster, and what to show at its door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """A client certificate and its key, both as PEM."""

    certificate_pem: bytes
    key_pem: bytes = field(repr=False)


@dataclass(frozen=True)
class Connection:
    """The address of an API server and how to prove who we are.

    `token` is called for every request and may take its time; it keeps its own cache. `ca_pem` of
    None trusts what the system trusts. `authorization` is a ready header for the rare basic login.
    """

    server: str
    ca_pem: bytes | None = None
    token: Callable[[], str] | None = field(default=None, repr=False)
    certificate: Certificate | None = None
    verify: bool = True
    tls_server_name: str = ""
    proxy: str = ""
    authorization: str = field(default="", repr=False)

    @staticmethod
    def from_kubeconfig(path: str | Path = "", context: str = "") -> Connection:
        """Read a kubeconfig file; without a path $KUBECONFIG or ~/.kube/config, as kubectl does.

        Supports client certificates, tokens, token files, basic login and exec plug-ins. Raises
        ClusterError in our words: no such file, not readable, no such context (lists them).
        """
        # Imported late: reading a kubeconfig loads the Kubernetes package.
        from installer.kube.kubeconfig import read_connection

        return read_connection(path, context)
