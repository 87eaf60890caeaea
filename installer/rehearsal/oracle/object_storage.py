"""Object storage: the namespace and the buckets; of what is in them, names and sizes."""

from __future__ import annotations

from installer.rehearsal.oracle.calls import NOTHING, Answer, Body, Call, page_of
from installer.rehearsal.oracle.kinds import check_etag, check_tags
from installer.rehearsal.oracle.limits import require_room
from installer.rehearsal.oracle.records import Record
from installer.rehearsal.oracle.refusals import Refused, missing
from installer.rehearsal.oracle.tenancy import Route, Tenancy

_BUCKETS = "/n/{namespace}/b"
_OBJECT = f"{_BUCKETS}/{{bucket}}/o/{{object}}"
_CHANGEABLE = (
    *("publicAccessType", "freeformTags", "definedTags", "metadata", "versioning"),
    "objectEventsEnabled",
)
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
    record = Record("bucket", tenancy.new_ocid("bucket"), _full(tenancy, call, body), [])
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


def _shown(record: Record, *, counted: bool = False) -> Answer:
    body = {**record.body, "id": record.id}
    if counted:
        sizes = record.notes.get("objects", {})
        body |= {"approximateCount": len(sizes), "approximateSize": sum(sizes.values())}
    return Answer(body=body, headers={"etag": record.etag})


def _get(tenancy: Tenancy, call: Call) -> Answer:
    return _shown(_bucket(tenancy, call), counted="fields" in call.query)


def _update(tenancy: Tenancy, call: Call) -> Answer:
    record = _bucket(tenancy, call)
    check_tags(call.body)
    record.body |= {key: value for key, value in call.body.items() if key in _CHANGEABLE}
    tenancy.registry.change(record)
    return _shown(record)


def _get_rules(tenancy: Tenancy, call: Call) -> Answer:
    record = _bucket(tenancy, call)
    if "rules" not in record.notes:
        raise Refused(404, "LifecyclePolicyNotFound", "The bucket has no object lifecycle policy.")
    return Answer(body=record.notes["rules"])


def _put_rules(tenancy: Tenancy, call: Call) -> Answer:
    record = _bucket(tenancy, call)
    for rule in call.body.get("items") or []:
        for name in ("name", "action", "timeAmount", "timeUnit", "isEnabled"):
            if rule.get(name) in (None, ""):
                raise missing(f"items[].{name}")
    rules = {"items": call.body.get("items") or [], "timeCreated": tenancy.registry.stamp()}
    record.notes["rules"] = rules
    tenancy.registry.change(record)
    return Answer(body=rules)


def _put_object(tenancy: Tenancy, call: Call) -> Answer:
    record = _bucket(tenancy, call)
    sizes = record.notes.setdefault("objects", {})
    sizes[call.path["object"]] = len(call.raw)
    tenancy.registry.save(record)
    return Answer(headers={"etag": record.etag})


def _list_objects(tenancy: Tenancy, call: Call) -> Answer:
    record = _bucket(tenancy, call)
    most = int(call.query.get("limit") or 1000)
    start = call.query.get("start", "")
    names = sorted(name for name in record.notes.get("objects", {}) if name >= start)
    body: Body = {"objects": [{"name": name} for name in names[:most]], "prefixes": []}
    if len(names) > most:
        body["nextStartWith"] = names[most]
    return Answer(body=body)


def _delete_object(tenancy: Tenancy, call: Call) -> Answer:
    record = _bucket(tenancy, call)
    name = call.path["object"]
    if name not in record.notes.get("objects", {}):
        raise Refused(404, "ObjectNotFound", f"The object '{name}' was not found in the bucket.")
    del record.notes["objects"][name]
    tenancy.registry.save(record)
    return NOTHING


def _create_upload(tenancy: Tenancy, call: Call) -> Answer:
    record = _bucket(tenancy, call)
    if not call.body.get("object"):
        raise missing("object")
    upload: Body = {
        "namespace": record.body["namespace"],
        "bucket": record.body["name"],
        "object": call.body["object"],
        "uploadId": tenancy.new_ocid("upload")[-36:],
        "timeCreated": tenancy.registry.stamp(),
    }
    record.notes.setdefault("uploads", []).append(upload)
    tenancy.registry.save(record)
    return Answer(body=upload)


def _list_uploads(tenancy: Tenancy, call: Call) -> Answer:
    return page_of(call, list(_bucket(tenancy, call).notes.get("uploads", [])))


def _abort_upload(tenancy: Tenancy, call: Call) -> Answer:
    record = _bucket(tenancy, call)
    wanted = call.needed("uploadId")
    standing = record.notes.get("uploads", [])
    record.notes["uploads"] = [each for each in standing if each["uploadId"] != wanted]
    tenancy.registry.save(record)
    return NOTHING


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
    if record.notes.get("objects") or record.notes.get("uploads"):
        raise Refused(
            409,
            "BucketNotEmpty",
            f"The bucket '{record.body['name']}' is not empty. Delete objects.",
        )
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
    Route("POST", f"{_BUCKETS}/{{bucket}}", "UpdateBucket", _update),
    Route("GET", f"{_BUCKETS}/{{bucket}}/l", "GetObjectLifecyclePolicy", _get_rules),
    Route("PUT", f"{_BUCKETS}/{{bucket}}/l", "PutObjectLifecyclePolicy", _put_rules),
    Route("GET", f"{_BUCKETS}/{{bucket}}/o", "ListObjects", _list_objects),
    Route("PUT", _OBJECT, "PutObject", _put_object, body_signed=False),
    Route("DELETE", _OBJECT, "DeleteObject", _delete_object),
    Route("POST", f"{_BUCKETS}/{{bucket}}/u", "CreateMultipartUpload", _create_upload),
    Route("GET", f"{_BUCKETS}/{{bucket}}/u", "ListMultipartUploads", _list_uploads),
    Route("DELETE", f"{_BUCKETS}/{{bucket}}/u/{{object}}", "AbortMultipartUpload", _abort_upload),
)
