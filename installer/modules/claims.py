"""Claims that modules make on storage, and the volumes the claims are packed into.

A claim becomes a folder (a subPath) of a volume. Oracle bills no volume below 50 GB, so several
claims of one namespace may share one; which do is the budget's decision and arrives as VolumePlan.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from installer.modules.problems import ModulesInvalid, Problem


@dataclass(frozen=True)
class Claim:
    """One workload's wish for storage; `what` says in words which data it holds."""

    module: str
    namespace: str
    name: str
    size_bytes: int
    what: str


@dataclass(frozen=True)
class Volume:
    """One PersistentVolumeClaim of `size_gib` GiB, holding the folders of `claims`."""

    namespace: str
    name: str
    size_gib: int
    claims: tuple[Claim, ...]

    @property
    def shared(self) -> bool:
        """Whether pods of several claims mount it and so must meet on one node."""
        return len(self.claims) > 1


@dataclass(frozen=True)
class VolumePlan:
    """Where every claim lives."""

    volumes: tuple[Volume, ...]

    @cached_property
    def _by_claim(self) -> dict[tuple[str, str], Volume]:
        return {
            (volume.namespace, claim.name): volume
            for volume in self.volumes
            for claim in volume.claims
        }

    def volume_of(self, namespace: str, claim: str) -> Volume:
        """The volume a claim was packed into; raises ModulesInvalid when the plan forgot it."""
        volume = self._by_claim.get((namespace, claim))
        if volume is None:
            raise ModulesInvalid(
                [
                    Problem(
                        f"{namespace}/{claim}",
                        "the volume plan has no place for this claim; "
                        "plan the volumes again from the claims of all enabled modules",
                    )
                ]
            )
        return volume

    def place(self, namespace: str, claim: str) -> tuple[str, str]:
        """The claimName and subPath with which a pod mounts the claim."""
        return self.volume_of(namespace, claim).name, claim


def separate_volumes(claims: tuple[Claim, ...]) -> VolumePlan:
    """One volume for every claim, rounded up to whole GiB: what a cluster without a floor gets."""
    return VolumePlan(
        tuple(
            Volume(claim.namespace, claim.name, -(-claim.size_bytes // 2**30), (claim,))
            for claim in claims
        )
    )
