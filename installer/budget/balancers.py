"""Whether a Service asks Oracle for a balancer that is not free, told from the manifests alone.

The rule is stricter than the bill: what Oracle's controller fills in when an annotation is missing
(a fixed shape of 100 Mbps) and what it would refuse counts as a surprise too. Annotations after the
documentation of Oracle's cloud controller manager, `docs/load-balancer-annotations.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from installer.budget.envelope import FreeBalancers
from installer.modules.stamping import RenderedObject

TYPE = "oci.oraclecloud.com/load-balancer-type"
SHAPE = "service.beta.kubernetes.io/oci-load-balancer-shape"
_NETWORK, _FLEXIBLE = "nlb", "flexible"
_DEFAULT_SHAPE = "100Mbps"


def surprises(objects: Iterable[RenderedObject], free: FreeBalancers) -> tuple[str, ...]:
    """One sentence for each thing about balancers that could be billed or refused; empty when every
    Service stays inside what is free.
    """
    doors = [entry.body for entry in objects if _asks(entry.body)]
    found = [words for body in doors for words in _of_one(body, free)]
    if len(doors) > 1:
        names = ", ".join(_name(body) for body in doors)
        found.append(f"{len(doors)} Services ask for a balancer, where one is to do: {names}.")
    return tuple(found)


def _asks(body: Mapping[str, Any]) -> bool:
    return body["kind"] == "Service" and (body.get("spec") or {}).get("type") == "LoadBalancer"


def _of_one(body: Mapping[str, Any], free: FreeBalancers) -> Iterator[str]:
    notes = body["metadata"].get("annotations") or {}
    kind = str(notes.get(TYPE, "lb"))
    if kind == _NETWORK:
        return
    if kind != "lb":
        yield f"{_name(body)} asks for a balancer of the unknown type {kind}."
        return
    shape = str(notes.get(SHAPE, _DEFAULT_SHAPE))
    if shape != _FLEXIBLE:
        yield f"{_name(body)} asks for a balancer of the fixed shape {shape}, billed by the hour."
        return
    for end in ("min", "max"):
        given = str(notes.get(f"{SHAPE}-flex-{end}", ""))
        mbps = given.removesuffix("Mbps")
        if not mbps.isdigit():
            yield f"{_name(body)} does not say its flex-{end} bandwidth: {given or 'nothing'}."
        elif int(mbps) > free.flexible_mbps:
            yield (
                f"{_name(body)} asks for a flex-{end} bandwidth of {mbps} Mbps; "
                f"{free.flexible_mbps} are free."
            )


def _name(body: Mapping[str, Any]) -> str:
    metadata = body["metadata"]
    return f"Service {metadata.get('namespace', 'default')}/{metadata['name']}"
