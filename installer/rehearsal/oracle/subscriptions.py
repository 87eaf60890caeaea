"""What kind of account it is, as the billing gateway tells it."""

from __future__ import annotations

from installer.rehearsal.oracle.calls import Answer, Body, Call, page_of
from installer.rehearsal.oracle.refusals import not_found
from installer.rehearsal.oracle.tenancy import Route, Tenancy

_PATH = "/20191001/subscriptions"
_PLAN = {
    "trial": ("FREE_TIER", "PROMO"),
    "free": ("FREE_TIER", None),
    "payg": ("PAYG", "UPGRADED"),
}


def _list(tenancy: Tenancy, call: Call) -> Answer:
    call.needed("ospHomeRegion")
    if not tenancy.is_root(call.needed("compartmentId")):
        raise not_found(call.query["compartmentId"])
    plan, upgrade = _PLAN[tenancy.account]
    found: list[Body] = [
        {
            "id": f"{tenancy.identity.tenancy}-subscription",
            "subscriptionPlanNumber": "1234567",
            "planType": plan,
            "upgradeState": upgrade,
            "accountType": "PERSONAL",
            "timeStart": "2026-01-05T09:00:00.000Z",
            "currencyCode": "EUR",
            "isIntentToPay": False,
        }
    ]
    return page_of(call, found, wrap="items")


ROUTES: tuple[Route, ...] = (Route("GET", _PATH, "ListSubscriptions", _list),)
