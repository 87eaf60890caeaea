"""The client against a server that says just what a case needs."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from installer.engine.masking import known_secrets
from installer.registry.challenges import challenges
from installer.registry.client import Login, RegistryClient
from installer.registry.reference import Reference
from installer.registry.resolving import AT_A_TIME, resolve, resolve_all
from installer.registry.troubles import Kind, RegistryTrouble
from installer.registry.wire import LARGEST_ANSWER, Wire
from tests.registry.scripted import Asked, Said, Script, Server, digest_of, made_image, serving

ARM, BOTH = ["linux/arm64"], ["linux/arm64", "linux/amd64"]
IMAGE = made_image("linux/amd64", "linux/arm64/v8", "unknown/unknown")


def answers(asked: Asked) -> Said:
    """A registry that is open to all and has one image under every name."""
    return IMAGE.answer(asked.path)


def trouble(script: Script, image: str = "a/b:1", login: bool = False) -> RegistryTrouble:
    """What comes of resolving an image at a server with this script."""
    with serving(script) as server:
        logins = [Login(server.host, "me", "a-password-of-mine")] if login else []
        with pytest.raises(RegistryTrouble) as told:
            resolve(RegistryClient(logins=logins), f"{server.host}/{image}", ARM)
    return told.value


def test_an_index_gives_digest_platforms_and_sizes() -> None:
    with serving(answers) as server:
        text = f"{server.host}/a/b:1"
        found = resolve(RegistryClient(), text, BOTH)
    assert found.reference == text
    assert found.digest == IMAGE.top
    assert found.platforms == ("linux/amd64", "linux/arm64")
    sizes = dict(found.compressed)
    config = len(b'{"os": "linux", "architecture": "arm64"}')
    assert sizes == {"linux/arm64": 2001 + config, "linux/amd64": 2001 + config}


def test_a_single_manifest_is_asked_what_it_is_made_for() -> None:
    alone = made_image("linux/amd64", index=False)
    with serving(lambda asked: alone.answer(asked.path)) as server:
        found = resolve(RegistryClient(), f"{server.host}/a/b:1", ["linux/amd64"])
        assert found.digest == alone.top
        with pytest.raises(RegistryTrouble) as told:
            resolve(RegistryClient(), f"{server.host}/a/b:1", ARM)
    assert told.value.kind is Kind.WRONG_ARCHITECTURE
    assert "linux/arm64" in told.value.why
    assert "linux/amd64" in told.value.why


def test_an_index_without_the_platform_names_those_it_has() -> None:
    other = made_image("linux/amd64", "linux/s390x")
    told = trouble(lambda asked: other.answer(asked.path))
    assert told.kind is Kind.WRONG_ARCHITECTURE
    assert "linux/amd64, linux/s390x" in told.why


def test_docker_hub_is_asked_by_its_api_name_at_the_endpoint() -> None:
    with serving(answers) as server:
        resolve(RegistryClient(Wire(server.url)), "postgres:18", ARM)
        hosts = {each.headers["host"] for each in server.asked}
        assert server.asked[0].path == "/v2/library/postgres/manifests/18"
    assert hosts == {"registry-1.docker.io"}


def bearer(server: Callable[[], str], tokens: Callable[[Asked], Said]) -> Script:
    """A registry whose realm is at the same server; `tokens` answers there."""

    def script(asked: Asked) -> Said:
        if asked.path.startswith("/token"):
            return tokens(asked)
        if asked.headers.get("authorization") == "Bearer good-token":
            return IMAGE.answer(asked.path)
        offer = f'Bearer realm="{server()}/token?x=1",service="here",scope="repository:a/b:pull"'
        return Said(401, {"WWW-Authenticate": offer})

    return script


def with_tokens(tokens: Callable[[Asked], Said]) -> tuple[Script, list[Server]]:
    """The script and a place for the server it will run on."""
    place: list[Server] = []
    return bearer(lambda: place[0].url, tokens), place


def test_an_anonymous_token_is_fetched_once_a_repository() -> None:
    script, place = with_tokens(lambda _asked: Said(200, {}, b'{"access_token": "good-token"}'))
    with serving(script) as server:
        place.append(server)
        client = RegistryClient()
        resolve(client, f"{server.host}/a/b:1", BOTH)
        resolve(client, f"{server.host}/a/b:2", BOTH)
        asked = [each for each in server.asked if each.path.startswith("/token")]
    assert [each.path for each in asked] == [
        "/token?x=1&scope=repository%3Aa%2Fb%3Apull&service=here"
    ]
    assert "authorization" not in asked[0].headers


def test_a_login_goes_to_the_token_server_and_stays_out_of_words() -> None:
    pair = "Basic " + base64.b64encode(b"me:a-password-of-mine").decode()

    def tokens(asked: Asked) -> Said:
        right = asked.headers.get("authorization") == pair
        refusal = b'{"errors": [{"code": "DENIED", "message": "a-password-of-mine is wrong"}]}'
        return Said(200, {}, b'{"token": "good-token"}') if right else Said(401, {}, refusal)

    script, place = with_tokens(tokens)
    with serving(script) as server:
        place.append(server)
        client = RegistryClient(logins=[Login(server.host, "me", "a-password-of-mine")])
        assert resolve(client, f"{server.host}/a/b:1", ARM).digest == IMAGE.top
        wrong = RegistryClient(logins=[Login(server.host, "me", "another-wrong-one")])
        with pytest.raises(RegistryTrouble) as told:
            resolve(wrong, f"{server.host}/a/b:1", ARM)
        with pytest.raises(RegistryTrouble) as anonymous:
            resolve(RegistryClient(), f"{server.host}/a/b:1", ARM)
    assert told.value.kind is Kind.LOGIN_REFUSED
    assert anonymous.value.kind is Kind.NEEDS_LOGIN
    for each in (told.value, anonymous.value):
        assert "a-password-of-mine" not in f"{each} {each.why} {each!r}"
    assert known_secrets.mask("good-token") != "good-token"


def test_a_login_for_one_registry_is_shown_to_no_other() -> None:
    offer = Said(401, {"WWW-Authenticate": 'Basic realm="here"'})
    with serving(lambda _asked: offer) as server:
        client = RegistryClient(logins=[Login("registry.example.org", "me", "a-password")])
        with pytest.raises(RegistryTrouble) as told:
            resolve(client, f"{server.host}/a/b:1", ARM)
        assert told.value.kind is Kind.NEEDS_LOGIN
        assert not any("authorization" in each.headers for each in server.asked)


def test_a_redirection_to_elsewhere_takes_no_login_along() -> None:
    with serving(answers) as elsewhere:

        def script(asked: Asked) -> Said:
            if "authorization" not in asked.headers:
                return Said(401, {"WWW-Authenticate": 'Basic realm="here"'})
            return Said(307, {"Location": f"{elsewhere.url}{asked.path}"})

        with serving(script) as server:
            client = RegistryClient(logins=[Login(server.host, "me", "a-password-of-mine")])
            assert resolve(client, f"{server.host}/a/b:1", ARM).digest == IMAGE.top
    assert elsewhere.asked
    assert not any("authorization" in each.headers for each in elsewhere.asked)


def test_a_redirection_within_the_server_keeps_the_login() -> None:
    def script(asked: Asked) -> Said:
        if "authorization" not in asked.headers:
            return Said(401, {"WWW-Authenticate": 'Basic realm="here"'})
        if asked.path.startswith("/v2/a/"):
            return Said(302, {"Location": asked.path.replace("/v2/a/", "/v2/moved/")})
        return IMAGE.answer(asked.path)

    with serving(script) as server:
        client = RegistryClient(logins=[Login(server.host, "me", "a-password-of-mine")])
        assert resolve(client, f"{server.host}/a/b:1", ARM).digest == IMAGE.top


@pytest.mark.parametrize(
    "script",
    [
        lambda _asked: Said(302, {"Location": "http://registry.example.org/v2/"}),
        lambda _asked: Said(
            401, {"WWW-Authenticate": 'Bearer realm="http://registry.example.org/token"'}
        ),
    ],
    ids=["redirection", "realm"],
)
def test_nobody_is_asked_over_an_unprotected_connection(script: Script) -> None:
    told = trouble(script, login=True)
    assert told.kind is Kind.NOT_TRUSTED
    assert "unprotected" in told.why


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (Said(404, {}, b'{"errors": [{"code": "NAME_UNKNOWN"}]}'), Kind.NO_REPOSITORY, "a/b"),
        (Said(404, {}, b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}'), Kind.NO_VERSION, "no 1 of"),
        (Said(404, {}, b"<html>"), Kind.NO_VERSION, "no 1 of"),
        (Said(401, {"WWW-Authenticate": "Negotiate"}), Kind.NEEDS_LOGIN, "without a login"),
        (Said(403), Kind.NEEDS_LOGIN, "without a login"),
        (Said(503), Kind.UNREACHABLE, "503"),
        (Said(418, {}, b'{"errors": [{"code": "X", "message": "te\\na"}]}'),
         Kind.NOT_UNDERSTOOD, "418 (X te a)"),
        (Said(200, {}, b"<html>"), Kind.NOT_UNDERSTOOD, "JSON"),
        (Said(200, {}, b'{"schemaVersion": 1}'), Kind.NOT_UNDERSTOOD, "2017"),
        (Said(200, {}, b'{"manifests": [{"platform": "x"}]}'), Kind.NOT_UNDERSTOOD, "damaged"),
        (Said(200, {"Docker-Content-Digest": "sha256:" + "0" * 64}, b"{}"),
         Kind.NOT_TRUSTED, "other bytes"),
        (Said(200, {}, b" " * (LARGEST_ANSWER + 1)), Kind.UNREACHABLE, "larger"),
        (Said(302, {"Location": "/v2/round/and/round"}), Kind.NOT_UNDERSTOOD, "never answers"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_every_refusal_is_told_apart(said: Said, kind: Kind, words: str) -> None:
    told = trouble(lambda _asked: said)
    assert told.kind is kind, told
    assert words in told.why


def test_being_asked_to_wait_is_passed_on_in_seconds() -> None:
    told = trouble(lambda _asked: Said(429, {"Retry-After": "17"}))
    assert (told.kind, told.retry_after) == (Kind.RATE_LIMITED, 17.0)
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    told = trouble(lambda _asked: Said(429, {"Retry-After": later}))
    assert told.retry_after is not None
    assert 80 < told.retry_after <= 90
    assert trouble(lambda _asked: Said(429, {"Retry-After": "soon"})).retry_after is None


def test_what_is_pinned_must_be_those_bytes() -> None:
    other = made_image("linux/arm64", layer=5)

    def swapped(asked: Asked) -> Said:
        return Said(200, {}, other.documents[other.top][1])

    told = trouble(swapped, f"a/b@{IMAGE.top}")
    assert told.kind is Kind.NOT_TRUSTED
    with serving(answers) as server:
        found = resolve(RegistryClient(), f"{server.host}/a/b:old@{IMAGE.top}", ARM)
        assert server.asked[0].path.endswith(IMAGE.top)
    assert found.digest == IMAGE.top


def test_nobody_there_is_unreachable() -> None:
    with serving(answers) as server:
        host = server.host
    with pytest.raises(RegistryTrouble) as told:
        resolve(RegistryClient(), f"{host}/a/b:1", ARM)
    assert told.value.kind is Kind.UNREACHABLE
    assert "refused" in told.value.why


def test_a_server_that_speaks_no_tls_is_not_trusted() -> None:
    """The wire maps a host asked over TLS to a plain server, as a wrong port would."""
    with serving(answers) as server:
        client = RegistryClient(Wire(f"https://{server.host}"))
        with pytest.raises(RegistryTrouble) as told:
            resolve(client, "registry.example.org/a/b:1", ARM)
    assert told.value.kind is Kind.NOT_TRUSTED


def test_a_proxy_is_used_with_its_login_and_never_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(lambda _asked: Said(502)) as proxy, serving(answers) as server:
        monkeypatch.setenv("https_proxy", f"http://me:a-proxy%20password@{proxy.host}")
        monkeypatch.setenv("http_proxy", f"http://me:a-proxy%20password@{proxy.host}")
        assert resolve(RegistryClient(), f"{server.host}/a/b:1", ARM).digest == IMAGE.top
        assert proxy.asked == []
        with pytest.raises(RegistryTrouble) as told:
            resolve(RegistryClient(), "registry.example.org/a/b:1", ARM)
    assert told.value.kind is Kind.UNREACHABLE
    assert "password" not in f"{told.value} {told.value.why}"
    assert known_secrets.mask("a-proxy password") != "a-proxy password"
    assert [each.method for each in proxy.asked] == ["CONNECT"]
    pair = base64.b64encode(b"me:a-proxy password").decode()
    assert proxy.asked[0].headers["proxy-authorization"] == f"Basic {pair}"


def test_the_digest_now_needs_no_pull() -> None:
    with serving(answers) as server:
        image = Reference.parse(f"{server.host}/a/b:1")
        assert RegistryClient().digest_now(image) == IMAGE.top
        assert [each.method for each in server.asked] == ["HEAD"]

    def silent(asked: Asked) -> Said:
        kind, body = IMAGE.documents[IMAGE.top]
        return Said(200, {"Content-Type": kind}, body)

    with serving(silent) as server:
        image = Reference.parse(f"{server.host}/a/b:1")
        assert RegistryClient().digest_now(image) == digest_of(IMAGE.documents[IMAGE.top][1])


def test_all_images_are_resolved_and_all_troubles_told() -> None:
    def script(asked: Asked) -> Said:
        return Said(404) if "/lost/" in asked.path else IMAGE.answer(asked.path)

    with serving(script) as server:
        names = [f"{server.host}/{name}:1" for name in ("a/b", "lost/c", "lost/d", "e/f", "a/b")]
        found = resolve_all(RegistryClient(), [*names, "No Reference"], ARM)
    assert [each.reference for each in found.found] == [names[0], names[3]]
    assert [each.kind for each in found.troubles] == [
        Kind.NO_VERSION,
        Kind.NO_VERSION,
        Kind.NOT_A_REFERENCE,
    ]


def test_a_registry_that_wants_peace_is_not_asked_for_its_other_images() -> None:
    with serving(lambda _asked: Said(429, {"Retry-After": "9"})) as busy, serving(answers) as other:
        names = [f"{busy.host}/a/{number}:1" for number in range(20)]
        found = resolve_all(RegistryClient(), [*names, f"{other.host}/a/b:1"], ARM)
        assert len(busy.asked) <= AT_A_TIME
    assert [each.subject for each in found.troubles] == names
    assert {(each.kind, each.retry_after) for each in found.troubles} == {(Kind.RATE_LIMITED, 9.0)}
    assert len(found.found) == 1


def test_several_challenges_are_read_from_one_line() -> None:
    read = challenges(['Basic realm="a, \\"b\\"", Bearer realm=https, service="x"', "Negotiate"])
    assert [each.scheme for each in read] == ["basic", "bearer", "negotiate"]
    assert read[0].parameters == {"realm": 'a, "b"'}
    assert read[1].parameters == {"realm": "https", "service": "x"}
