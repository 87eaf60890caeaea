"""Both databases on the rendered configuration."""

from __future__ import annotations

import pytest

from tests.real_servers.extracting import secret_values
from tests.real_servers.postgresql import EXPORTER, Database
from tests.real_servers.watching import ArgumentsWatch

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

HEALTH, AUTH = "healthdb", "webauthn"
KEY = "INSERT INTO jwt_signing_keys (key_id, private_key_pem, public_key_pem, status) VALUES"


def test_all_probes_of_the_databases_pass(
    health_database: Database, auth_database: Database
) -> None:
    for made in (health_database, auth_database):
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert made.server.passes(probe), made.server.process.trouble(probe)


def test_the_generated_passwords_open_the_databases_and_nothing_else_does(
    health_database: Database, auth_database: Database
) -> None:
    for made, name in ((health_database, HEALTH), (auth_database, AUTH)):
        secret = made.server.secret
        accounts = {
            "postgres": secret("postgres-password"),
            secret("username"): secret("password"),
            EXPORTER: secret("exporter-password"),
        }
        for user, password in accounts.items():
            said = made.ask(user, password, name, "SELECT 1")
            assert said.rows == ("1",), said.error
            assert "authentication failed" in made.ask(user, "x" * 43, name, "SELECT 1").error
            assert "no password supplied" in made.ask(user, None, name, "SELECT 1").error


def test_the_init_jobs_change_nothing_the_second_time(
    health_database: Database, auth_database: Database
) -> None:
    for made, name in ((health_database, HEALTH), (auth_database, AUTH)):
        before = _shape(made, name)
        again = made.init()
        assert again.code == 0, again.trouble
        assert _shape(made, name) == before


def test_the_init_jobs_show_no_password(health_database: Database, auth_database: Database) -> None:
    secrets = secret_values(health_database.site.cluster)
    for made in (health_database, auth_database):
        with ArgumentsWatch() as watch:
            again = made.init()
        assert again.code == 0, again.trouble
        assert watch.saw("roles.sql"), "the watch has not seen the job's psql"
        assert watch.leaks(secrets) == []
        for place in (again.printed, made.server.process.told()):
            assert not any(secret in place for secret in secrets)


def test_the_health_application_owns_its_database_and_makes_its_tables(
    health_database: Database,
) -> None:
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    assert health_database.administrator(HEALTH, owner) == ("healthapi",)
    made = health_database.application(
        HEALTH,
        "CREATE TABLE IF NOT EXISTS proof (id serial PRIMARY KEY, word text)",
        "INSERT INTO proof (word) VALUES ('kept') RETURNING id",
        "DROP TABLE proof",
    )
    assert made.rows == ("1",), made.error


def test_the_login_application_reads_and_writes_its_four_tables_only(
    auth_database: Database,
) -> None:
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    assert auth_database.administrator(AUTH, tables) == (
        "jwt_key_audit_log",
        "jwt_signing_keys",
        "webauthn_credentials_secure",
        "webauthn_users_secure",
    )
    said = auth_database.application(
        AUTH,
        "INSERT INTO webauthn_users_secure VALUES (repeat('a', 64), repeat('b', 64), 'data')",
        "INSERT INTO webauthn_credentials_secure VALUES (repeat('c', 64), repeat('a', 64), 'data')",
        "DELETE FROM webauthn_users_secure",
        "SELECT count(*) FROM webauthn_credentials_secure",
    )
    assert said.rows == ("0",), said.error
    assert auth_database.application(AUTH, "CREATE TABLE proof (id int)").refused
    assert auth_database.application(AUTH, "DROP TABLE jwt_signing_keys").refused


def test_a_second_active_signing_key_is_refused(auth_database: Database) -> None:
    first = auth_database.application(AUTH, f"{KEY} ('one', 'p', 'q', 'ACTIVE')")
    assert not first.refused, first.error
    second = auth_database.application(AUTH, f"{KEY} ('two', 'p', 'q', 'ACTIVE')")
    assert "jwt_signing_keys_one_active" in second.error
    for status in ("PENDING", "RETIRED", "RETIRED", "DELETED"):
        other = f"{KEY} (gen_random_uuid()::text, 'p', 'q', '{status}')"
        assert not auth_database.application(AUTH, other).refused
    assert auth_database.application(AUTH, f"{KEY} ('three', 'p', 'q', 'LOST')").refused
    assert not auth_database.application(AUTH, "DELETE FROM jwt_signing_keys").refused


def test_the_sequence_of_the_audit_log_can_be_used(auth_database: Database) -> None:
    said = auth_database.application(
        AUTH,
        f"{KEY} ('audited', 'p', 'q', 'RETIRED')",
        "INSERT INTO jwt_key_audit_log (key_id, event) VALUES ('audited', 'MADE')",
        "SELECT count(*) FROM jwt_key_audit_log WHERE id = currval('jwt_key_audit_log_id_seq')",
        "DELETE FROM jwt_signing_keys WHERE key_id = 'audited'",
        "SELECT count(*) FROM jwt_key_audit_log",
    )
    assert said.rows == ("1", "0"), said.error


def test_one_application_cannot_enter_the_database_of_the_other(
    health_database: Database, auth_database: Database
) -> None:
    health, auth = health_database.server.secret, auth_database.server.secret
    strangers = (
        (auth_database, "healthapi", health("password"), AUTH),
        (auth_database, "webauthn", health("password"), AUTH),
        (health_database, "webauthn", auth("password"), HEALTH),
        (health_database, "healthapi", auth("password"), HEALTH),
    )
    for made, user, password, name in strangers:
        assert "authentication failed" in made.ask(user, password, name, "SELECT 1").error


def test_the_exporter_reads_statistics_and_no_data(
    health_database: Database, auth_database: Database
) -> None:
    for made, name in ((health_database, HEALTH), (auth_database, AUTH)):
        roles = (
            "SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid "
            f"WHERE m.member = '{EXPORTER}'::regrole"
        )
        assert made.administrator(name, roles) == ("pg_monitor",)
        password = made.server.secret("exporter-password")
        figures = "SELECT count(*) > 0 FROM pg_stat_activity WHERE query IS NOT NULL"
        for place in ("postgres", name):
            assert made.ask(EXPORTER, password, place, figures).rows == ("t",)
        assert made.ask(EXPORTER, password, name, "CREATE TABLE proof (id int)").refused
    password = auth_database.server.secret("exporter-password")
    keys = auth_database.ask(EXPORTER, password, AUTH, "SELECT * FROM jwt_signing_keys")
    assert "permission denied" in keys.error


def test_no_role_of_ours_is_more_than_it_must_be(
    health_database: Database, auth_database: Database
) -> None:
    more = (
        "SELECT rolname FROM pg_roles WHERE rolcanlogin AND "
        "(rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)"
    )
    hashes = "SELECT DISTINCT left(rolpassword, 14) FROM pg_authid WHERE rolcanlogin"
    for made in (health_database, auth_database):
        assert made.administrator("postgres", more) == ("postgres",)
        assert made.administrator("postgres", hashes) == ("SCRAM-SHA-256$",)


def test_a_changed_password_is_applied_by_the_init_job(health_database: Database) -> None:
    cluster = health_database.site.cluster
    name, old = "postgresql-health-secret", health_database.server.secret("password")
    changed = health_database.init(cluster.with_secret(name, password="N" * 43))
    try:
        assert changed.code == 0, changed.trouble
        assert health_database.ask("healthapi", old, HEALTH, "SELECT 1").refused
        assert not health_database.ask("healthapi", "N" * 43, HEALTH, "SELECT 1").refused
    finally:
        back = health_database.init()
    assert back.code == 0, back.trouble
    assert not health_database.ask("healthapi", old, HEALTH, "SELECT 1").refused


def test_an_init_job_with_a_wrong_administrator_password_fails_and_says_so(
    health_database: Database,
) -> None:
    wrong = health_database.site.cluster.with_secret(
        "postgresql-health-secret", postgres_password="W" * 43
    )
    ended = health_database.init(wrong)
    assert ended.code != 0
    assert "password authentication failed" in ended.printed
    assert "W" * 43 not in ended.printed


def test_a_changed_administrator_password_is_in_force_once_the_server_began_anew(
    health_database: Database,
) -> None:
    site, name = health_database.site, "postgresql-health-secret"
    old, new = health_database.server.secret("postgres-password"), "N" * 43
    changed = site.cluster.with_secret(name, postgres_password=new, password="M" * 43)
    health_database.server.stop()
    place = health_database.server.mapping.path("/run/secrets/postgresql") / "postgres-password"
    place.write_text(new, encoding="utf-8")
    try:
        with ArgumentsWatch() as watch:
            health_database.server.start()
        assert watch.leaks([new]) == []
        assert new not in health_database.server.process.told()
        assert health_database.ask("postgres", old, "postgres", "SELECT 1").refused
        assert not health_database.ask("postgres", new, "postgres", "SELECT 1").refused
        again = health_database.init(changed)
        assert again.code == 0, again.trouble
        assert not health_database.ask("healthapi", "M" * 43, HEALTH, "SELECT 1").refused
    finally:
        place.write_text(old, encoding="utf-8")
        health_database.server.restart()
        back = health_database.init()
    assert back.code == 0, back.trouble


def test_data_outlives_the_pod(auth_database: Database) -> None:
    kept = f"{KEY} ('kept', 'p', 'q', 'RETIRED')"
    assert not auth_database.application(AUTH, kept).refused
    auth_database.server.restart()
    found = auth_database.application(
        AUTH, "SELECT key_id FROM jwt_signing_keys", "DELETE FROM jwt_signing_keys"
    )
    assert found.rows == ("kept",), found.error


def _shape(made: Database, name: str) -> tuple[str, ...]:
    """Everything an init job makes: roles, rights, tables, indexes."""
    return made.administrator(
        name,
        "SELECT rolname, rolsuper, rolcanlogin, rolconnlimit FROM pg_roles ORDER BY 1",
        "SELECT roleid::regrole, member::regrole FROM pg_auth_members ORDER BY 1, 2",
        "SELECT datname, datdba::regrole, datacl FROM pg_database ORDER BY 1",
        "SELECT relname, relkind, relowner::regrole, relacl FROM pg_class "
        "WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
    )
