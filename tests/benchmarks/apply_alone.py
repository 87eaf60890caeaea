"""Applies a file of objects as the installer does, in a process of its own: `KUBECONFIG FILE`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from installer.kube.cluster import Cluster
from installer.kube.connection import Connection
from installer.kube.stamp import Stamp

if __name__ == "__main__":
    bodies = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    with Cluster(Connection.from_kubeconfig(sys.argv[1])) as cluster:
        report = cluster.apply(bodies, Stamp("benchmarks00", "health"))
    assert len(report.created) == len(bodies), report.words
