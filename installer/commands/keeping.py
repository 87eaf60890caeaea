"""Keeps data volumes or the address when everything else goes, and says what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from installer.budget.billing import AlreadyThere, bill
from installer.budget.envelope import load_envelope
from installer.commands.receipt import Line
from installer.oracle.account import Account
from installer.oracle.belongings import Belonging, Belongings
from installer.oracle.holdings import Census, Held, Holdings, is_ours
from installer.oracle.leftovers import KEPT_TAG, Leftovers
from installer.oracle.public_addresses import PublicAddresses

VOLUME = "block volume"
ADDRESS = "reserved address"


@dataclass(frozen=True)
class Kept:
    """What stays, and its price in words."""

    lines: tuple[Line, ...] = ()
    price: str = ""

    def and_also(self, other: Kept) -> Kept:
        """Both together."""
        words = " ".join(part for part in (self.price, other.price) if part)
        return Kept((*self.lines, *other.lines), words)


def keep_volumes(account: Account, installation: str, more: tuple[str, ...] = ()) -> Kept:
    """Take our tag off every data volume of the installation, so that no removal touches it.

    `more` are compartments to look into besides those with our tag. A volume keeps a tag that says
    whose it was. Raises InstallError; may be repeated.
    """
    found = Belongings(account).of_installation(installation, more)
    volumes = [
        each
        for each in found.things
        if each.noun == VOLUME and (each.is_of(installation) or _was_kept(each, installation))
    ]
    if not volumes:
        return Kept()
    for each in volumes:
        if each.is_of(installation):
            Leftovers(account).let_go(each, installation)
    lines = tuple(Line(each.words, each.id) for each in volumes)
    return Kept(lines, price_words(volumes, Holdings(account).everywhere(), installation))


def keep_address(account: Account, installation: str, more: tuple[str, ...] = ()) -> Kept:
    """Take our tag off the reserved address, so that no removal gives it back.

    As `keep_volumes`; what it costs and how to use it again is said in words.
    """
    found = Belongings(account).of_installation(installation, more)
    addresses = [
        each
        for each in found.things
        if each.noun == ADDRESS and (each.is_of(installation) or _was_kept(each, installation))
    ]
    if not addresses:
        return Kept(price="There was no reserved address to keep.")
    for each in addresses:
        if each.is_of(installation):
            PublicAddresses(account).let_go(each, installation)
    lines = tuple(Line(each.words, each.id) for each in addresses)
    return Kept(lines, _address_words(found.places))


def _address_words(places: Sequence[str]) -> str:
    """Oracle names no price for an address; its compartment has to stay for it."""
    return (
        "A reserved address costs nothing, but counts against the limit of the account: one in a "
        "free-only account. To use it again, install under the same name with "
        f"place.compartment set to {' or '.join(places)}."
    )


def _was_kept(thing: Belonging, installation: str) -> bool:
    """By an earlier removal that was cut off."""
    return thing.tags.get(KEPT_TAG) == installation


def price_words(kept: list[Belonging], census: Census, installation: str) -> str:
    """What they cost a month, once the machines and their boot volumes are gone."""
    envelope = load_envelope()
    ids = {each.id for each in kept}
    beside = census.only(lambda each: each.id not in ids and not is_ours(each, installation, ""))
    others = sum(each.gb for each in beside.of(Held.VOLUME, Held.BOOT_VOLUME))
    sizes = [each.gb for each in kept]
    already = AlreadyThere(block_gb=others)
    monthly = bill(envelope, volumes_gib=sizes, already=already).monthly_usd
    free = envelope.allowance.block_storage.gb
    return (
        f"{sum(sizes)} GB kept, beside {others} GB of other volumes in this tenancy: {monthly:.2f} "
        f"US dollars a month, with {free} GB of boot and block volumes free in the home region."
    )
