"""Judges the tokens by which Oracle's users reach a cluster: a signed URL in URL-safe base64."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import parse_qs, urlsplit

from installer.rehearsal.oracle.refusals import Refused
from installer.rehearsal.oracle.regions import USUAL
from installer.rehearsal.oracle.signatures import Notary, Signed

_ENDINGS = ("oraclecloud.com", "oci.oraclecloud.com")


def verify_token(notary: Notary, cluster: str, token: str, region: str = USUAL) -> str | None:
    """The user's OCID if the token is valid, fresh (5 minutes) and for this cluster, or None."""
    try:
        url = urlsplit(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii"))
    except (binascii.Error, ValueError):
        return None
    hosts = [f"containerengine.{region}.{ending}" for ending in _ENDINGS]
    if url.scheme != "https" or url.netloc not in hosts:
        return None
    if url.path != f"/cluster_request/{cluster}":
        return None
    query = parse_qs(url.query)
    headers = {
        "authorization": query.get("authorization", [""])[0],
        "date": query.get("date", [""])[0],
        "host": url.netloc,
    }
    if "opc-obo-token" in query:
        headers["opc-obo-token"] = query["opc-obo-token"][0]
    try:
        return notary.check(Signed("GET", url.path, headers))
    except Refused:
        return None
