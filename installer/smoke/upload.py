"""A file on its whole way: the API, the object store, the broker and the processing engine."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from installer.smoke.object_store import Key, object_size
from installer.smoke.sample import RECORD_TYPE, steps_file
from installer.smoke.talking import ask_form, ask_json, upload
from installer.smoke.trying import Check, Ended, Finding, Near, NotAsExpected, World

_QUEUE = "health_data_processing"
_API = ("health-api", "health-api", 8001)
_STORE = ("health-data", "minio", 9000)
_BROKER = ("health-data", "rabbitmq", 15672)
_ENGINE = ("health-etl", "etl-engine", 8004)
_BUCKET = "health-data"
_SECONDS = 60.0


@dataclass(frozen=True)
class Login:
    """A token of the Health API; never shown."""

    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What a request carries to be let in."""
        return {"Authorization": f"Bearer {self.token}"}


def api_is_ready(world: World) -> Iterator[Finding]:
    """The API asks its database, cache, store and broker itself and says how they are."""
    title = "The Health API reaches all it needs"
    with world.reach(*_API) as near:
        answer = ask_json(near, "GET", "/health/ready")
    if answer.status == 200:
        yield Finding(title, Ended.GOOD, "database, cache, object store and broker")
    else:
        yield Finding(title, Ended.BAD, f"/health/ready answers {answer.status}.")


def a_file_goes_all_the_way(world: World) -> Iterator[Finding]:
    """Upload one small file and follow it. It stays, as does the user it is uploaded as."""
    with world.reach(*_API) as api:
        login = _log_in_with_password(api)
        before = _published(world)
        name, content = steps_file(int(time.time() * 1000), secrets.token_hex(8))
        answer = upload(api, "/v1/upload", name, content, login.headers)
        answer.expect("the upload", 202)
        yield Finding("A file is taken", Ended.GOOD, "the Health API answers 202")
        yield _is_stored(world, str(answer.json().get("object_key", "")), len(content))
        yield _is_listed(api, login, str(answer.json().get("correlation_id", "")))
        yield _logout_counts(api, login)
    yield _is_published(world, before)
    if world.option("health-services", "etl", True):
        yield from _is_processed(world)


def _log_in_with_password(api: Near) -> Login:
    # Inside the cluster this way is always open; from outside the front door closes it.
    email, password = f"smoke-{secrets.token_hex(6)}@example.com", secrets.token_urlsafe(24)
    made = ask_json(api, "POST", "/auth/register", {"email": email, "password": password})
    made.expect("making a user", 201)
    answer = ask_form(api, "/auth/jwt/login", {"username": email, "password": password})
    return Login(str(answer.expect("logging in", 200).json()["access_token"]))


def _is_listed(api: Near, login: Login, upload_id: str) -> Finding:
    """The list of uploads comes out of the database."""
    title = "The upload is in the database"
    answer = ask_json(api, "GET", "/v1/upload/history", headers=login.headers)
    uploads = answer.expect("the list of uploads", 200).json().get("uploads") or []
    if [each.get("correlation_id") for each in uploads] == [upload_id]:
        return Finding(title, Ended.GOOD, f"with status {uploads[0].get('status')}")
    return Finding(title, Ended.BAD, f"The list has {len(uploads)} uploads, expected this one.")


def _logout_counts(api: Near, login: Login) -> Finding:
    title = "A logout counts at once"
    ask_json(api, "POST", "/auth/jwt/logout", headers=login.headers).expect("the logout", 204)
    again = ask_json(api, "GET", "/users/me", headers=login.headers)
    if again.status == 401:
        return Finding(title, Ended.GOOD, "the token is refused afterwards")
    return Finding(title, Ended.BAD, f"The token still works: the answer is {again.status}.")


def _is_stored(world: World, object_key: str, size: int) -> Finding:
    title = "The file is in the object store"
    if not object_key.startswith(f"raw/{RECORD_TYPE}/"):
        return Finding(title, Ended.BAD, "It lies outside raw/, where nothing else looks for it.")
    key = Key(
        world.secret("health-data", "minio-secret", "etl-access-key"),
        world.secret("health-data", "minio-secret", "etl-secret-key"),
    )
    with world.reach(*_STORE) as near:
        found = object_size(near, key, _BUCKET, object_key)
    if found == size:
        return Finding(title, Ended.GOOD, f"{size} bytes below raw/{RECORD_TYPE}/")
    return Finding(title, Ended.BAD, f"{found} bytes are there of {size} sent.")


def _queue(world: World) -> dict[str, object]:
    password = world.secret("health-data", "rabbitmq-secret", "rabbitmq-password")
    with world.reach(*_BROKER) as near:
        answer = ask_json(
            near, "GET", f"/api/queues/%2F/{quote(_QUEUE)}", headers=basic("admin", password)
        )
    return dict(answer.expect(f"the queue {_QUEUE}", 200).json())


def basic(user: str, password: str) -> dict[str, str]:
    """The header of a login by name and password."""
    both = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {both}"}


def _published(world: World) -> int:
    stats = _queue(world).get("message_stats")
    return int(stats.get("publish", 0)) if isinstance(stats, dict) else 0


def _is_published(world: World, before: int) -> Finding:
    title = "The broker gets its message"
    missing = world.eventually(
        lambda: "" if _published(world) > before else "no message came", _SECONDS
    )
    ended = Ended.BAD if missing else Ended.GOOD
    return Finding(title, ended, missing or f"one more message through {_QUEUE}")


def _is_processed(world: World) -> Iterator[Finding]:
    title = "The processing engine listens"
    consumers = int(str(_queue(world).get("consumers", 0)))
    if consumers == 1:
        yield Finding(title, Ended.GOOD, f"one consumer on {_QUEUE}")
    else:
        yield Finding(title, Ended.BAD, f"{consumers} consumers on {_QUEUE}, expected one.")
        return
    yield _outcome(world)


def _outcome(world: World) -> Finding:
    title = "The file is processed"

    def counted() -> str:
        return "" if sum(_processed(world)) else "the engine has counted no message"

    missing = world.eventually(counted, _SECONDS)
    if missing:
        return Finding(title, Ended.BAD, f"After {_SECONDS:.0f} seconds {missing}.")
    good, failed = _processed(world)
    if good:
        return Finding(title, Ended.GOOD, f"{good} messages processed, {failed} refused")
    return Finding(
        title,
        Ended.IMAGE,
        f"the engine took {failed} messages and refused all of them, as its studied version does "
        "with every record; a newer image may not",
    )


def _processed(world: World) -> tuple[int, int]:
    """Messages the engine counts as good and as failed."""
    with world.reach(*_ENGINE) as near:
        text = ask_json(near, "GET", "/metrics").expect("the engine's figures", 200).body.decode()
    counts = {"success": 0, "failed": 0}
    for line in text.splitlines():
        if line.startswith("etl_messages_processed_total{"):
            for status in counts:
                if f'status="{status}"' in line:
                    counts[status] += round(float(line.rsplit(" ", 1)[1]))
    return counts["success"], counts["failed"]


def uploads_are_limited(world: World) -> Iterator[Finding]:
    """Whether a wrong file is refused; the limit itself is left alone, it would hit real users."""
    title = "A file of another kind is refused"
    with world.reach(*_API) as api:
        login = _log_in_with_password(api)
        answer = upload(api, "/v1/upload", "notes.txt", b"not a record", login.headers)
    if 400 <= answer.status < 500:
        yield Finding(title, Ended.GOOD, f"the Health API answers {answer.status}")
    else:
        raise NotAsExpected(f"the Health API answers {answer.status} to a file that is not Avro.")


READY = Check("The Health API is ready", ("health-services",), api_is_ready)
WHOLE_WAY = Check("A file goes all the way", ("health-services",), a_file_goes_all_the_way)
REFUSAL = Check("A wrong file is refused", ("health-services",), uploads_are_limited)
