"""Launching and ending machines: an instance with its card, its boot volume and what ties them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from installer.rehearsal.oracle.block_storage import BOOT_VOLUME
from installer.rehearsal.oracle.kinds import ATTACHED_STATES, end
from installer.rehearsal.oracle.limits import room_for
from installer.rehearsal.oracle.network_rules import free_address, public_address
from installer.rehearsal.oracle.quota_rules import require_quota
from installer.rehearsal.oracle.records import Record
from installer.rehearsal.oracle.refusals import Refused
from installer.rehearsal.oracle.tenancy import Tenancy

LAUNCH_SECONDS = 60.0
_END_SECONDS = 60.0
_DEFAULT_BOOT_GB = 47


@dataclass(frozen=True)
class Machine:
    """What is asked for."""

    name: str
    compartment: str
    domain: str
    fault_domain: str
    subnet: str
    shape: str
    ocpus: float
    memory_gb: float
    image: str
    boot_gb: int = _DEFAULT_BOOT_GB
    groups: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def place_words(domain: str, fault_domain: str) -> str:
    """A place as the weather knows it, e.g. "AbCd:EU-FRANKFURT-1-AD-2 FAULT-DOMAIN-1"."""
    return f"{domain} {fault_domain}".rstrip()


def refusal_of(tenancy: Tenancy, machine: Machine) -> Refused | None:
    """The limit that stands against launching it, or None."""
    for name, amount in _demands(machine):
        refusal = room_for(tenancy, name, amount, domain=machine.domain)
        if refusal is not None:
            return refusal
    return _quota_refusal(tenancy, machine)


def _quota_refusal(tenancy: Tenancy, machine: Machine) -> Refused | None:
    """Both counts of a family must have room, that of the domain and that of the region."""
    family = ".".join(machine.shape.lower().split(".")[1:3]).replace(".", "-")
    demands = [("block-storage", "total-storage-gb", float(machine.boot_gb))]
    for what, amount in (("core", machine.ocpus), ("memory", machine.memory_gb)):
        for count in ("count", "regional-count"):
            demands.append((f"compute-{what}", f"{family}-{what}-{count}", amount))
    try:
        for quota_family, name, amount in demands:
            require_quota(tenancy, machine.compartment, quota_family, name, amount)
    except Refused as refusal:
        return refusal
    return None


def _demands(machine: Machine) -> list[tuple[str, float]]:
    demands: list[tuple[str, float]] = [("total-storage-gb", machine.boot_gb)]
    if machine.shape.startswith("VM.Standard.A1"):
        demands += [
            ("standard-a1-core-count", machine.ocpus),
            ("standard-a1-memory-count", machine.memory_gb),
            ("standard-a1-core-regional-count", machine.ocpus),
            ("standard-a1-memory-regional-count", machine.memory_gb),
        ]
    return demands


def launch(tenancy: Tenancy, machine: Machine, delay: float = 0.0) -> Record:
    """The instance, appearing after `delay` and RUNNING LAUNCH_SECONDS (simulated) later."""
    registry, now = tenancy.registry, tenancy.now
    common = _common(machine, registry.stamp(now + delay))
    instance = Record(
        "instance", tenancy.new_ocid("instance"), {**common, **_instance(tenancy, machine)}, []
    )
    instance.pass_through(now, ("PROVISIONING", delay), ("RUNNING", delay + LAUNCH_SECONDS))
    boot = Record("bootvolume", tenancy.new_ocid("bootvolume"), {**common, **_boot(machine)}, [])
    boot.pass_through(now, ("PROVISIONING", delay), ("AVAILABLE", delay + 10.0))
    card = new_card(
        tenancy,
        owner=instance.id,
        compartment=machine.compartment,
        name=machine.name,
        subnet=machine.subnet,
        groups=machine.groups,
        delay=delay,
        domain=machine.domain,
    )
    instance.notes = {"card": card.id, "boot": boot.id}
    for record in (instance, boot):
        registry.save(record)
    _attach(tenancy, instance, boot, card, delay)
    return instance


def _common(machine: Machine, appears: str) -> dict[str, object]:
    return {
        "compartmentId": machine.compartment,
        "availabilityDomain": machine.domain,
        "displayName": machine.name,
        "freeformTags": dict(machine.tags),
        "definedTags": {},
        "timeCreated": appears,
    }


def _boot(machine: Machine) -> dict[str, object]:
    return {
        "displayName": f"{machine.name} (Boot Volume)",
        "imageId": machine.image,
        "sizeInGBs": machine.boot_gb,
        "sizeInMBs": machine.boot_gb * 1024,
        "vpusPerGB": 10,
        "isHydrated": True,
    }


def _instance(tenancy: Tenancy, machine: Machine) -> dict[str, object]:
    return {
        "faultDomain": machine.fault_domain,
        "imageId": machine.image,
        "region": tenancy.identity.region.name,
        "shape": machine.shape,
        "shapeConfig": {
            "ocpus": machine.ocpus,
            "memoryInGBs": machine.memory_gb,
            "processorDescription": "3.0 GHz Ampere Altra",
            "networkingBandwidthInGbps": machine.ocpus,
            "maxVnicAttachments": 2,
            "gpus": 0,
            "localDisks": 0,
        },
        "metadata": dict(machine.metadata),
        "extendedMetadata": {},
        "launchMode": "PARAVIRTUALIZED",
        "sourceDetails": {
            "sourceType": "image",
            "imageId": machine.image,
            "bootVolumeSizeInGBs": machine.boot_gb,
        },
    }


def new_card(
    tenancy: Tenancy,
    *,
    owner: str,
    compartment: str,
    name: str,
    subnet: str,
    groups: tuple[str, ...] = (),
    public: bool = True,
    delay: float = 0.0,
    domain: str = "",
) -> Record:
    """A network card in the subnet; with a public address when wanted and the subnet allows it."""
    home = tenancy.registry.find("subnet", subnet)
    public = public and not home.body["prohibitPublicIpOnVnic"]
    ocid = tenancy.new_ocid("vnic")
    card = Record(
        "vnic",
        ocid,
        {
            "compartmentId": compartment,
            "availabilityDomain": domain or tenancy.identity.domains[0],
            "displayName": name,
            "freeformTags": {},
            "definedTags": {},
            "isPrimary": True,
            "macAddress": "02:00:17:00:00:01",
            "nsgIds": list(groups),
            "privateIp": free_address(tenancy, home),
            "publicIp": public_address(ocid) if public else None,
            "skipSourceDestCheck": False,
            "subnetId": subnet,
            "timeCreated": tenancy.registry.stamp(tenancy.now + delay),
        },
        [],
        notes={"owner": owner},
    )
    card.pass_through(tenancy.now, ("PROVISIONING", delay), ("AVAILABLE", delay + 2.0))
    tenancy.registry.save(card)
    return card


def remove_cards(tenancy: Tenancy, owner: str, after: float) -> None:
    """Ends the cards of that owner, gone after so many simulated seconds."""
    for card in tenancy.registry.living("vnic", lambda r: bool(r.notes.get("owner") == owner)):
        card.pass_through(tenancy.now, ("TERMINATING", 0.0), ("TERMINATED", after))
        tenancy.registry.save(card)


def _attach(tenancy: Tenancy, instance: Record, boot: Record, card: Record, delay: float) -> None:
    common = {
        "compartmentId": instance.body["compartmentId"],
        "availabilityDomain": instance.body["availabilityDomain"],
        "displayName": instance.body["displayName"],
        "instanceId": instance.id,
        "timeCreated": instance.body["timeCreated"],
    }
    for kind, more in (
        ("bootvolumeattachment", {"bootVolumeId": boot.id, "encryptionInTransitType": "NONE"}),
        ("vnicattachment", {"vnicId": card.id, "subnetId": card.body["subnetId"], "nicIndex": 0}),
    ):
        record = Record(kind, tenancy.new_ocid(kind), {**common, **more}, [])
        record.pass_through(tenancy.now, ("ATTACHING", delay), ("ATTACHED", delay + 10.0))
        tenancy.registry.save(record)


def terminate(tenancy: Tenancy, instance: Record, *, keep_boot_volume: bool = False) -> None:
    """Ends the machine; its data volumes are detached and stay."""
    instance.pass_through(tenancy.now, ("TERMINATING", 0.0), ("TERMINATED", _END_SECONDS))
    tenancy.registry.save(instance)
    remove_cards(tenancy, instance.id, _END_SECONDS)
    for kind in ("bootvolumeattachment", "vnicattachment", "volumeattachment"):
        for record in tenancy.registry.living(kind):
            if record.body["instanceId"] == instance.id:
                record.pass_through(
                    tenancy.now, (ATTACHED_STATES.going, 0.0), (ATTACHED_STATES.gone, 30.0)
                )
                tenancy.registry.save(record)
    boot = tenancy.registry.look_up("bootvolume", instance.notes["boot"])
    if boot is not None and not keep_boot_volume:
        end(BOOT_VOLUME, tenancy, boot)
