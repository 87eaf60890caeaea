"""Versions, sizes, images and keys, as Kubernetes and its nodes write them."""

from __future__ import annotations

import base64
import binascii
import re
from decimal import Decimal

from installer.answers.problems import quoted, refuse

NAME_PATTERN = r"^[a-z][a-z0-9-]{0,19}$"
VERSION_PATTERN = r"^(newest|v?1\.[0-9]{1,2}(\.[0-9]{1,3})?)$"
SIZE_PATTERN = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"
IMAGE_NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]*$"
STORAGE_CLASS_PATTERN = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
REGISTRY_PATTERN = r"^[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?(/[a-z0-9._-]+)*$"
REGISTRY_HOST_PATTERN = r"^[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?$"
# Pod Security levels, which every namespace of ours carries, are settled since 1.25.
OLDEST_MINOR = 25
_FACTORS = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
}
_IMAGE = re.compile(
    r"([a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?/)?[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?"
)
_KEY_KINDS = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
)


def installation_name(text: str) -> str:
    """A short name that fits into every resource's own name."""
    if re.fullmatch(NAME_PATTERN, text) is None:
        raise refuse(
            "A name has 1 to 20 small letters, digits and hyphens and begins with a "
            "letter, like health."
        )
    if text.endswith("-"):
        raise refuse("The name cannot end in a hyphen.")
    return text


def kubernetes_version(text: str) -> str:
    """`newest`, a minor version like 1.36, or a whole one like v1.36.4."""
    version = text.lower()
    if re.fullmatch(VERSION_PATTERN, version) is None:
        raise refuse("A Kubernetes version is needed, like newest, 1.36 or v1.36.4.")
    if version == "newest":
        return version
    minor = version.removeprefix("v").split(".")[1]
    if int(minor) < OLDEST_MINOR:
        guess = f" Did you mean 1.{minor}0?" if len(minor) == 1 else ""
        raise refuse(
            f"Kubernetes 1.{minor} is too old; 1.{OLDEST_MINOR} is the oldest that will do.{guess}"
        )
    return version


def size_in_bytes(text: str) -> Decimal:
    """A Kubernetes quantity as a number (bytes for memory and storage); `text` must be one."""
    number = re.match(r"[0-9.]+", text)
    digits = number.group() if number else "0"
    return Decimal(digits) * _FACTORS[text[len(digits) :]]


def size(text: str) -> str:
    """A Kubernetes quantity like 10Gi, 512Mi or 250m, larger than nothing."""
    tight = text.replace(" ", "")
    if re.fullmatch(SIZE_PATTERN, tight) is None:
        raise refuse(f"A size is needed, like 10Gi or 512Mi.{_size_hint(tight)}")
    if size_in_bytes(tight) <= 0:
        raise refuse("A size larger than nothing is needed, like 10Gi.")
    return tight


def _size_hint(text: str) -> str:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([kmgt])(i?)b?", text.lower())
    return f" Did you mean {match[1]}{match[2].upper()}i?" if match else ""


def storage_class(text: str) -> str:
    """The name of a storage class."""
    if re.fullmatch(STORAGE_CLASS_PATTERN, text) is None:
        raise refuse(
            "A storage class has a name of small letters, digits, dots and hyphens, "
            "like oci-bv; see kubectl get storageclass."
        )
    return text


def registry(text: str) -> str:
    """The host, and where needed the path, images are pulled from."""
    if "://" in text:
        raise refuse(
            "Leave out the scheme; a registry is written like registry.example.org/health."
        )
    bare = text.rstrip("/")
    if re.fullmatch(REGISTRY_PATTERN, bare) is None:
        raise refuse(
            "A registry is written like registry.example.org or "
            "registry.example.org:5000/health, in small letters."
        )
    return bare


def registry_host(text: str) -> str:
    """The host of a registry, with its port where that is not the usual one."""
    if re.fullmatch(REGISTRY_HOST_PATTERN, text) is None:
        raise refuse(
            "The host of a registry is needed, like ghcr.io or registry.example.org:5000, without "
            "scheme and path."
        )
    return text


def image_name(text: str) -> str:
    """The name an image has in our list of images."""
    if re.fullmatch(IMAGE_NAME_PATTERN, text) is None:
        raise refuse(f"{quoted(text)} is no name of an image; names are like postgresql.")
    return text


def image(text: str) -> str:
    """An image with its registry, tag or digest."""
    if _IMAGE.fullmatch(text) is None:
        raise refuse(
            "An image is needed, like registry.example.org/postgresql:18.1 or with "
            "@sha256: and its digest."
        )
    return text


def ssh_public_key(text: str) -> str:
    """One public key in the form of a .pub file."""
    if "PRIVATE KEY" in text:
        # Said without any part of the text: a private key must not reach a log.
        raise refuse(
            "This is a private key. Give the public one, from the file that ends in "
            ".pub, and consider the private one as seen."
        )
    kind, _, rest = text.partition(" ")
    if kind not in _KEY_KINDS:
        raise refuse("A public key is needed as one line, as in a .pub file: ssh-ed25519 AAAA…")
    body = rest.strip().partition(" ")[0]
    try:
        content = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise refuse("The key is damaged; copy the whole line of the .pub file.") from error
    length = int.from_bytes(content[:4], "big")
    if content[4 : 4 + length] != kind.encode() or len(content) < 4 + length + 16:
        raise refuse("The key is not whole; copy the whole line of the .pub file.")
    return " ".join(text.split())
