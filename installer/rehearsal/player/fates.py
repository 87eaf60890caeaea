"""What becomes of a container: well, or as the weather or an annotation says."""

from __future__ import annotations

import re
from dataclasses import dataclass

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.player.cluster import key_of
from installer.rehearsal.weather import Weather

ANNOTATION = "health-install/rehearsal-outcome"
"""On a pod: one of the outcomes below, for as long as the annotation is there."""

CRASH, IMAGE, MEMORY, FAIL = "CrashLoopBackOff", "ImagePullBackOff", "OOMKilled", "Error"
OUTCOMES = (CRASH, IMAGE, MEMORY, FAIL)

NETWORK_PROBE = "health-install/network-probe"
"""On a pod that tries the network; `caller` ends by saying whether rules are held to."""
_RULES_IGNORED = 10
_EXIT = re.compile(r"exit (\d+)")


@dataclass(frozen=True)
class Fate:
    """How a start ends; `outcome` is empty when all goes well.

    `exit_code` is that of pods that end by themselves.
    """

    outcome: str = ""
    message: str = ""
    exit_code: int = 0


def fate_of(pod: Object, weather: Weather) -> Fate:
    """The fate of this start of a pod.

    Weather knows it as `START pods` with the subject NAMESPACE/NAME; a rule `do: fail` names the
    outcome in its message, `CrashLoopBackOff` where it names none, or `exit NUMBER` for a pod that
    is to end like that. The network is flannel, as in every cluster Oracle makes, which ignores
    network policies: a pod that tries them finds nothing closed.
    """
    named = (pod["metadata"].get("annotations") or {}).get(ANNOTATION, "")
    if named:
        return _fate(named)
    fault = weather.strike("START pods", subject="/".join(key_of(pod)), kinds=("fail",))
    if fault is not None:
        return _fate(fault.message)
    tries = (pod["metadata"].get("labels") or {}).get(NETWORK_PROBE) == "caller"
    return Fate(exit_code=_RULES_IGNORED if tries else 0)


def _fate(text: str) -> Fate:
    code = _EXIT.fullmatch(text.strip())
    return Fate(exit_code=int(code[1])) if code else Fate(_known(text), text)


def _known(text: str) -> str:
    return next((one for one in OUTCOMES if one in text), CRASH)
