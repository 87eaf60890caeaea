"""Object storage: the namespace and the buckets, not what is in them."""

from __future__ import annotations

from installer.rehearsal.oracle.calls import NOTHING, Answer, Body, Call, page_of
from installer.rehearsal.oracle.credentials import new_ocid
from installer.rehearsal.oracle.kinds import check_etag, check_tags
from installer.rehearsal.oracle.limits import require_room
from installer.rehearsal.oracle.records import Record
from installer.rehearsal.oracle.refusals import Refused, missing
from installer.rehearsal.oracle.tenancy import Route, Tenancy

_BUCKETS = "/n/{namespace}/b"
_SUMMARY = (
    *("namespace", "name", "compartmentId", "createdBy", "timeCreated", "etag"),
    *("freeformTags", "definedTags"),
)


def _get_namespace(tenancy: Tenancy, _call: Call) -> Answer:
    return Answer(body=tenancy.identity.namespace)


def _check_namespace(tenancy: Tenancy, call: Call) -> None:
    if call.path["namespace"] != tenancy.identity.namespace:
        raise Refused(
            404, "NamespaceNotFound", "The namespace does not exist, or is not yours to see."
        )


def _standing(tenancy: Tenancy, name: str) -> Record | None:
    found = tenancy.registry.living("bucket", lambda r: bool(r.body["name"] == name))
    return found[0] if found else None


def _bucket(tenancy: Tenancy, call: Call) -> Record:
    _check_namespace(tenancy, call)
    record = _standing(tenancy, call.path["bucket"])
    if record is None:
        raise Refused(
            404,
            "BucketNotFound",
            f"Either the bucket named '{call.path['bucket']}' does not exist in the namespace "
            f"'{tenancy.identity.namespace}' or you are not authorized to access it",
        )
    return record


def _create(tenancy: Tenancy, call: Call) -> Answer:
    _check_namespace(tenancy, call)
    body = call.body
    for name in ("name", "compartmentId"):
        if not body.get(name):
            raise missing(name)
    check_tags(body)
    tenancy.require_compartment(body["compartmentId"])
    if _standing(tenancy, body["name"]) is not None:
        raise Refused(
            409,
            "BucketAlreadyExists",
            f"Either the bucket '{body['name']}' in namespace '{tenancy.identity.namespace}' "
            "already exists or you are not authorized to create it",
        )
    require_room(tenancy, "bucket-count")
    record = Record("bucket", new_ocid("bucket"), _full(tenancy, call, body), [])
    record.pass_through(tenancy.now, ("ACTIVE", 0.0))
    record.body["etag"] = record.etag
    tenancy.registry.save(record)
    return _shown(record)


def _full(tenancy: Tenancy, call: Call, body: Body) -> Body:
    return {
        "freeformTags": {},
        "definedTags": {},
        "metadata": {},
        "publicAccessType": "NoPublicAccess",
        "storageTier": "Standard",
        "objectEventsEnabled": False,
        "versioning": "Disabled",
        "autoTiering": "Disabled",
        **body,
        "namespace": tenancy.identity.namespace,
        "createdBy": call.user,
        "timeCreated": tenancy.registry.stamp(),
    }


def _shown(record: Record) -> Answer:
    return Answer(body={**record.body, "id": record.id}, headers={"etag": record.etag})


def _get(tenancy: Tenancy, call: Call) -> Answer:
    return _shown(_bucket(tenancy, call))


def _head(tenancy: Tenancy, call: Call) -> Answer:
    return Answer(headers={"etag": _bucket(tenancy, call).etag})


def _list(tenancy: Tenancy, call: Call) -> Answer:
    _check_namespace(tenancy, call)
    records = tenancy.in_compartment("bucket", call.needed("compartmentId"))
    living = [record for record in records if tenancy.registry.state(record) == "ACTIVE"]
    found: list[Body] = [{name: record.body[name] for name in _SUMMARY} for record in living]
    return page_of(call, sorted(found, key=lambda body: str(body["name"])))


def _delete(tenancy: Tenancy, call: Call) -> Answer:
    record = _bucket(tenancy, call)
    check_etag(call, record)
    record.pass_through(tenancy.now, ("DELETED", 0.0))
    tenancy.registry.save(record)
    return NOTHING


ROUTES: tuple[Route, ...] = (
    Route("GET", "/n", "GetNamespace", _get_namespace),
    Route("POST", _BUCKETS, "CreateBucket", _create),
    Route("GET", _BUCKETS, "ListBuckets", _list),
    Route("GET", f"{_BUCKETS}/{{bucket}}", "GetBucket", _get),
    Route("HEAD", f"{_BUCKETS}/{{bucket}}", "HeadBucket", _head),
    Route("DELETE", f"{_BUCKETS}/{{bucket}}", "DeleteBucket", _delete),
)
