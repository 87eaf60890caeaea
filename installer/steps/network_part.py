"""What the steps of the virtual network have in common."""

from __future__ import annotations

from typing import TypeVar

from installer.engine.step import Context
from installer.oracle.network import Networks
from installer.oracle.resource import Resource
from installer.steps.oracle_resource import COMPARTMENT, OracleResource

N = TypeVar("N", bound=Resource)
VCN = "vcn"


class NetworkPart(OracleResource[N]):
    """Something inside the virtual network."""

    needs: tuple[str, ...] = (VCN,)
    usually = 2.0

    def places(self) -> tuple[str, ...]:
        """It is only found inside the network."""
        return (COMPARTMENT, VCN)

    def networks(self) -> Networks:
        """The adapter."""
        return Networks(self.account())

    def vcn(self, ctx: Context) -> str:
        """OCID of the network."""
        return ctx.recall("id", VCN) or ""
