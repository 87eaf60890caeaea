"""Block volumes and boot volumes."""

from __future__ import annotations

from functools import partial

from installer.rehearsal.oracle.calls import Body
from installer.rehearsal.oracle.kinds import Kind, routes_of
from installer.rehearsal.oracle.limits import require_room
from installer.rehearsal.oracle.quota_rules import require_quota
from installer.rehearsal.oracle.records import Record
from installer.rehearsal.oracle.refusals import invalid
from installer.rehearsal.oracle.tenancy import Route, Tenancy

_CORE = "/20160918"
SMALLEST_GB = 50
_LARGEST_GB = 32768
_MB = 1024


def _check_volume(tenancy: Tenancy, body: Body) -> None:
    size = int(body.get("sizeInGBs") or SMALLEST_GB)
    if not SMALLEST_GB <= size <= _LARGEST_GB:
        raise invalid(f"sizeInGBs must be between {SMALLEST_GB} and {_LARGEST_GB}.")
    domain = str(body.get("availabilityDomain"))
    tenancy.require_domain(domain)
    if "id" not in body:
        require_room(tenancy, "volume-count", domain=domain)
        require_room(tenancy, "total-storage-gb", size, domain=domain)
        where = str(body["compartmentId"])
        require_quota(tenancy, where, "block-storage", "total-storage-gb", size)
        body["sizeInGBs"] = size
        return
    _check_growth(tenancy, body, size)


def _check_growth(tenancy: Tenancy, body: Body, size: int) -> None:
    standing = tenancy.registry.find("volume", str(body["id"])).body["sizeInGBs"]
    if size < standing:
        raise invalid("A volume can only grow.")
    domain = str(body["availabilityDomain"])
    require_room(tenancy, "total-storage-gb", size - standing, domain=domain)


def _complete(_tenancy: Tenancy, record: Record) -> None:
    record.body["sizeInMBs"] = int(record.body["sizeInGBs"]) * _MB


def _attached(field: str, kind: str, tenancy: Tenancy, record: Record) -> str | None:
    for attachment in tenancy.registry.living(kind):
        if attachment.body[field] == record.id:
            return f"The volume {record.id} is still attached to {attachment.body['instanceId']}."
    return None


VOLUME = Kind(
    name="volume",
    path=f"{_CORE}/volumes",
    singular="Volume",
    plural="Volumes",
    seconds=20.0,
    required=("availabilityDomain",),
    optional=("sizeInGBs", "autotunePolicies", "isAutoTuneEnabled"),
    changeable=("sizeInGBs", "vpusPerGB"),
    defaults={"vpusPerGB": 10, "isHydrated": True},
    filters=("availabilityDomain",),
    check=_check_volume,
    complete=_complete,
    in_use=partial(_attached, "volumeId", "volumeattachment"),
    usable_at_once=False,
)
BOOT_VOLUME = Kind(
    name="bootvolume",
    path=f"{_CORE}/bootVolumes",
    singular="BootVolume",
    plural="BootVolumes",
    seconds=10.0,
    required=("availabilityDomain",),
    optional=("sizeInGBs", "imageId"),
    changeable=("sizeInGBs", "vpusPerGB"),
    defaults={"vpusPerGB": 10, "isHydrated": True},
    filters=("availabilityDomain",),
    complete=_complete,
    in_use=partial(_attached, "bootVolumeId", "bootvolumeattachment"),
)


ROUTES: tuple[Route, ...] = (
    *routes_of(VOLUME),
    *routes_of(BOOT_VOLUME, ("get", "list", "update", "delete")),
)
