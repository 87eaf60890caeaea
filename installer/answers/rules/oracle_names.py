"""Regions, compartments and OCIDs of Oracle Cloud."""

from __future__ import annotations

import difflib
import re

from installer.answers.problems import quoted, refuse
from installer.answers.rules.regions import KNOWN_REGIONS

REGION_PATTERN = r"^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$"
COMPARTMENT_PATTERN = r"^[A-Za-z0-9._-]{1,100}$"
NETWORK_PATTERN = r"^ocid1\.vcn\.[a-z0-9.-]+$"
SUBNET_PATTERN = r"^ocid1\.subnet\.[a-z0-9.-]+$"
_OCID = r"ocid1\.[a-z0-9]+\.[a-z0-9]+\.[a-z0-9-]*(\.[a-z0-9-]+)?\.[a-z0-9]+"


def region_name(text: str) -> str:
    """A region identifier like eu-amsterdam-1.

    Names we do not know are let through, for new regions open; what looks like a slip of a
    known one is refused with the known one.
    """
    name = text.lower()
    if name in KNOWN_REGIONS:
        return name
    if re.fullmatch(REGION_PATTERN, name) is None:
        raise refuse(f"A region identifier is needed, like eu-amsterdam-1.{_hint(name)}")
    city = name.rpartition("-")[0]
    if any(known.rpartition("-")[0] == city for known in KNOWN_REGIONS):
        return name
    close = difflib.get_close_matches(name, KNOWN_REGIONS, n=1, cutoff=0.85)
    if close:
        raise refuse(f"{quoted(name)} is no region we know; did you mean {close[0]}?")
    return name


def _hint(name: str) -> str:
    city = re.sub(r"[^a-z]", "", name)
    within = [known for known in KNOWN_REGIONS if len(city) > 3 and city in known.replace("-", "")]
    close = within or difflib.get_close_matches(name, KNOWN_REGIONS, n=1, cutoff=0.6)
    return f" Did you mean {close[0]}?" if close else ""


def compartment(text: str) -> str:
    """The name of a compartment to make, or the OCID of one that exists (or of the tenancy)."""
    if text.lower().startswith("ocid"):
        return _compartment_ocid(text)
    if re.fullmatch(COMPARTMENT_PATTERN, text) is None:
        raise refuse(
            "A compartment's name has 1 to 100 letters, digits, dots, hyphens and "
            "underscores, no blanks; or give the OCID of one that exists."
        )
    return text


def _compartment_ocid(text: str) -> str:
    return _ocid_of(text, "compartment", ("compartment", "tenancy"), "ocid1.compartment.oc1..")


def network(text: str) -> str:
    """The OCID of a virtual network that exists."""
    return _ocid_of(text, "virtual network", ("vcn",), "ocid1.vcn.oc1.eu-amsterdam-1.")


def subnet(text: str) -> str:
    """The OCID of a subnet that exists."""
    return _ocid_of(text, "subnet", ("subnet",), "ocid1.subnet.oc1.eu-amsterdam-1.")


def _ocid_of(text: str, word: str, kinds: tuple[str, ...], example: str) -> str:
    ocid = text.lower()
    if re.fullmatch(_OCID, ocid) is None:
        like = (
            "begins like an OCID but is not a whole one" if ocid.startswith("ocid") else "is none"
        )
        raise refuse(
            f"The OCID of a {word} is needed; this {like}. "
            f"Copy it from the console: {example} and about 60 signs."
        )
    kind = ocid.split(".")[1]
    if kind not in kinds:
        raise refuse(
            f"This is the OCID of a {kind}; that of a {word} begins with ocid1.{kinds[0]}."
        )
    return ocid
