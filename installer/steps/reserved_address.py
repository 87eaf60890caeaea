"""Makes sure of an address that stays the same when the balancer is made anew."""

from __future__ import annotations

from collections.abc import Sequence

from installer.engine.errors import InstallError, NotOurs, Stopped, Temporary
from installer.engine.step import Condition, Context, Seen
from installer.oracle.public_addresses import PublicAddress, PublicAddresses
from installer.oracle.resource import Started
from installer.oracle.wanted import Reserve
from installer.steps.front_door import FRONT_DOOR
from installer.steps.oracle_resource import COMPARTMENT, OpenAccount, OracleResource

RESERVED_ADDRESS = "reserved-address"
_DIGITS = "address"
_REFUSED = "refused"


def front_address(ctx: Context) -> str:
    """The address reserved for the one Service of type LoadBalancer; empty when there is none."""
    return ctx.recall(_DIGITS, RESERVED_ADDRESS) or ""


class ReservedAddress(OracleResource[PublicAddress]):
    """A reserved public address in our compartment, for names that survive a rebuild."""

    id = RESERVED_ADDRESS
    title = "Reserved address"
    needs: tuple[str, ...] = (COMPARTMENT,)
    usually = 2.0
    noun = "reserved address"
    kind = "publicip"
    suffix = "address"

    def __init__(self, account: OpenAccount, reserve: Reserve) -> None:
        super().__init__(account)
        self._reserve = reserve

    def look(self, ctx: Context) -> Seen:
        """As usual; one that nobody asks for is left, and goes with the installation."""
        if self._reserve is Reserve.NO and not ctx.removing:
            return Seen(Condition.AS_WANTED, "not asked for")
        seen = super().look(ctx)
        if ctx.removing or self._reserve is Reserve.NO:
            return seen
        if seen.condition is Condition.NOT_OURS and (kept := self._kept(ctx)):
            words = f"{kept.digits} was kept by an earlier removal"
            return Seen(Condition.DIFFERENT, words, (f"take {kept.digits} back",))
        if seen.condition is Condition.ABSENT and self._reserve is Reserve.IF_POSSIBLE:
            return self._possible(ctx, seen)
        return seen

    def _possible(self, ctx: Context, seen: Seen) -> Seen:
        if ctx.recall(_REFUSED):
            return Seen(Condition.AS_WANTED, "this account may not have one")
        if ctx.recall(_DIGITS, FRONT_DOOR):
            # Oracle does not exchange the address of a balancer that is there.
            return Seen(Condition.AS_WANTED, "the balancer has an address already and keeps it")
        return seen

    def make(self, ctx: Context, seen: Seen) -> None:
        """As usual; what is only wished for may be refused."""
        kept = self._kept(ctx) if seen.condition is Condition.DIFFERENT else None
        if kept is not None:
            self._all().take_back(kept, self.tags(ctx))
        try:
            super().make(ctx, seen)
        except (Temporary, Stopped, NotOurs):
            raise
        except InstallError as error:
            if self._reserve is not Reserve.IF_POSSIBLE:
                raise
            ctx.remember(_REFUSED, "yes")
            ctx.note(
                f"No address could be reserved. {error.why} The balancer gets one of its own, and "
                "a name at your registrar has to be changed when it is ever made anew."
            )

    def _kept(self, ctx: Context) -> PublicAddress | None:
        ours = (each for each in self.named(ctx, self.name(ctx)) if each.was_kept)
        return next(ours, None)

    def get(self, ctx: Context, resource_id: str) -> PublicAddress | None:  # noqa: ARG002
        """By id."""
        return self._all().get(resource_id)

    def named(self, ctx: Context, name: str) -> Sequence[PublicAddress]:
        """In the compartment."""
        found = self._all().all_in(self.compartment(ctx))
        return [each for each in found if each.name == name]

    def create(self, ctx: Context, name: str, retry_token: str) -> Started:
        """Unused at first; the balancer takes it."""
        where = self.compartment(ctx)
        return Started(self._all().create(where, name, self.tags(ctx), retry_token))

    def learned(self, ctx: Context, found: PublicAddress) -> None:
        """The balancer's Service names it."""
        ctx.remember(_DIGITS, found.digits)

    def told(self, ctx: Context, found: PublicAddress) -> str:  # noqa: ARG002
        """The address."""
        return found.digits

    def delete(self, ctx: Context, found: PublicAddress) -> str:  # noqa: ARG002
        """Possible once no balancer uses it."""
        self._all().delete(found.id)
        return ""

    def _all(self) -> PublicAddresses:
        return PublicAddresses(self.account())
