"""The mapping and the watch themselves: what they must find, and what they must leave alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.real_servers.mapping import Mapping
from tests.real_servers.watching import ArgumentsWatch

MAPPING = Mapping(
    Path("/x"), ("/data", "/etc/db", "/tmp"), ((5672, 1111), (9000, 2222)), ("minio", "db")
)


@pytest.mark.parametrize(
    ("written", "mapped"),
    [
        ("config_file=/etc/db/db.conf", "config_file=/x/etc/db/db.conf"),
        ('dir = "/data/filer"', 'dir = "/x/data/filer"'),
        ("/tmp", "/x/tmp"),
        ("/database /etc/db2 ${A}/tmp a/tmp", "/database /etc/db2 ${A}/tmp a/tmp"),
        ("listeners.tcp.default = 5672", "listeners.tcp.default = 1111"),
        ("management.tcp.port = 15672", "management.tcp.port = 15672"),
        ("http://minio:9000", "http://127.0.0.1:2222"),
        ("amqp://etl:minio@db:5672/", "amqp://etl:minio@127.0.0.1:1111/"),
        ("db", "127.0.0.1"),
        ("{address: db, port_value: 5672}", "{address: 127.0.0.1, port_value: 1111}"),
        ("cluster: db, name: minio", "cluster: db, name: minio"),
        ("webdb db-secret minio-init", "webdb db-secret minio-init"),
    ],
)
def test_only_whole_paths_ports_and_hosts_are_mapped(written: str, mapped: str) -> None:
    assert MAPPING.text(written) == mapped


def test_the_mapping_is_told_in_words() -> None:
    assert "path /data is /x/data" in MAPPING.words()
    assert "port 5672 is 1111" in MAPPING.words()
    assert "host minio is 127.0.0.1" in MAPPING.words()


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc here")
def test_the_watch_finds_a_password_among_arguments() -> None:
    with ArgumentsWatch() as watch:
        sleeping = "import time; time.sleep(0.3)"
        subprocess.run([sys.executable, "-c", sleeping, "--key=hush-hush"], check=True)
    assert watch.leaks({"hush-hush"}) == [sys.executable]
    assert watch.leaks({"other"}) == []
