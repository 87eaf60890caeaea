"""What the login server finds when it starts: the wait for its tables, with a real database.

The server itself is a Java program that only its image has.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.real_servers import programs
from tests.real_servers.extracting import Cluster
from tests.real_servers.gateway import login_cluster
from tests.real_servers.postgresql import Database
from tests.real_servers.processes import Ended, Process, Site, run_to_end

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

_PORT = 5432
TABLES = {
    "webauthn_users_secure": {
        "user_handle_hash": "character(64)",
        "username_hash": "character(64)",
        "encrypted_user_data": "text",
        "created_at": "timestamp without time zone",
    },
    "webauthn_credentials_secure": {
        "credential_id_hash": "character(64)",
        "user_handle_hash": "character(64)",
        "encrypted_credential_data": "text",
        "registration_time": "timestamp without time zone",
    },
    "jwt_signing_keys": {
        "key_id": "character varying(64)",
        "private_key_pem": "text",
        "public_key_pem": "text",
        "algorithm": "character varying(16)",
        "key_size": "integer",
        "status": "character varying(16)",
        "created_at": "timestamp without time zone",
        "activated_at": "timestamp without time zone",
        "retired_at": "timestamp without time zone",
        "expires_at": "timestamp without time zone",
        "metadata": "jsonb",
    },
    "jwt_key_audit_log": {
        "id": "integer",
        "key_id": "character varying(64)",
        "event": "character varying(32)",
        "timestamp": "timestamp without time zone",
        "metadata": "jsonb",
    },
}
REQUIRED = {
    "webauthn_users_secure": {"user_handle_hash", "username_hash", "encrypted_user_data"},
    "webauthn_credentials_secure": {
        "credential_id_hash",
        "user_handle_hash",
        "encrypted_credential_data",
    },
    "jwt_signing_keys": {
        *("key_id", "private_key_pem", "public_key_pem", "algorithm", "key_size", "status"),
        "created_at",
    },
    "jwt_key_audit_log": {"id", "key_id", "event", "timestamp"},
}


@pytest.fixture(scope="module")
def login(auth_database: Database) -> Cluster:
    """The login module's objects, with the passwords of the database that runs."""
    password = auth_database.server.secret("password")
    return login_cluster().with_secret("postgresql-auth-secret", password=password)


def wait_for_schema(made: Database, cluster: Cluster, tries: str = "2") -> Ended:
    """Runs what runs before the login server to its end."""
    return run_to_end(waiting(made, cluster, tries))


def waiting(made: Database, cluster: Cluster, tries: str) -> Process:
    """The container that runs before the login server, laid out."""
    site = Site(cluster, made.site.new_folder())
    pod = cluster.pod("Deployment", "webauthn-server")
    # Only a server wants a user with a name; the client runs as the pod's own.
    image = replace(programs.postgresql(), user_with_a_name="")
    return site.prepare(pod, "wait-for-schema", image, ((_PORT, made.port),), {"TRIES": tries})


def test_t13_the_wait_ends_when_the_tables_are_there(
    auth_database: Database, login: Cluster
) -> None:
    ended = wait_for_schema(auth_database, login)
    assert ended.code == 0, ended.trouble
    assert ended.printed == "the login database has its tables\n"


def test_the_wait_says_what_is_missing_and_gives_up_after_a_while(
    auth_database: Database, login: Cluster
) -> None:
    auth_database.administrator("webauthn", "ALTER TABLE jwt_signing_keys RENAME TO put_away")
    try:
        ended = wait_for_schema(auth_database, login)
    finally:
        auth_database.administrator("webauthn", "ALTER TABLE put_away RENAME TO jwt_signing_keys")
    assert ended.code == 1
    assert 'relation "jwt_signing_keys" does not exist' in ended.printed


def test_a_password_that_does_not_fit_is_told_without_showing_it(
    auth_database: Database, login: Cluster
) -> None:
    wrong = login.with_secret("postgresql-auth-secret", password="w" * 43)
    ended = wait_for_schema(auth_database, wrong)
    assert ended.code == 1
    assert "password authentication failed" in ended.printed
    assert "w" * 43 not in ended.printed


def test_the_tables_have_the_columns_the_server_reads_and_writes(auth_database: Database) -> None:
    question = (
        "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull "
        "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' "
        "AND a.attnum > 0 AND NOT a.attisdropped"
    )
    columns: dict[str, dict[str, str]] = {}
    required: dict[str, set[str]] = {}
    for row in auth_database.administrator("webauthn", question):
        table, column, kind, must = row.split("|")
        columns.setdefault(table, {})[column] = kind
        if must == "t":
            required.setdefault(table, set()).add(column)
    assert columns == TABLES
    assert required == REQUIRED


def test_what_the_server_leaves_out_has_the_defaults_it_counts_on(auth_database: Database) -> None:
    said = auth_database.application(
        "webauthn",
        "INSERT INTO jwt_signing_keys (key_id, private_key_pem, public_key_pem, status) "
        "VALUES ('defaults', 'p', 'q', 'PENDING')",
        "SELECT algorithm, key_size, created_at IS NOT NULL, activated_at IS NULL "
        "FROM jwt_signing_keys WHERE key_id = 'defaults'",
        "DELETE FROM jwt_signing_keys WHERE key_id = 'defaults'",
    )
    assert said.rows == ("RS256|2048|t|t",), said.error


def test_removing_a_person_or_a_key_removes_what_belongs_to_it(auth_database: Database) -> None:
    rules = (
        "SELECT conrelid::regclass, confrelid::regclass, confdeltype "
        "FROM pg_constraint WHERE contype = 'f' ORDER BY conrelid::regclass::text"
    )
    assert auth_database.administrator("webauthn", rules) == (
        "jwt_key_audit_log|jwt_signing_keys|c",
        "webauthn_credentials_secure|webauthn_users_secure|c",
    )
