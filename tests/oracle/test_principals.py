"""Signing in as a machine at Oracle and from its Cloud Shell, with the SDK's own signers."""

from __future__ import annotations

import base64
import os
import socket
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from installer.engine.errors import AccountError
from installer.engine.masking import known_secrets
from installer.oracle.access import Access, open_account
from installer.oracle.doctor import Level, examine
from installer.oracle.limits import Needs
from installer.oracle.network import Networks
from installer.oracle.principals import CLOUD_SHELL, INSTANCE, way_in
from installer.oracle.tokens import mint
from installer.rehearsal.oracle.credentials import private_key
from installer.rehearsal.oracle.signatures import Notary
from installer.rehearsal.oracle.tokens import verify_token
from tests.oracle.world import World

OBO = "delegation-token-of-a-user"


@pytest.fixture(autouse=True)
def at_oracle(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rehearsal's metadata service instead of the one every machine at Oracle has."""
    monkeypatch.setenv("OCI_METADATA_BASE_URL", f"{world.access.endpoint}/opc/v2")


@pytest.fixture
def shell(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Access:
    """Cloud Shell: a configuration of its own, a token, and no profile of the person's."""
    token = tmp_path / "delegation_token"
    token.write_text(f"{OBO}\n")
    config = tmp_path / "config"
    config.write_text(f"[DEFAULT]\n[eu-amsterdam-1]\ndelegation_token_file={token}\n")
    monkeypatch.setenv("OCI_CLI_CONFIG_FILE", str(config))
    monkeypatch.setenv("OCI_CLI_AUTH", "instance_obo_user")
    return replace(world.access, config_file=tmp_path / "none")


def test_a_machine_at_oracle_needs_no_profile(world: World, tmp_path: Path) -> None:
    access = replace(world.access, auth=INSTANCE, config_file=tmp_path / "none")
    account = open_account(access)
    report = account.check()
    assert (report.tenancy, report.region) == (world.account().tenancy, "eu-amsterdam-1")
    made = Networks(account).create_vcn(account.tenancy, "by-machine", "10.9.0.0/16", "m", {}, "t1")
    assert made.startswith("ocid1.vcn.")


def test_in_cloud_shell_nothing_needs_to_be_said(shell: Access) -> None:
    assert way_in(shell) == CLOUD_SHELL
    account = open_account(shell)
    assert account.check().tenancy_name == "rehearsal"
    assert account.clients.signer().delegation_token == OBO
    assert known_secrets.mask(f"x {OBO} y") != f"x {OBO} y"
    found = list(examine(shell, Needs(), "health"))
    assert any("Cloud Shell's user" in each.words for each in found)
    assert not [each for each in found if each.level is Level.BAD]


def test_a_renewed_delegation_token_is_picked_up(shell: Access, tmp_path: Path) -> None:
    account = open_account(shell)
    account.check()
    token = tmp_path / "delegation_token"
    token.write_text("another-token")
    os.utime(token, (1, 1))
    assert account.clients.signer().delegation_token == "another-token"
    account.check()


def test_a_clusters_token_says_for_whom_cloud_shell_speaks(world: World, shell: Access) -> None:
    token = mint(open_account(shell).clients.signer(), "eu-amsterdam-1", "ocid1.cluster.x")
    url = urlsplit(base64.urlsafe_b64decode(token).decode())
    assert parse_qs(url.query)["opc-obo-token"] == [OBO]
    notary = Notary({}, private_key(world.access.config_file.parents[1]).public_key())
    assert verify_token(notary, "ocid1.cluster.x", token) is not None
    bare = base64.urlsafe_b64encode(
        url.geturl().replace(f"&opc-obo-token={OBO}", "").encode()
    ).decode()
    assert verify_token(notary, "ocid1.cluster.x", bare) is None


def test_a_profile_that_is_there_comes_first(world: World, shell: Access) -> None:
    assert way_in(replace(shell, config_file=world.access.config_file)) == ""
    assert way_in(replace(shell, auth="api_key")) == ""
    assert way_in(shell, {"OCI_CLI_AUTH": "instance_principal"}) == INSTANCE
    assert way_in(shell, {}) == ""


def test_elsewhere_nobody_vouches_for_the_machine(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("OCI_METADATA_BASE_URL", nobody)
        with pytest.raises(AccountError) as caught:
            open_account(replace(world.access, auth=INSTANCE))
    assert "vouches" in caught.value.what
    assert "oracle.auth to auto" in caught.value.then


def test_a_missing_delegation_token_is_explained(shell: Access, tmp_path: Path) -> None:
    (tmp_path / "delegation_token").unlink()
    with pytest.raises(AccountError) as caught:
        open_account(shell)
    assert "delegation token" in caught.value.what
    assert "Cloud Shell" in caught.value.then
