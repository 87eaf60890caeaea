"""Tokens of our own making: well formed, renewed in time, once for many threads."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256

from installer.engine.masking import known_secrets
from installer.oracle.tokens import TokenSource, exec_credential, kubeconfig_document, mint
from tests.oracle.test_profile import KEY, TENANCY, USER, pem

CLUSTER = "ocid1.cluster.oc1.eu-amsterdam-1.aaaacluster"


@pytest.fixture
def signer(tmp_path: Path) -> object:
    from oci.signer import Signer

    file = tmp_path / "key.pem"
    file.write_bytes(pem(KEY))
    return Signer(TENANCY, USER, "aa:bb", str(file))


def test_a_token_is_a_signed_address_that_the_key_vouches_for(signer: object) -> None:
    token = mint(signer, "eu-amsterdam-1", CLUSTER)
    url = urlsplit(base64.urlsafe_b64decode(token).decode())
    assert url.netloc == "containerengine.eu-amsterdam-1.oraclecloud.com"
    assert url.path == f"/cluster_request/{CLUSTER}"
    query = parse_qs(url.query)
    fields = dict(
        part.split("=", 1) for part in query["authorization"][0].split(" ", 1)[1].split(",")
    )
    signed = fields["headers"].strip('"').split()
    values = {
        "date": query["date"][0],
        "host": url.netloc,
        "(request-target)": f"get {url.path}",
    }
    text = "\n".join(f"{name}: {values[name]}" for name in signed)
    signature = base64.b64decode(fields["signature"].strip('"'))
    KEY.public_key().verify(signature, text.encode(), padding.PKCS1v15(), SHA256())


def test_a_token_is_a_secret(signer: object) -> None:
    token = mint(signer, "eu-amsterdam-1", CLUSTER)
    assert token not in known_secrets.mask(f"Bearer {token}")


def test_a_token_is_kept_for_three_minutes_and_then_renewed(signer: object) -> None:
    now = [1000.0]
    made: list[int] = []

    def give() -> object:
        made.append(1)
        return signer

    source = TokenSource(give, "eu-amsterdam-1", CLUSTER, clock=lambda: now[0])
    first = source.token()
    now[0] += 179
    assert source.token() == first
    assert len(made) == 1
    now[0] += 2
    source.token()
    assert len(made) == 2


def test_many_threads_share_one_token(signer: object) -> None:
    made: list[int] = []

    def give() -> object:
        made.append(1)
        return signer

    source = TokenSource(give, "eu-amsterdam-1", CLUSTER)
    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(lambda _n: source.token(), range(64)))
    assert (len(tokens), len(made)) == (1, 1)


def test_kubectl_gets_a_credential_with_an_end(signer: object) -> None:
    document = json.loads(exec_credential("the-token"))
    assert document["kind"] == "ExecCredential"
    assert document["status"]["token"] == "the-token"
    assert document["status"]["expirationTimestamp"].endswith("Z")


def test_the_kubeconfig_for_people_holds_no_secret() -> None:
    document = kubeconfig_document("https://1.2.3.4:6443", b"CA", "health", ["health-install", "x"])
    assert "token" not in json.dumps(document)
    assert document["current-context"] == "health"
