"""What every namespace gets: a default ServiceAccount and the cluster's certificate."""

from __future__ import annotations

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.player.cluster import (
    ACCOUNTS,
    CONFIG_MAPS,
    NAMESPACES,
    Cluster,
    Key,
    is_leaving,
    key_of,
)
from installer.rehearsal.player.desk import Desk

_CERTIFICATE = "kube-root-ca.crt"


class Accounts:
    """The service account and root certificate controllers."""

    def __init__(self, cluster: Cluster, ca_pem: bytes) -> None:
        self._cluster, self._ca = cluster, ca_pem.decode()
        self.desk = Desk("accounts", self._work, cluster.clock)
        cluster.tell((NAMESPACES,), lambda obj, _: self.desk.add(("", key_of(obj)[1])))
        cluster.tell((ACCOUNTS, CONFIG_MAPS), self._look)

    def _look(self, obj: Object, gone: bool) -> None:
        if gone:
            self.desk.add(("", key_of(obj)[0]))

    async def _work(self, key: Key) -> None:
        namespace = self._cluster.get(NAMESPACES, *key)
        if namespace is None or is_leaving(namespace):
            return
        account: Object = {"metadata": {"name": "default", "namespace": key[1]}}
        await self._cluster.ensure(ACCOUNTS, account)
        certificate: Object = {
            "metadata": {"name": _CERTIFICATE, "namespace": key[1]},
            "data": {"ca.crt": self._ca},
        }
        await self._cluster.ensure(CONFIG_MAPS, certificate)
