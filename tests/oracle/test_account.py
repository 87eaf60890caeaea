"""The account as the rehearsal's Oracle shows it, over the real SDK."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from installer.engine.errors import AccountError, InstallError, Temporary, Unreachable
from installer.oracle.access import Access, open_account
from installer.oracle.profile import fingerprint_of
from tests.oracle.test_profile import pem
from tests.oracle.world import World


def test_a_look_tells_who_where_and_what(world: World) -> None:
    report = world.account().check()
    assert report.tenancy.startswith("ocid1.tenancy.")
    assert report.user.startswith("ocid1.user.")
    assert (report.region, report.home_region) == ("eu-amsterdam-1", "eu-amsterdam-1")
    assert len(report.availability_domains) == 1
    assert report.plan == "FREE_TIER"
    assert report.clusters_allowed == 1
    assert report.minutes_left is None
    assert report.clock_offset is not None
    assert abs(report.clock_offset) < 5
    assert report.warnings == ()


@pytest.mark.parametrize(
    ("minutes", "words"), [(8, "8 minutes behind"), (-8, "8 minutes ahead of")]
)
def test_a_clock_off_by_minutes_is_told(world: World, minutes: int, words: str) -> None:
    world.weather({"operation": "ANY", "do": "skew", "minutes": minutes, "times": "always"})
    with pytest.raises(AccountError) as caught:
        world.account().check()
    assert words in caught.value.what


def test_a_clock_off_a_little_is_a_warning(world: World) -> None:
    world.weather({"operation": "ANY", "do": "skew", "minutes": 3, "times": "always"})
    (warning,) = world.account().check().warnings
    assert "3 minutes behind" in warning


def test_a_key_oracle_does_not_know_is_told(world: World, tmp_path: Path) -> None:
    other = generate_private_key(65537, 2048)
    key_file = tmp_path / "other.pem"
    key_file.write_bytes(pem(other))
    key_file.chmod(0o600)
    lines = [
        line
        for line in world.access.config_file.read_text().splitlines()
        if not line.startswith(("key_file", "fingerprint"))
    ]
    config = tmp_path / "config"
    config.write_text(
        "\n".join([*lines, f"key_file={key_file}", f"fingerprint={fingerprint_of(other)}"])
    )
    with pytest.raises(AccountError) as caught:
        open_account(replace(world.access, config_file=config)).check()
    assert "does not accept the credentials" in caught.value.what
    assert "401" in caught.value.why


def test_a_region_the_tenancy_has_not_is_told(world: World) -> None:
    with pytest.raises(AccountError) as caught:
        open_account(replace(world.access, region="eu-frankfurt-1")).check()
    assert "not subscribed to region eu-frankfurt-1" in caught.value.what
    assert "eu-amsterdam-1" in caught.value.why


def test_nobody_at_the_address_is_unreachable(world: World) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unreachable) as caught:
            open_account(replace(world.access, endpoint=nobody)).check()
    assert "ConnectionRefused" in caught.value.why or "refused" in caught.value.why


def test_a_hiccup_is_not_even_noticed(world: World) -> None:
    world.weather({"operation": "GetTenancy", "do": "error", "status": 503, "times": 2})
    assert world.account().check().tenancy_name == "rehearsal"


def test_a_throttled_account_is_told_when_to_come_back(world: World) -> None:
    world.weather(
        {"operation": "ListRegionSubscriptions", "do": "throttle", "retry_after": 7, "times": 4}
    )
    with pytest.raises(Temporary) as caught:
        world.account().check()
    assert caught.value.retry_after == 7


def test_an_unreadable_subscription_or_limit_is_no_obstacle(world: World) -> None:
    world.weather(
        {"operation": "ListSubscriptions", "do": "error", "status": 404, "times": "always"},
        {
            "operation": "ListLimitValues",
            "do": "error",
            "status": 404,
            "code": "NotAuthorizedOrNotFound",
            "times": "always",
        },
    )
    report = world.account().check()
    assert (report.plan, report.clusters_allowed) == ("", None)


def test_threads_have_clients_of_their_own_and_share_the_signer(world: World) -> None:
    from concurrent.futures import ThreadPoolExecutor

    account = world.account()
    here = account.clients.client("network")
    assert account.clients.client("network") is here
    with ThreadPoolExecutor(1) as pool:
        there = pool.submit(account.clients.client, "network").result()
    assert there is not here
    assert there.base_client.signer is here.base_client.signer


@pytest.mark.parametrize(
    "name",
    [
        *("identity", "network", "volumes", "compute", "clusters", "balancers"),
        *("network_balancers", "limits", "subscriptions"),
    ],
)
def test_every_client_repeats_and_none_breaks_the_circuit(world: World, name: str) -> None:
    client = world.account().clients.client(name)
    assert client.retry_strategy is not None
    assert type(client.base_client.circuit_breaker_strategy).__name__ == "NoCircuitBreakerStrategy"
    assert client.base_client.timeout == (10.0, 60.0)


def test_opening_an_account_sends_nothing(world: World) -> None:
    before = world.requests()
    open_account(world.access)
    assert world.requests() == before


def test_no_error_shows_more_than_it_should(world: World) -> None:
    """The configuration names a passphrase; whatever happens, it stays inside."""
    access = Access(
        world.access.config_file,
        "DEFAULT",
        passphrase="canary-passphrase",
        endpoint=world.access.endpoint,
    )
    world.weather({"operation": "ANY", "do": "error", "status": 400, "times": "always"})
    with pytest.raises(InstallError) as caught:
        open_account(access).check()
    assert "canary" not in str(caught.value)
    assert "canary" not in repr(access)
