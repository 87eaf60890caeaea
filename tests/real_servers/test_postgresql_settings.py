"""Whether the database server takes every line of its rendered configuration.

The image is PostgreSQL 18, Debian's package 15. What 15 does not know is listed here and nowhere
else, so that a setting which no version knows cannot hide among them.
"""

from __future__ import annotations

import re

import pytest

from tests.real_servers.postgresql import NEWER_ARGUMENTS, Database

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

# Setting -> the version that brought it.
NEWER_SETTINGS: dict[str, int] = {}


def test_every_rendered_setting_is_applied(
    health_database: Database, auth_database: Database
) -> None:
    for made in (health_database, auth_database):
        version = int(made.administrator("postgres", "SHOW server_version_num")[0]) // 10000
        unknown = {name for name, since in NEWER_SETTINGS.items() if version < since}
        rows = made.administrator("postgres", "SELECT name, applied, error FROM pg_file_settings")
        refused = {row.split("|")[0] for row in rows if not row.endswith("|t|")}
        assert refused == unknown, rows
        assert {row.split("|")[0] for row in rows} == _rendered_names(made)


def test_the_server_uses_the_rendered_values(
    health_database: Database, auth_database: Database
) -> None:
    for made in (health_database, auth_database):
        # Set again by the command line or by the server itself would show as another source.
        elsewhere = made.administrator(
            "postgres",
            "SELECT f.name FROM pg_file_settings f JOIN pg_settings s USING (name) "
            "WHERE s.source <> 'configuration file'",
        )
        assert elsewhere == ()
        rendered = _rendered(made)
        for name in ("max_connections", "shared_buffers", "work_mem", "log_statement"):
            assert made.administrator("postgres", f"SHOW {name}") == (rendered[name],)


def test_the_cluster_is_made_with_checksums_and_one_order_of_texts(
    health_database: Database,
) -> None:
    assert health_database.administrator("postgres", "SHOW data_checksums") == ("on",)
    locale = "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database"
    assert set(health_database.administrator("postgres", locale)) == {"UTF8|C.UTF-8|C.UTF-8"}


def test_only_known_arguments_are_left_out_for_an_older_initdb(health_database: Database) -> None:
    cluster, pod = health_database.site.cluster, health_database.server.pod
    wanted = pod.container("postgresql").environment(cluster.secrets)["INITDB_ARGS"].split()
    newer = {word for words in NEWER_ARGUMENTS.values() for word in words}
    assert newer <= set(wanted), "no longer rendered: take it out of the list"


def test_nobody_enters_without_a_password_not_even_from_the_same_machine(
    health_database: Database,
) -> None:
    rules = health_database.administrator(
        "postgres", "SELECT type, auth_method, error FROM pg_hba_file_rules"
    )
    assert rules
    assert {row.split("|", 1)[1] for row in rules} == {"scram-sha-256|"}


def _rendered(made: Database) -> dict[str, str]:
    """The settings of the rendered file, unquoted."""
    data = made.site.cluster.body("ConfigMap", made.server.pod.name)["data"]
    lines = re.findall(r"^(\w+) *= *(.+?) *$", data["postgresql.conf"], re.MULTILINE)
    return {name: value.strip("'") for name, value in lines}


def _rendered_names(made: Database) -> set[str]:
    return set(_rendered(made))
