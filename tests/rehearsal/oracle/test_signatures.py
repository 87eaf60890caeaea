"""Who may ask, judged by what the real SDK signs."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from typing import Any

import oci
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from tests.rehearsal.oracle.playground import Playground


def refused(call: Any, *arguments: Any, **more: Any) -> oci.exceptions.ServiceError:
    with pytest.raises(oci.exceptions.ServiceError) as caught:
        call(*arguments, **more)
    error: oci.exceptions.ServiceError = caught.value
    return error


def test_the_configuration_the_world_writes_is_accepted_and_private(world: Playground) -> None:
    oci.config.validate_config(world.config)
    assert world.identity.get_user(world.config["user"]).data.id == world.config["user"]
    for path in (world.address["config_file"], world.config["key_file"]):
        assert Path(path).stat().st_mode & 0o777 == 0o600


def test_another_key_under_the_same_fingerprint_is_refused(
    world: Playground, tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger.pem"
    stranger.write_bytes(
        generate_private_key(65537, 2048).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    config = {**world.config, "key_file": str(stranger)}
    client = world.client(oci.identity.IdentityClient, config=config)
    error = refused(client.get_tenancy, world.tenancy)
    assert (error.status, error.code) == (401, "NotAuthenticated")


@pytest.mark.parametrize("field", ["fingerprint", "user", "tenancy"])
def test_a_name_that_does_not_go_with_the_key_is_refused(world: Playground, field: str) -> None:
    other = world.config[field][:-2] + "00"
    client = world.client(oci.identity.IdentityClient, config={**world.config, field: other})
    assert refused(client.get_tenancy, world.tenancy).status == 401


def session_client(world: Playground, profile: str) -> Any:
    """As Oracle documents it for profiles left by `oci session authenticate`."""
    file = Path(world.address["config_file"]).with_name("sessions")
    config = oci.config.from_file(str(file), profile)
    assert "user" not in config
    token = Path(config["security_token_file"]).read_text(encoding="utf-8")
    key = oci.signer.load_private_key_from_file(config["key_file"])
    signer = oci.auth.signers.SecurityTokenSigner(token, key)
    return world.client(oci.identity.IdentityClient, config=config, signer=signer)


def test_a_session_is_accepted_until_it_has_ended(world: Playground) -> None:
    living = session_client(world, "SESSION")
    assert living.get_tenancy(world.tenancy).data.id == world.tenancy
    error = refused(session_client(world, "EXPIRED").get_tenancy, world.tenancy)
    assert (error.status, error.code) == (401, "NotAuthenticated")


def test_an_unsigned_request_is_refused_in_oracles_form(world: Playground) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{world.address['oracle']}/20160918/regions", timeout=5)
    assert caught.value.code == 401
    assert json.load(caught.value)["code"] == "NotAuthenticated"


def signed(world: Playground, method: str, path: str, body: bytes, **headers: str) -> Any:
    config = world.config
    signer = oci.signer.Signer(
        config["tenancy"], config["user"], config["fingerprint"], config["key_file"]
    )
    url = f"{world.address['oracle']}{path}"
    requests = oci._vendor.requests
    request = requests.Request(method, url, data=body, headers=headers).prepare()
    return signer(request)


def send(request: Any) -> Any:
    return oci._vendor.requests.Session().send(request, timeout=5)


def test_a_body_changed_after_signing_is_refused(world: Playground) -> None:
    body = json.dumps({"compartmentId": world.tenancy, "name": "a", "description": "b"}).encode()
    request = signed(world, "POST", "/20160918/compartments", body)
    request.body = body.replace(b'"a"', b'"z"')
    assert send(request).status_code == 401
    assert send(signed(world, "POST", "/20160918/compartments", body)).status_code == 200


def test_a_path_changed_after_signing_is_refused(world: Playground) -> None:
    request = signed(world, "GET", "/20160918/regions", b"")
    request.url = request.url.replace("regions", "users")
    assert send(request).status_code == 401


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_date_off_by_more_than_five_minutes_is_refused_with_the_servers_time(
    world: Playground, minutes: int
) -> None:
    stated = formatdate(time.time() + minutes * 60, usegmt=True)
    answer = send(signed(world, "GET", "/20160918/regions", b"", date=stated))
    assert answer.status_code == 401
    message = answer.json()["message"]
    assert stated in message
    assert "not within allowed clock skew" in message
    assert "valid datetime range" in message
    near = formatdate(time.time() + minutes * 30, usegmt=True)
    assert send(signed(world, "GET", "/20160918/regions", b"", date=near)).status_code == 200


def test_a_server_whose_clock_is_off_says_so_in_its_date_header(world: Playground) -> None:
    world.bad_weather(operation="ANY", do="skew", minutes=9)
    answer = send(signed(world, "GET", "/20160918/regions", b""))
    assert answer.status_code == 401
    offset = parsedate_to_datetime(answer.headers["date"]) - datetime.now(UTC)
    assert 8.5 * 60 < offset.total_seconds() < 9.5 * 60


def test_the_callers_request_id_comes_back(world: Playground) -> None:
    answer = world.engine.list_clusters(world.tenancy, opc_request_id="mine")
    assert answer.request_id.startswith("mine/")
