"""What a node of a shape offers, by the formulas of OKE's images.

OKE reserves, since June 2024: of CPU 60, 70, 80, 85, 90 m for one to five CPUs, 2.5 m for each
further one, and 100 m for the system; of memory 25 % of the first 4 GB, 20 % of the next 4, 10 % of
the next 8, 6 % up to 128 and 2 % above, cut to whole GiB, 100 MiB for the system and 100 MiB as
eviction threshold. The machine itself takes memory before that: 2 OCPU and 12 GB of A1 were
measured at 1830m and 9647964Ki allocatable.
"""

from __future__ import annotations

from installer.rehearsal.cloud import WantedNode
from installer.rehearsal.kubernetes.kinds import Object

_PODS = "110"
_RESERVED_CPU = (60, 70, 80, 85, 90)
_SYSTEM_CPU, _FURTHER_CPU = 100, 2.5
_MEMORY_STEPS = ((4, 0.25), (4, 0.20), (8, 0.10), (112, 0.06))
_FURTHER_MEMORY = 0.02
_SYSTEM_KIB = 200 * 1024
_GIB_KIB = 1024 * 1024
_MEASURED_KIB = {12.0: 9647964 + 2 * _GIB_KIB + _SYSTEM_KIB}
_MACHINE_SHARE = 0.95
_FREE_DISK_SHARE = 0.87


def cpus(wanted: WantedNode) -> int:
    """A1 has one CPU an OCPU, the x86 shapes two."""
    return round(wanted.ocpus * (1 if wanted.architecture == "arm64" else 2))


def reserved_cpu_milli(count: int) -> int:
    """CPU that pods cannot have, in thousandths."""
    further = max(0, count - len(_RESERVED_CPU)) * _FURTHER_CPU
    first = _RESERVED_CPU[min(count, len(_RESERVED_CPU)) - 1]
    return round(first + further) + _SYSTEM_CPU


def reserved_memory_kib(memory_gb: float) -> int:
    """Memory that pods cannot have, in KiB."""
    left, reserved = memory_gb, 0.0
    for size, share in _MEMORY_STEPS:
        reserved += min(left, size) * share
        left = max(0.0, left - size)
    return int(reserved + left * _FURTHER_MEMORY) * _GIB_KIB + _SYSTEM_KIB


def visible_memory_kib(memory_gb: float) -> int:
    """What the operating system sees of a machine's memory, in KiB."""
    return _MEASURED_KIB.get(memory_gb, int(memory_gb * _GIB_KIB * _MACHINE_SHARE))


def capacity(wanted: WantedNode) -> Object:
    """`status.capacity`."""
    disk = max(1, wanted.boot_volume_gb - 10) * _GIB_KIB
    return {
        "cpu": str(cpus(wanted)),
        "memory": f"{visible_memory_kib(wanted.memory_gb)}Ki",
        "pods": _PODS,
        "ephemeral-storage": f"{disk}Ki",
    }


def allocatable(wanted: WantedNode) -> Object:
    """`status.allocatable`."""
    count = cpus(wanted)
    memory = visible_memory_kib(wanted.memory_gb) - reserved_memory_kib(wanted.memory_gb)
    disk = int(max(1, wanted.boot_volume_gb - 10) * 1024**3 * _FREE_DISK_SHARE)
    return {
        "cpu": f"{count * 1000 - reserved_cpu_milli(count)}m",
        "memory": f"{memory}Ki",
        "pods": _PODS,
        "ephemeral-storage": str(disk),
    }
