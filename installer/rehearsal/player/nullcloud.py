"""A cloud that gives whatever is asked for: for clusters without an Oracle below them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from installer.rehearsal.clock import Clock
from installer.rehearsal.cloud import BalancerKind, WantedNode
from installer.rehearsal.shelf import Shelf

_KIND = "nullcloud"
_VOLUME_SECONDS = 20.0
_BALANCER_SECONDS = 120.0


class NullCloud:
    """Nodes of the free shape (2 OCPU, 12 GB), volumes and balancers without limits."""

    def __init__(
        self, clock: Clock, shelf: Shelf | None = None, nodes: int = 1, version: str = "v1.36.4"
    ) -> None:
        """With a `shelf`, what was made is still known after a restart."""
        self._clock, self._shelf = clock, shelf
        self._made: dict[str, dict[str, str]] = dict(shelf.all(_KIND)) if shelf else {}
        self._nodes = tuple(_node(number, version) for number in range(nodes))

    async def create_volume(
        self,
        name: str,
        size_gib: int,  # noqa: ARG002 - no limits here
        tags: Mapping[str, str],  # noqa: ARG002
        zone: str = "",  # noqa: ARG002 - there is only one
    ) -> str:
        """A volume's OCID after a while."""
        return (await self._make("volume", name, _VOLUME_SECONDS))["ocid"]

    async def delete_volume(self, ocid: str) -> None:
        """Forgets the volume."""
        await self._forget(ocid)

    async def create_balancer(
        self,
        name: str,
        kind: BalancerKind,  # noqa: ARG002 - all alike here
        shape: Mapping[str, str],  # noqa: ARG002
        tags: Mapping[str, str],  # noqa: ARG002
        reserved: str = "",
        groups: tuple[str, ...] = (),  # noqa: ARG002
    ) -> tuple[str, str]:
        """A balancer's OCID and its address, from the block kept for documentation."""
        made = await self._make("loadbalancer", name, _BALANCER_SECONDS)
        return made["ocid"], reserved or made["ip"]

    async def delete_balancer(self, ocid: str) -> None:
        """Forgets the balancer."""
        await self._forget(ocid)

    def nodes_wanted(self) -> tuple[WantedNode, ...]:
        """The nodes asked for at the start."""
        return self._nodes

    async def _make(self, what: str, name: str, seconds: float) -> dict[str, str]:
        number = zlib.crc32(f"{what}/{name}".encode())
        ocid = f"ocid1.{what}.oc1..rehearsal{number:08x}"
        if ocid not in self._made:
            await self._clock.sleep(seconds)
            made = {"ocid": ocid, "name": name, "ip": f"203.0.113.{number % 253 + 1}"}
            self._made[ocid] = made
            if self._shelf is not None:
                self._shelf.put(_KIND, ocid, made)
        return self._made[ocid]

    async def _forget(self, ocid: str) -> None:
        await self._clock.sleep(_VOLUME_SECONDS)
        self._made.pop(ocid, None)
        if self._shelf is not None:
            self._shelf.delete(_KIND, ocid)


def _node(number: int, version: str) -> WantedNode:
    address = f"10.20.10.{number + 10}"
    return WantedNode(
        name=address,
        ocid=f"ocid1.instance.oc1..rehearsal{number:08x}",
        pool="pool1",
        ocpus=2.0,
        memory_gb=12.0,
        version=version,
        image="Oracle-Linux-8.10-aarch64-OKE",
        private_ip=address,
        availability_domain="AD-1",
        fault_domain=f"FAULT-DOMAIN-{number % 3 + 1}",
        region="rehearsal-1",
    )
