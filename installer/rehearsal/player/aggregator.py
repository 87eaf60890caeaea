"""The aggregator's part: says of an APIService whether what serves it is there.

Reasons and words are those of kube-aggregator's availability controller. Requests for a group are
passed on to nobody, since nothing runs in a rehearsal's pods; the server answers those for
metrics.k8s.io itself, by what is said here.
"""

from __future__ import annotations

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.player.cluster import (
    API_SERVICES,
    ENDPOINTS,
    SERVICES,
    Cluster,
    Key,
    key_of,
)
from installer.rehearsal.player.desk import Desk


class Aggregator:
    """Keeps the condition Available of every APIService."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.desk = Desk("apiservices", self._work, cluster.clock)
        cluster.tell((API_SERVICES,), lambda obj, _: self.desk.add(key_of(obj)))
        cluster.tell((SERVICES, ENDPOINTS), self._look_at)

    def _look_at(self, obj: Object, _gone: bool) -> None:
        for each in self._cluster.all(API_SERVICES):
            service = each["spec"].get("service") or {}
            if (service.get("namespace"), service.get("name")) == key_of(obj):
                self.desk.add(key_of(each))

    async def _work(self, key: Key) -> None:
        found = self._cluster.get(API_SERVICES, *key)
        if found is None:
            return
        reason, message = self._judged(found["spec"].get("service"))
        status = "True" if reason in ("Passed", "Local") else "False"
        condition = {"type": "Available", "status": status, "reason": reason, "message": message}
        before: Object = next(iter((found.get("status") or {}).get("conditions") or []), {})
        if all(before.get(name) == value for name, value in condition.items()):
            return
        condition["lastTransitionTime"] = self._cluster.stamp()
        await self._cluster.status(API_SERVICES, found, {"conditions": [condition]})

    def _judged(self, service: Object | None) -> tuple[str, str]:
        if service is None:
            return "Local", "Local APIServices are always available"
        key = (service["namespace"], service["name"])
        where = f'service/{key[1]} in "{key[0]}"'
        if self._cluster.get(SERVICES, *key) is None:
            return "ServiceNotFound", f"{where} is not present"
        endpoints = self._cluster.get(ENDPOINTS, *key)
        if endpoints is None:
            return "EndpointsNotFound", f"cannot find endpoints for {where}"
        if not any(subset.get("addresses") for subset in endpoints.get("subsets") or []):
            return "MissingEndpoints", f"endpoints for {where} have no addresses"
        return "Passed", "all checks passed"
