"""Both caches on the rendered configuration.

The image is Valkey 9.1; where this machine has none, Redis takes its place. Both refuse to start on
a setting they do not know, so every rendered setting is known to the one used here.
"""

from __future__ import annotations

import re

import pytest

from tests.real_servers.caches import ask, cache, say, setting
from tests.real_servers.extracting import secret_values
from tests.real_servers.processes import Site, until
from tests.real_servers.servers import Server, running
from tests.real_servers.watching import ArgumentsWatch

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

# A cache may hold 64 MiB; these are keys of 128 KiB each, so many that they are twice that.
_TOO_MUCH = 1000
_FILL = "for i = 1, ARGV[1] do redis.call('SET', 'fill:' .. i, string.rep('x', 2^17)) end"


def test_all_probes_of_the_caches_pass(health_cache: Server, auth_cache: Server) -> None:
    for server in (health_cache, auth_cache):
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert server.passes(probe), server.process.trouble(probe)


def test_the_generated_password_opens_a_cache_and_nothing_else_does(
    health_cache: Server, auth_cache: Server
) -> None:
    for server, other in ((health_cache, auth_cache), (auth_cache, health_cache)):
        assert ask(server, "PING") == "PONG"
        assert "NOAUTH" in say(server, None, "PING")
        for wrong in ("x" * 43, other.secret("password")):
            answer = say(server, wrong, "PING")
            assert "WRONGPASS" in answer
            assert "PONG" not in answer


def test_a_probe_fails_when_the_password_is_not_the_servers(
    site: Site, health_cache: Server
) -> None:
    changed = site.cluster.with_secret("redis-health-secret", password="N" * 43)
    stranger = cache(Site(changed, site.new_folder()), "redis-health")
    stranger.more_for_probes = health_cache.more_for_probes
    assert not stranger.passes("readinessProbe")


def test_the_settings_are_the_rendered_ones(health_cache: Server, auth_cache: Server) -> None:
    for server in (health_cache, auth_cache):
        assert setting(server, "maxmemory-policy") == "noeviction"
        assert setting(server, "maxmemory") == str(64 * 2**20)
        assert setting(server, "databases") == "16"
        assert setting(server, "dir") == str(server.mapping.path("/data").resolve())
    assert setting(health_cache, "appendonly") == "yes"
    assert setting(auth_cache, "appendonly") == "no"
    assert setting(auth_cache, "save") == ""


def test_a_full_cache_refuses_new_keys_and_forgets_none(site: Site) -> None:
    with running(cache(site, "redis-health")) as server:
        assert ask(server, "SET", "blocklist:token", "revoked", "EX", "3600") == "OK"
        # A script is asked once, when it begins, whether there is room.
        ask(server, "EVAL", _FILL, "0", str(_TOO_MUCH))
        assert "OOM" in ask(server, "SET", "one:more", "x")
        assert ask(server, "GET", "blocklist:token") == "revoked"
        assert "evicted_keys:0" in ask(server, "INFO", "stats")


def test_a_revoked_login_stays_revoked_over_a_restart(health_cache: Server) -> None:
    assert ask(health_cache, "SET", "blocklist:token", "revoked", "EX", "3600") == "OK"
    assert until(lambda: _synced(health_cache), 10)
    health_cache.restart()
    assert ask(health_cache, "GET", "blocklist:token") == "revoked"
    assert 0 < int(ask(health_cache, "TTL", "blocklist:token")) <= 3600


def test_the_login_cache_keeps_nothing(auth_cache: Server) -> None:
    assert ask(auth_cache, "SET", "webauthn:reg:1", "pending", "EX", "300") == "OK"
    auth_cache.restart()
    assert ask(auth_cache, "EXISTS", "webauthn:reg:1") == "0"
    assert list(auth_cache.mapping.path("/data").iterdir()) == []


def test_a_changed_password_is_in_force_after_a_restart(site: Site, auth_cache: Server) -> None:
    changed = site.cluster.with_secret("redis-auth-secret", password="N" * 43)
    with running(cache(Site(changed, site.new_folder()), "redis-auth")) as server:
        assert say(server, "N" * 43, "PING") == "PONG"
        assert "WRONGPASS" in say(server, auth_cache.secret("password"), "PING")


def test_no_password_of_a_cache_is_shown(health_cache: Server, auth_cache: Server) -> None:
    secrets = secret_values(health_cache.cluster)
    with ArgumentsWatch() as watch:
        for server in (health_cache, auth_cache):
            assert server.passes("readinessProbe")
    assert watch.saw("valkey-server") or watch.saw("redis-server")
    assert watch.leaks(secrets) == []
    for server in (health_cache, auth_cache):
        assert not any(secret in server.process.told() for secret in secrets)


def _synced(server: Server) -> bool:
    """Whether all that was written is on the disk."""
    figures = ask(server, "INFO", "persistence")
    assert "aof_enabled:1" in figures
    return re.search(r"aof_pending_bio_fsync:0\b", figures) is not None
