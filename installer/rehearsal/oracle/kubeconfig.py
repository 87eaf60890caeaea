"""The kubeconfig that Oracle hands out: its user entry runs Oracle's command line for a token."""

from __future__ import annotations

import base64

import yaml

from installer.rehearsal.oracle.tenancy import ClusterAddress

_NOWHERE = ClusterAddress("https://127.0.0.1:6443", b"")


def kubeconfig(cluster: str, address: ClusterAddress | None, region: str) -> str:
    """The file's text."""
    address = address or _NOWHERE
    short = f"c{cluster[-10:]}"
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": f"cluster-{short}",
                    "cluster": {
                        "server": address.url,
                        "certificate-authority-data": base64.b64encode(address.ca_pem).decode(),
                    },
                }
            ],
            "users": [{"name": f"user-{short}", "user": {"exec": _exec(cluster, region)}}],
            "contexts": [
                {
                    "name": f"context-{short}",
                    "context": {"cluster": f"cluster-{short}", "user": f"user-{short}"},
                }
            ],
            "current-context": f"context-{short}",
        },
        sort_keys=False,
    )


def _exec(cluster: str, region: str) -> dict[str, object]:
    return {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "oci",
        "args": [
            *("ce", "cluster", "generate-token"),
            *("--cluster-id", cluster, "--region", region),
        ],
        "env": [],
        "interactiveMode": "IfAvailable",
    }
