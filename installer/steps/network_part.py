"""What the steps of the virtual network have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeVar

from installer.engine.errors import AnswersError
from installer.engine.step import Condition, Context, Seen
from installer.oracle.network import Networks
from installer.oracle.network_parts import Parts
from installer.oracle.resource import Life, Resource
from installer.steps.oracle_resource import COMPARTMENT, OracleResource

N = TypeVar("N", bound=Resource)
VCN = "vcn"
# The network's fact, where it was given: OCID of the compartment it lies in.
VCN_COMPARTMENT = "compartment"
# The fact of a network or a subnet that was given.
GIVEN_FACT = "given"


def block_fact(role: str) -> str:
    """The network's fact, where subnets were given: the address block of one of them."""
    return f"block-{role}"


class NetworkPart(OracleResource[N]):
    """Something inside the virtual network."""

    needs: tuple[str, ...] = (VCN,)
    usually = 2.0

    def places(self) -> tuple[str, ...]:
        """It is only found inside the network."""
        return (COMPARTMENT, VCN)

    @abstractmethod
    def parts(self) -> Parts[N]:
        """All of its kind."""

    def get(self, ctx: Context, resource_id: str) -> N | None:  # noqa: ARG002
        """By id."""
        return self.parts().get(resource_id)

    def named(self, ctx: Context, name: str) -> Sequence[N]:
        """In the network."""
        return self.parts().all(self.compartment(ctx), self.vcn(ctx), name)

    def delete(self, ctx: Context, found: N) -> str:  # noqa: ARG002
        """Possible once nothing of the network uses it."""
        self.parts().delete(found.id)
        return ""

    def look(self, ctx: Context) -> Seen:
        """As usual; but a network that was given may lend us what it has already."""
        seen = super().look(ctx)
        where = ctx.recall(VCN_COMPARTMENT, VCN)
        if seen.condition is not Condition.ABSENT or not where or ctx.removing:
            return seen
        lent = next((each for each in self.lent(ctx, where) if each.life is Life.THERE), None)
        if lent is None:
            return seen
        trouble = self.differences(ctx, lent)
        if trouble:
            raise AnswersError(
                f"The {self.noun} {lent.name} of the network in place.vcn cannot be used.",
                f"It is not ours to change, and this would have to be done: {'; '.join(trouble)}.",
                "Do that in Oracle's console, or remove it there if nobody needs it, and run the "
                "same command again.",
            )
        ctx.remember("id", lent.id)
        return Seen(Condition.AS_WANTED, f"{lent.name}, given with the network and left as it is")

    def lent(self, ctx: Context, compartment: str) -> Sequence[N]:  # noqa: ARG002
        """Things of this kind that a given network may have only one of; none unless said."""
        return ()

    def networks(self) -> Networks:
        """The adapter."""
        return Networks(self.account())

    def vcn(self, ctx: Context) -> str:
        """OCID of the network."""
        return ctx.recall("id", VCN) or ""


def stay_in_place(ctx: Context, given: str) -> None:
    """Raises AnswersError when the installation stands in another network than the answers name.

    `given` is the OCID in the answers, empty for a network of our own. To be asked by the step of
    the network.
    """
    before = ctx.recall(GIVEN_FACT) or ""
    now = ctx.recall("id") or ""
    if not now or before == given:
        return
    back = f"Set place.vcn back to {before}" if before else "Leave place.vcn empty again"
    raise AnswersError(
        "The answers name another network than the one this installation stands in.",
        f"It stands in {now}, and nothing moves from one network to another.",
        f"{back}, or destroy the installation with the answers it was made with first.",
    )
