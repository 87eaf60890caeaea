"""Customer secret keys: two for a user, and their secret told once."""

from __future__ import annotations

import base64
import secrets

from installer.rehearsal.oracle.calls import NOTHING, Answer, Body, Call, page_of
from installer.rehearsal.oracle.records import Record
from installer.rehearsal.oracle.refusals import Refused, missing, not_found
from installer.rehearsal.oracle.tenancy import Route, Tenancy

_KIND = "customersecretkey"
_MOST = 2
_PATH = "/20160918/users/{user}/customerSecretKeys"


def _require_user(tenancy: Tenancy, call: Call) -> None:
    if call.path["user"] != tenancy.identity.user:
        raise not_found(call.path["user"])


def _create(tenancy: Tenancy, call: Call) -> Answer:
    _require_user(tenancy, call)
    if not call.body.get("displayName"):
        raise missing("displayName")
    if len(tenancy.registry.living(_KIND)) >= _MOST:
        raise Refused(
            400, "LimitExceeded", "The maximum number of customer secret keys has been reached."
        )
    body: Body = {
        "userId": call.path["user"],
        "displayName": call.body["displayName"],
        "timeCreated": tenancy.registry.stamp(),
    }
    record = Record(_KIND, secrets.token_hex(20), body, [])
    record.pass_through(tenancy.now, ("ACTIVE", 0.0))
    tenancy.registry.save(record)
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    return Answer(
        body={**tenancy.registry.view(record), "key": secret},
        headers={"etag": record.etag},
        made=(_KIND, record.id),
    )


def _list(tenancy: Tenancy, call: Call) -> Answer:
    _require_user(tenancy, call)
    return page_of(call, [tenancy.registry.view(r) for r in tenancy.registry.living(_KIND)])


def _delete(tenancy: Tenancy, call: Call) -> Answer:
    _require_user(tenancy, call)
    record = tenancy.registry.find_living(_KIND, call.path["id"])
    record.pass_through(tenancy.now, ("DELETED", 0.0))
    tenancy.registry.save(record)
    return NOTHING


ROUTES: tuple[Route, ...] = (
    Route("POST", _PATH, "CreateCustomerSecretKey", _create),
    Route("GET", _PATH, "ListCustomerSecretKeys", _list),
    Route("DELETE", f"{_PATH}/{{id}}", "DeleteCustomerSecretKey", _delete),
)
