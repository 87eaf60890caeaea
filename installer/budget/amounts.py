"""Amounts of what pods take and nodes give: CPU, memory, disk."""

from __future__ import annotations

from dataclasses import dataclass

from installer.budget.quantities import show_bytes, show_cpu


@dataclass(frozen=True, slots=True)
class Amounts:
    """Millicores, bytes of memory and bytes of the node's own disk."""

    cpu_milli: int = 0
    memory_bytes: int = 0
    disk_bytes: int = 0

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(
            self.cpu_milli + other.cpu_milli,
            self.memory_bytes + other.memory_bytes,
            self.disk_bytes + other.disk_bytes,
        )

    def __sub__(self, other: Amounts) -> Amounts:
        return self + other * -1

    def __mul__(self, times: int) -> Amounts:
        return Amounts(self.cpu_milli * times, self.memory_bytes * times, self.disk_bytes * times)

    def within(self, room: Amounts) -> bool:
        """Whether the scheduler would find the room enough.

        Like the scheduler, it does not ask after what is not requested: a pod without a CPU
        request runs on a node whose CPU is spoken for beyond its end.
        """
        return (
            (self.cpu_milli <= 0 or self.cpu_milli <= room.cpu_milli)
            and (self.memory_bytes <= 0 or self.memory_bytes <= room.memory_bytes)
            and (self.disk_bytes <= 0 or self.disk_bytes <= room.disk_bytes)
        )

    def at_least_nothing(self) -> Amounts:
        """The same with nothing below zero."""
        return Amounts(max(0, self.cpu_milli), max(0, self.memory_bytes), max(0, self.disk_bytes))

    def covers(self, other: Amounts) -> bool:
        """Whether nothing of the other is more."""
        return (
            other.cpu_milli <= self.cpu_milli
            and other.memory_bytes <= self.memory_bytes
            and other.disk_bytes <= self.disk_bytes
        )

    def words(self) -> str:
        """For people: `250 m, 512 MiB`."""
        return f"{show_cpu(self.cpu_milli)}, {show_bytes(self.memory_bytes, up=True)}"


def total(amounts: list[Amounts] | tuple[Amounts, ...]) -> Amounts:
    """The sum; nothing at all for none."""
    return Amounts(
        sum(amount.cpu_milli for amount in amounts),
        sum(amount.memory_bytes for amount in amounts),
        sum(amount.disk_bytes for amount in amounts),
    )
