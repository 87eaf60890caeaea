"""Service limits: what an account of each kind may have, what it has, and the traps of the API.

Values and scopes as seen in live listings of a trial, a free-only and a pay-as-you-go tenancy.
Limits are not the free allowance: on trial and pay-as-you-go there is room that would be billed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from installer.rehearsal.oracle.calls import Answer, Body, Call, matching, page_of
from installer.rehearsal.oracle.records import Record
from installer.rehearsal.oracle.refusals import Refused, invalid, limit_exceeded, not_found
from installer.rehearsal.oracle.tenancy import Route, Tenancy

_PATH = "/20190729"
# Counts what there is in an availability domain, or in the region where that is "".
Used = Callable[[Tenancy, str], float]


@dataclass(frozen=True)
class Limit:
    """One limit: `trial`, `free` and `payg` are its values; `used` counts what there is."""

    service: str
    name: str
    scope: str
    trial: int
    free: int
    payg: int
    used: Used | None = None

    def value(self, tenancy: Tenancy, domain: str = "") -> int:
        """What this account may have; 0 in the weather that says so, of that domain or of all."""
        zeros = tenancy.weather.standing("limit_zero", subject=domain)
        if any(fault.limit == self.name for fault in zeros):
            return 0
        return {"trial": self.trial, "free": self.free, "payg": self.payg}[tenancy.account]


def _count(kind: str, field: str = "", value: str = "") -> Used:
    def count(tenancy: Tenancy, domain: str) -> float:
        return float(
            len(
                tenancy.registry.living(
                    kind,
                    lambda r: (not field or r.body.get(field) == value) and _is_in(r, domain),
                )
            )
        )

    return count


def _a1(field: str) -> Used:
    def total(tenancy: Tenancy, domain: str) -> float:
        instances = tenancy.registry.living(
            "instance",
            lambda r: str(r.body["shape"]).startswith("VM.Standard.A1") and _is_in(r, domain),
        )
        return sum(float(r.body["shapeConfig"][field]) for r in instances)

    return total


def _is_in(record: Record, domain: str) -> bool:
    return not domain or record.body.get("availabilityDomain") == domain


def _storage(tenancy: Tenancy, domain: str) -> float:
    return float(
        sum(
            int(record.body["sizeInGBs"])
            for kind in ("volume", "bootvolume")
            for record in tenancy.registry.living(kind)
            if _is_in(record, domain)
        )
    )


_TABLE: tuple[Limit, ...] = (
    Limit("compute", "standard-a1-core-count", "AD", 41, 2, 13888, _a1("ocpus")),
    Limit("compute", "standard-a1-memory-count", "AD", 246, 12, 83328, _a1("memoryInGBs")),
    Limit("compute", "standard-a1-core-regional-count", "REGION", 16, 2, 13888, _a1("ocpus")),
    Limit(
        "compute", "standard-a1-memory-regional-count", "REGION", 96, 12, 83328, _a1("memoryInGBs")
    ),
    Limit("compute", "standard-e2-micro-core-count", "AD", 2, 2, 2),
    Limit("compute", "vm-standard-e2-1-micro-count", "AD", 2, 2, 2),
    Limit("block-storage", "total-storage-gb", "AD", 30720, 200, 102400, _storage),
    Limit("block-storage", "volume-count", "AD", 150, 10, 5000, _count("volume")),
    Limit("block-storage", "total-free-storage-gb", "AD", 200, 200, 200, _storage),
    Limit("block-storage", "total-free-storage-gb-regional", "REGION", 200, 200, 200, _storage),
    Limit("block-storage", "backup-count", "REGION", 1000, 5, 1000, lambda _tenancy, _domain: 0.0),
    Limit("block-storage", "free-backup-count", "REGION", 5, 5, 5, lambda _tenancy, _domain: 0.0),
    Limit("load-balancer", "lb-flexible-count", "REGION", 36, 1, 50, _count("loadbalancer")),
    Limit("load-balancer", "lb-flexible-bandwidth-sum", "REGION", 8000, 10, 8000),
    Limit("load-balancer", "lb-10mbps-count", "REGION", 1, 1, 1),
    Limit("load-balancer", "lb-10mbps-micro-count", "REGION", 1, 1, 1),
    Limit(
        "network-load-balancer-api",
        "max-nlb-flexible-count",
        "REGION",
        1,
        1,
        1,
        _count("networkloadbalancer"),
    ),
    Limit("container-engine", "cluster-count", "REGION", 1, 0, 1, _count("cluster")),
    Limit(
        "container-engine",
        "enhanced-cluster-count",
        "REGION",
        1,
        0,
        1,
        _count("cluster", "type", "ENHANCED_CLUSTER"),
    ),
    Limit("container-engine", "node-count", "REGION", 1000, 0, 1000, _count("instance")),
    Limit("container-engine", "virtual-node-count", "REGION", 0, 0, 9),
    Limit("vcn", "vcn-count", "REGION", 10, 2, 50, _count("vcn")),
    Limit("vcn", "reserved-public-ip-count", "REGION", 50, 1, 50, _count("publicip")),
    Limit("vcn", "nat-gateway-count", "VCN", 1, 0, 3, _count("natgateway")),
    Limit("vcn", "internet-gateway-count", "VCN", 1, 1, 1, _count("internetgateway")),
    Limit("object-storage", "storage-bytes", "REGION", 21474836480, 21474836480, 1 << 50),
    Limit("object-storage", "bucket-count", "REGION", 10000, 10000, 10000, _count("bucket")),
    Limit("compartments", "compartment-count", "GLOBAL", 50, 5, 1000, _count("compartment")),
)
_SERVICES = {
    "block-storage": "Block Volume",
    "compartments": "Compartments",
    "compute": "Compute",
    "container-engine": "Container Engine",
    "load-balancer": "LbaaS",
    "network-load-balancer-api": "Network Load Balancer",
    "object-storage": "Object Storage",
    "vcn": "Virtual Cloud Network",
}


def limit_of(name: str) -> Limit:
    """The limit of that name; KeyError when there is none."""
    for limit in _TABLE:
        if limit.name == name:
            return limit
    raise KeyError(name)


def room_for(
    tenancy: Tenancy, name: str, amount: float = 1, vcn: str = "", domain: str = ""
) -> Refused | None:
    """The refusal when so many more would go over the limit, None when there is room.

    `vcn`: for limits that count per network, the network's OCID. `domain`: for limits that count
    per availability domain, its name.
    """
    limit = limit_of(name)
    domain = domain if limit.scope == "AD" else ""
    used = limit.used(tenancy, domain) if limit.used is not None else 0.0
    if vcn:
        kind = {"nat-gateway-count": "natgateway", "internet-gateway-count": "internetgateway"}
        used = float(len(tenancy.registry.living(kind[name], lambda r: r.body.get("vcnId") == vcn)))
    if used + amount > limit.value(tenancy, domain):
        return limit_exceeded(limit.name, limit.service)
    return None


def require_room(
    tenancy: Tenancy, name: str, amount: float = 1, vcn: str = "", domain: str = ""
) -> None:
    """Raises Refused 400 LimitExceeded when so many more would go over the limit."""
    refusal = room_for(tenancy, name, amount, vcn, domain)
    if refusal is not None:
        raise refusal


def _list_services(tenancy: Tenancy, call: Call) -> Answer:
    _require_root(tenancy, call)
    found: list[Body] = [{"name": name, "description": words} for name, words in _SERVICES.items()]
    return page_of(call, found)


def _list_definitions(tenancy: Tenancy, call: Call) -> Answer:
    _require_root(tenancy, call)
    found: list[Body] = [
        {
            "name": limit.name,
            "serviceName": limit.service,
            "description": limit.name.replace("-", " "),
            "scopeType": limit.scope,
            "areQuotasSupported": limit.service in ("compute", "block-storage"),
            "isResourceAvailabilitySupported": limit.used is not None and limit.scope != "VCN",
            "isDeprecated": False,
            "isEligibleForLimitIncrease": tenancy.account != "free",
            "isDynamic": False,
        }
        for limit in _TABLE
    ]
    return page_of(call, matching(call, found, "serviceName", "name"))


def _list_values(tenancy: Tenancy, call: Call) -> Answer:
    _require_root(tenancy, call)
    service = call.needed("serviceName")
    if service not in _SERVICES:
        raise not_found(service)
    found = [
        _value(tenancy, limit, domain)
        for limit in _TABLE
        if limit.service == service
        for domain in (tenancy.identity.domains if limit.scope == "AD" else ("",))
    ]
    return page_of(call, matching(call, found, "name", "scopeType", "availabilityDomain"))


def _value(tenancy: Tenancy, limit: Limit, domain: str) -> Body:
    body: Body = {
        "name": limit.name,
        "scopeType": limit.scope,
        "value": limit.value(tenancy, domain),
    }
    if domain:
        body["availabilityDomain"] = domain
    return body


def _get_availability(tenancy: Tenancy, call: Call) -> Answer:
    _require_root(tenancy, call)
    limit = _named(call.path["service"], call.path["limit"])
    domain = call.query.get("availabilityDomain")
    if limit.scope == "AD" and not domain:
        raise invalid(f"availabilityDomain is required: {limit.name} is limited per AD.")
    if limit.scope != "AD" and domain:
        raise invalid(f"availabilityDomain must be left out: {limit.name} is not limited per AD.")
    if domain:
        tenancy.require_domain(domain)
    if limit.used is None or limit.scope == "VCN":
        raise not_found(limit.name)
    used, most = limit.used(tenancy, domain or ""), limit.value(tenancy, domain or "")
    return Answer(
        body={
            "used": math.ceil(used),
            "available": math.floor(most - used),
            "fractionalUsage": used,
            "fractionalAvailability": most - used,
            "effectiveQuotaValue": None,
        }
    )


def _named(service: str, name: str) -> Limit:
    for limit in _TABLE:
        if limit.service == service and limit.name == name:
            return limit
    raise not_found(f"{service}/{name}")


def _require_root(tenancy: Tenancy, call: Call) -> None:
    """Limits are the tenancy's: any other compartment is refused."""
    if not tenancy.is_root(call.needed("compartmentId")):
        raise not_found(call.query["compartmentId"])


ROUTES: tuple[Route, ...] = (
    Route("GET", f"{_PATH}/services", "ListServices", _list_services),
    Route("GET", f"{_PATH}/limitDefinitions", "ListLimitDefinitions", _list_definitions),
    Route("GET", f"{_PATH}/limitValues", "ListLimitValues", _list_values),
    Route(
        "GET",
        f"{_PATH}/services/{{service}}/limits/{{limit}}/resourceAvailability",
        "GetResourceAvailability",
        _get_availability,
    ),
)
