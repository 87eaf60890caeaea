"""The client against Debian's docker-registry: open, with names and passwords, and with tokens."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from installer.registry.client import Login, RegistryClient
from installer.registry.reference import Reference
from installer.registry.resolving import resolve, resolve_all
from installer.registry.troubles import Kind, RegistryTrouble
from tests.registry.debian import (
    HER,
    HER_PASSWORD,
    Debian,
    TokenServer,
    debian_registry,
    htpasswd,
)
from tests.registry.scripted import Server, made_image, serving

pytestmark = [pytest.mark.slow, pytest.mark.real_servers]

ARM = ["linux/arm64"]
IMAGE = made_image("linux/amd64", "linux/arm64/v8")
NEWER = made_image("linux/amd64", "linux/arm64/v8", layer=2000)
INTEL = made_image("linux/amd64", index=False)


def kind_of(client: RegistryClient, text: str) -> Kind:
    """What is wrong with an image."""
    with pytest.raises(RegistryTrouble) as told:
        resolve(client, text, ARM)
    assert HER_PASSWORD not in f"{told.value} {told.value.why}"
    return told.value.kind


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Debian]:
    """A registry that is open to everybody."""
    with debian_registry(tmp_path_factory.mktemp("plain")) as registry:
        registry.push("public/both", IMAGE, "1")
        registry.push("public/intel", INTEL, "1")
        yield registry


def test_digest_platforms_and_size_are_the_registrys(plain: Debian) -> None:
    found = resolve(RegistryClient(), f"{plain.host}/public/both:1", ARM)
    assert found.digest == IMAGE.top
    assert found.platforms == ("linux/amd64", "linux/arm64")
    config = len(b'{"os": "linux", "architecture": "arm64"}')
    assert found.compressed == (("linux/arm64", 1000 + 1001 + config),)
    assert RegistryClient().digest_now(Reference.parse(found.reference)) == IMAGE.top


def test_missing_and_wrong_ones_are_told_apart(plain: Debian) -> None:
    names = ("nobody/knows:1", "public/both:2", "public/intel:1", "public/both:1")
    found = resolve_all(RegistryClient(), [f"{plain.host}/{name}" for name in names], ARM)
    assert [each.kind for each in found.troubles] == [
        # Debian's registry tells MANIFEST_UNKNOWN also where it has no such repository.
        Kind.NO_VERSION,
        Kind.NO_VERSION,
        Kind.WRONG_ARCHITECTURE,
    ]
    assert [each.reference for each in found.found] == [f"{plain.host}/public/both:1"]


def test_a_digest_still_gives_the_old_image_after_its_tag_has_moved(plain: Debian) -> None:
    plain.push("public/moving", IMAGE, "1")
    pinned = f"{plain.host}/public/moving:1@{IMAGE.top}"
    before = resolve(RegistryClient(), pinned, ARM)
    plain.push("public/moving", NEWER, "1")
    assert resolve(RegistryClient(), pinned, ARM) == before
    moved = resolve(RegistryClient(), f"{plain.host}/public/moving:1", ARM)
    assert moved.digest == NEWER.top


def test_a_name_and_a_password(tmp_path: Path) -> None:
    basic = "Basic " + base64.b64encode(f"{HER}:{HER_PASSWORD}".encode()).decode()
    with debian_registry(tmp_path, htpasswd(tmp_path), basic) as registry:
        registry.push("private/both", IMAGE, "1")
        text = f"{registry.host}/private/both:1"
        client = RegistryClient(logins=[Login(registry.host, HER, HER_PASSWORD)])
        assert resolve(client, text, ARM).digest == IMAGE.top
        wrong = RegistryClient(logins=[Login(registry.host, HER, "a-wrong-password")])
        assert kind_of(wrong, text) is Kind.LOGIN_REFUSED
        assert kind_of(RegistryClient(), text) is Kind.NEEDS_LOGIN


def test_tokens_of_a_token_server(tmp_path: Path) -> None:
    tokens = TokenServer(tmp_path)
    with (
        serving(tokens.script) as server,
        debian_registry(tmp_path, tokens.auth(f"{server.url}/token")) as registry,
    ):
        for name in ("public/both", "private/both"):
            token = tokens.token(f"repository:{name}:pull,push", known=True)
            Debian(registry.host, f"Bearer {token}").push(name, IMAGE, "1")
        _judge_tokens(registry, server)


def _judge_tokens(registry: Debian, server: Server) -> None:
    public, private = (f"{registry.host}/{name}/both:1" for name in ("public", "private"))
    anonymous = RegistryClient()
    assert resolve(anonymous, public, ARM).digest == IMAGE.top
    assert resolve(anonymous, public, ARM).digest == IMAGE.top
    assert server.count("/token") == 1
    assert kind_of(anonymous, private) is Kind.NEEDS_LOGIN
    hers = RegistryClient(logins=[Login(registry.host, HER, HER_PASSWORD)])
    assert resolve(hers, private, ARM).digest == IMAGE.top
    wrong = RegistryClient(logins=[Login(registry.host, HER, "a-wrong-password")])
    assert kind_of(wrong, private) is Kind.LOGIN_REFUSED
