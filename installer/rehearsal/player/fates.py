"""What becomes of a container: well, or as the weather or an annotation says."""

from __future__ import annotations

from dataclasses import dataclass

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.player.cluster import key_of
from installer.rehearsal.weather import Weather

ANNOTATION = "health-install/rehearsal-outcome"
"""On a pod: one of the outcomes below, for as long as the annotation is there."""

CRASH, IMAGE, MEMORY, FAIL = "CrashLoopBackOff", "ImagePullBackOff", "OOMKilled", "Error"
OUTCOMES = (CRASH, IMAGE, MEMORY, FAIL)


@dataclass(frozen=True)
class Fate:
    """How a start ends; `outcome` is empty when all goes well."""

    outcome: str = ""
    message: str = ""


def fate_of(pod: Object, weather: Weather) -> Fate:
    """The fate of this start of a pod.

    Weather knows it as `START pods` with the subject NAMESPACE/NAME; a rule `do: fail` names the
    outcome in its message, `CrashLoopBackOff` where it names none.
    """
    named = (pod["metadata"].get("annotations") or {}).get(ANNOTATION, "")
    if named:
        return Fate(_known(named), named)
    fault = weather.strike("START pods", subject="/".join(key_of(pod)), kinds=("fail",))
    return Fate() if fault is None else Fate(_known(fault.message), fault.message)


def _known(text: str) -> str:
    return next((one for one in OUTCOMES if one in text), CRASH)
