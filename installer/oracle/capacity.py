"""Where machines seem to be free: Oracle's capacity report, used to order the places and no more.

How truthful the report is for free accounts is not known, so it never refuses an attempt: a place
that is said to be full is tried last, and a report that cannot be had changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from installer.engine.errors import InstallError
from installer.oracle.account import Account
from installer.oracle.placement import Outlook, Placement, Reading
from installer.oracle.sdk import models
from installer.oracle.wanted import NodePlan

# Oracle's words. What it may add one day counts as unknown.
_OUTLOOKS = {
    "AVAILABLE": Outlook.FREE,
    "OUT_OF_HOST_CAPACITY": Outlook.FULL,
    "HARDWARE_NOT_SUPPORTED": Outlook.UNSUPPORTED,
}


class CapacityRadar:
    """Capacity reports of one account's region; they are only given for the root compartment."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def read(self, places: Sequence[Placement], plan: NodePlan) -> dict[Placement, Reading]:
        """What Oracle says of each place; without those it says nothing about. One call an AD."""
        found: dict[Placement, Reading] = {}
        for domain in dict.fromkeys(place.availability_domain for place in places):
            there = [place for place in places if place.availability_domain == domain]
            try:
                found |= self._report(domain, there, plan)
            except InstallError:
                # A courtesy of Oracle's: without the right to read it we try as if there were none.
                continue
        return found

    def _report(
        self, domain: str, places: Sequence[Placement], plan: NodePlan
    ) -> dict[Placement, Reading]:
        core = models("core")
        size = core.CapacityReportInstanceShapeConfig(
            ocpus=plan.ocpus, memory_in_gbs=plan.memory_gb
        )
        details = core.CreateComputeCapacityReportDetails(
            compartment_id=self._account.tenancy,
            availability_domain=domain,
            shape_availabilities=[
                core.CreateCapacityReportShapeAvailabilityDetails(
                    instance_shape=plan.shape,
                    fault_domain=place.fault_domain or None,
                    instance_shape_config=size,
                )
                for place in places
            ],
        )
        clients = self._account.clients
        answer = clients.ask(
            "reading where machines are free",
            lambda: clients.client("compute").create_compute_capacity_report(details),
        )
        said = {str(each.fault_domain or ""): each for each in answer.data.shape_availabilities}
        return {
            place: _reading(said[place.fault_domain])
            for place in places
            if place.fault_domain in said
        }


def _reading(model: Any) -> Reading:
    outlook = _OUTLOOKS.get(str(model.availability_status), Outlook.UNKNOWN)
    return Reading(outlook, int(model.available_count or 0))
