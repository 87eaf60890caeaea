"""Tokens for a cluster's API: the signed URL that Oracle's command line makes."""

from __future__ import annotations

import base64
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import oci
import pytest

from installer.rehearsal.oracle.credentials import Identity, settle_in
from installer.rehearsal.oracle.signatures import Notary
from installer.rehearsal.oracle.tokens import verify_token
from installer.rehearsal.shelf import Shelf

HOST = "containerengine.eu-amsterdam-1.oraclecloud.com"
CLUSTER = "ocid1.cluster.oc1.eu-amsterdam-1.aaaa"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> tuple[Identity, Notary, Path]:
    home = tmp_path_factory.mktemp("home")
    identity, key = settle_in(home, Shelf(home / "world.sqlite"))
    return identity, Notary({identity.key_id: key}), home / "oci" / "api_key.pem"


def token(identity: Identity, key: Path, **change: Any) -> str:
    """As the command line makes it, unless changed."""
    signer = oci.signer.Signer(identity.tenancy, identity.user, identity.fingerprint, str(key))
    url = f"https://{change.get('host', HOST)}/cluster_request/{change.get('cluster', CLUSTER)}"
    requests = oci._vendor.requests
    date = formatdate(time.time() + change.get("seconds", 0), usegmt=True)
    request = signer.do_request_sign(requests.Request("GET", url, headers={"date": date}).prepare())
    query = {"authorization": request.headers["authorization"], "date": request.headers["date"]}
    final = requests.Request("GET", change.get("sent_to", url), params=query).prepare().url
    return base64.urlsafe_b64encode(final.encode()).decode()


def test_a_token_of_the_right_user_for_the_right_cluster_names_him(
    account: tuple[Identity, Notary, Path],
) -> None:
    identity, notary, key = account
    made = token(identity, key)
    assert verify_token(notary, CLUSTER, made) == identity.user
    assert verify_token(notary, CLUSTER, made.rstrip("=")) == identity.user


@pytest.mark.parametrize(
    "change",
    [
        {"cluster": CLUSTER + "b"},
        {"host": "containerengine.example.org"},
        {"seconds": -360},
        {"seconds": 360},
        {"sent_to": f"https://{HOST}/cluster_request/{CLUSTER}/more"},
        {"cluster": CLUSTER + "b", "sent_to": f"https://{HOST}/cluster_request/{CLUSTER}"},
    ],
)
def test_any_other_token_names_nobody(
    account: tuple[Identity, Notary, Path], change: dict[str, Any]
) -> None:
    identity, notary, key = account
    assert verify_token(notary, CLUSTER, token(identity, key, **change)) is None


@pytest.mark.parametrize("made", ["", "nonsense", "ümlaut", "aHR0cDovL2E", "%%%"])
def test_nonsense_is_no_token(account: tuple[Identity, Notary, Path], made: str) -> None:
    assert verify_token(account[1], CLUSTER, made) is None
