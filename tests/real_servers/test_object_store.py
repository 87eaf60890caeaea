"""The object store on the rendered configuration: SeaweedFS of the image's version, from its wheel.

The bucket's script runs with the curl of this machine, which is older than the image's.
"""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.real_servers.extracting import secret_values
from tests.real_servers.object_store import BUCKET, Keys, ObjectStore, refusal
from tests.real_servers.processes import run_to_end, until
from tests.real_servers.servers import page
from tests.real_servers.watching import ArgumentsWatch

pytestmark = [pytest.mark.real_servers, pytest.mark.slow]

INTERNAL_S3_PORT = 9001
CONTENT = b"steps: 4711\n"
RAW = "raw/StepsRecord/2026/11/23/1_20261123.avro"
JOURNAL = "training/activity/2026/11/health_journal_2026_11.jsonl"


def test_the_program_is_of_the_version_of_the_image(store: ObjectStore) -> None:
    version = store.server.process.run("weed", "version").stdout.split()[2]
    assert store.server.container.body["image"].split("@")[0].endswith(f":{version}")


def test_all_probes_of_the_store_pass(store: ObjectStore) -> None:
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert store.server.passes(probe), store.server.process.trouble(probe)


def test_the_bucket_keeps_versions_and_has_the_configured_rules(store: ObjectStore) -> None:
    root = store.by("root")
    assert [bucket["Name"] for bucket in root.list_buckets()["Buckets"]] == [BUCKET]
    assert root.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    rules = root.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert all(rule["Status"] == "Enabled" for rule in rules)
    days = {
        _prefix(rule): rule["Expiration"]["Days"]
        for rule in rules
        if "Days" in rule.get("Expiration", {})
    }
    assert days == {"raw/": 2555, "processed/": 3650, "quarantine/": 30, "analytics/": 365}
    old = [
        rule["NoncurrentVersionExpiration"]
        for rule in rules
        if "NoncurrentVersionExpiration" in rule
    ]
    assert [entry["NoncurrentDays"] for entry in old] == [30]
    unfinished = [rule for rule in rules if "AbortIncompleteMultipartUpload" in rule]
    assert [_prefix(rule) for rule in unfinished] == [""]
    assert not any(_prefix(rule).startswith("training") for rule in rules)


def test_the_init_job_changes_nothing_the_second_time(store: ObjectStore) -> None:
    store.by("health-api").put_object(Bucket=BUCKET, Key=RAW, Body=CONTENT)
    before = _shape(store)
    again = store.init()
    assert again.code == 0, again.trouble
    assert _shape(store) == before
    assert store.by("etl").get_object(Bucket=BUCKET, Key=RAW)["Body"].read() == CONTENT


def test_neither_job_nor_server_shows_a_key(store: ObjectStore) -> None:
    secrets = secret_values(store.site.cluster)
    with ArgumentsWatch() as watch:
        again = store.init()
    assert again.code == 0, again.trouble
    assert watch.saw("--aws-sigv4"), "the watch has not seen the job's curl"
    assert watch.saw("-s3.config="), "the watch has not seen the server"
    assert watch.leaks(secrets) == []
    for place in (again.printed, store.server.process.told()):
        assert not any(secret in place for secret in secrets)


def test_the_health_api_puts_uploads_and_sees_that_the_bucket_is_there(store: ObjectStore) -> None:
    api = store.by("health-api")
    assert api.head_bucket(Bucket=BUCKET)["ResponseMetadata"]["HTTPStatusCode"] == 200
    put = api.put_object(
        Bucket=BUCKET,
        Key=RAW,
        Body=CONTENT,
        ContentType="application/octet-stream",
        Metadata={"user-id": "1"},
        ChecksumAlgorithm="CRC32",
    )
    assert put["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert put["VersionId"]
    found = store.by("etl").get_object(Bucket=BUCKET, Key=RAW)
    assert (found["Body"].read(), found["Metadata"]) == (CONTENT, {"user-id": "1"})


def test_an_upload_whose_checksum_is_wrong_is_refused(store: ObjectStore) -> None:
    api = store.by("health-api")
    wrong = {"Bucket": BUCKET, "Key": "raw/damaged", "Body": CONTENT, "ChecksumCRC32": "AAAAAA=="}
    assert refusal(api.put_object, **wrong)
    assert refusal(store.by("etl").get_object, Bucket=BUCKET, Key="raw/damaged") == "NoSuchKey"


def test_a_checksum_sent_behind_the_content_is_understood(store: ObjectStore) -> None:
    # How boto3 uploads a stream of unknown length, and everything over TLS.
    api = store.by("health-api")
    with subprocess.Popen(["printf", "%s", "steps"], stdout=subprocess.PIPE) as stream:
        assert stream.stdout is not None
        api.upload_fileobj(stream.stdout, BUCKET, "raw/streamed")
    assert store.by("etl").get_object(Bucket=BUCKET, Key="raw/streamed")["Body"].read() == b"steps"


def test_the_etl_engine_reads_lists_and_learns_that_a_key_is_missing(store: ObjectStore) -> None:
    store.by("health-api").put_object(Bucket=BUCKET, Key=RAW, Body=CONTENT)
    etl = store.by("etl")
    listed = etl.list_objects_v2(Bucket=BUCKET, Prefix="raw/StepsRecord/")["Contents"]
    assert [entry["Key"] for entry in listed] == [RAW]
    assert etl.head_object(Bucket=BUCKET, Key=RAW)["ContentLength"] == len(CONTENT)
    # The first write of a month begins with this answer; another one makes the write fail.
    assert refusal(etl.get_object, Bucket=BUCKET, Key=f"{JOURNAL}.absent") == "NoSuchKey"
    assert refusal(etl.head_object, Bucket=BUCKET, Key=f"{JOURNAL}.absent") == "404"
    etl.put_object(Bucket=BUCKET, Key=JOURNAL, Body=b"{}\n")
    etl.put_object(Bucket=BUCKET, Key=JOURNAL, Body=b"{}\n{}\n")
    assert etl.get_object(Bucket=BUCKET, Key=JOURNAL)["Body"].read() == b"{}\n{}\n"
    kept = store.by("root").list_object_versions(Bucket=BUCKET, Prefix=JOURNAL)["Versions"]
    assert len(kept) == 2


def test_the_backup_reads_everything_and_writes_nothing(store: ObjectStore) -> None:
    store.by("health-api").put_object(Bucket=BUCKET, Key=RAW, Body=CONTENT)
    backup = store.by("backup")
    assert backup.get_object(Bucket=BUCKET, Key=RAW)["Body"].read() == CONTENT
    assert backup.list_objects_v2(Bucket=BUCKET)["KeyCount"] > 0
    assert refusal(backup.put_object, Bucket=BUCKET, Key=RAW, Body=b"") == "AccessDenied"
    assert refusal(backup.delete_object, Bucket=BUCKET, Key=RAW) == "AccessDenied"
    several = backup.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": RAW}]})
    assert [error["Code"] for error in several["Errors"]] == ["AccessDenied"]


def test_each_client_writes_only_where_its_own_files_are(store: ObjectStore) -> None:
    places = {"health-api": "raw/", "etl": "training/"}
    for who, own in places.items():
        client = store.by(who)
        client.put_object(Bucket=BUCKET, Key=f"{own}proof", Body=CONTENT)
        for other in {*places.values(), "processed/", ""} - {own}:
            put = {"Bucket": BUCKET, "Key": f"{other}proof-of-{who}", "Body": CONTENT}
            assert refusal(client.put_object, **put) == "AccessDenied", (who, other)


def test_no_client_may_make_buckets_or_change_how_long_files_are_kept(store: ObjectStore) -> None:
    suspended = {"VersioningConfiguration": {"Status": "Suspended"}}
    gone = {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    for who in ("health-api", "etl", "backup"):
        client = store.by(who)
        attempts: tuple[tuple[Any, dict[str, Any]], ...] = (
            (client.delete_bucket, {}),
            (client.put_bucket_versioning, suspended),
            (client.delete_bucket_lifecycle, {}),
            (
                client.put_bucket_lifecycle_configuration,
                {"LifecycleConfiguration": {"Rules": [gone]}},
            ),
            (client.put_bucket_acl, {"ACL": "public-read"}),
        )
        for call, arguments in attempts:
            assert refusal(call, Bucket=BUCKET, **arguments) == "AccessDenied", (who, call)
        assert refusal(client.create_bucket, Bucket=f"bucket-of-{who}") == "AccessDenied"


def test_the_health_api_may_not_list_the_bucket(store: ObjectStore) -> None:
    assert refusal(store.by("health-api").list_objects_v2, Bucket=BUCKET) == "AccessDenied"


def test_wrong_keys_and_no_keys_are_refused(store: ObjectStore) -> None:
    known = store.keys("etl").access
    strangers = {
        Keys(known, "x" * 40): "SignatureDoesNotMatch",
        Keys("X" * 20, store.keys("etl").secret): "InvalidAccessKeyId",
        Keys(): "AccessDenied",
    }
    for keys, wanted in strangers.items():
        client = store.client(keys)
        assert refusal(client.get_object, Bucket=BUCKET, Key=RAW) == wanted
        assert refusal(client.put_object, Bucket=BUCKET, Key=RAW, Body=b"") == wanted
        assert refusal(client.list_objects_v2, Bucket=BUCKET) == wanted


def test_the_metrics_are_where_the_service_says(store: ObjectStore) -> None:
    notes = store.site.cluster.body("Service", "minio")["metadata"]["annotations"]
    assert int(notes["health-install/scrape-port"]) == store.server.container.ports["metrics"]
    text = page(store.server.port("metrics"), notes["health-install/scrape-path"])
    assert "SeaweedFS_" in text


def test_expiry_rules_are_carried_out_by_the_neighbour(store: ObjectStore) -> None:
    root, etl = store.by("root"), store.by("etl")
    store.by("health-api").put_object(Bucket=BUCKET, Key="raw/old", Body=CONTENT)
    etl.put_object(Bucket=BUCKET, Key="training/kept", Body=CONTENT)
    rules = root.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    # Days cannot be waited for; a date in the past makes the same files due at once.
    past = [
        {**rule, "Expiration": {"Date": "2020-01-01T00:00:00Z"}}
        if _prefix(rule) == "raw/"
        else rule
        for rule in rules
    ]
    root.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": past})
    try:
        assert until(lambda: _expired(store, etl), 90, every=1), store.server.process.trouble(
            "kept"
        )
    finally:
        ended = store.init()
    assert ended.code == 0, ended.trouble
    assert etl.get_object(Bucket=BUCKET, Key="training/kept")["Body"].read() == CONTENT
    deleted = root.list_object_versions(Bucket=BUCKET, Prefix="raw/old")
    assert len(deleted["DeleteMarkers"]) == 1
    assert len(deleted["Versions"]) == 1


def test_files_outlive_the_pod(store: ObjectStore) -> None:
    store.by("health-api").put_object(Bucket=BUCKET, Key=RAW, Body=CONTENT)
    before = _shape(store)
    store.server.restart()
    store.server.wait_until_ready()
    # The first request counts: who was sent here because the pod is ready must be served.
    assert store.by("etl").get_object(Bucket=BUCKET, Key=RAW)["Body"].read() == CONTENT
    assert _shape(store) == before


def test_only_declared_ports_are_open_to_other_machines(store: ObjectStore) -> None:
    declared = {*store.server.container.ports.values(), INTERNAL_S3_PORT}
    wanted = {store.server.mapping.port(port) for port in declared}
    assert _open_to_all(store) == wanted


def test_the_internal_port_talks_only_to_who_holds_the_installations_certificate(
    store: ObjectStore, tmp_path: Path
) -> None:
    """It takes new keys without a login, and no network policy need stand before it."""
    identity = tmp_path / "identity.pem"
    identity.write_text(store.server.secret("identity.pem"))
    context = ssl.create_default_context(cafile=str(identity))
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # refuses during the handshake
    context.set_alpn_protocols(["h2"])
    address = ("127.0.0.1", store.server.mapping.port(INTERNAL_S3_PORT))
    with (
        socket.create_connection(address, timeout=10) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(plain, server_hostname="localhost")
    context.load_cert_chain(str(identity))
    with (
        socket.create_connection(address, timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        assert secure.selected_alpn_protocol() == "h2"


def _expired(store: ObjectStore, etl: Any) -> bool:
    ended = run_to_end(store.expire_process())
    assert ended.code == 0, ended.trouble
    found = etl.list_objects_v2(Bucket=BUCKET, Prefix="raw/old")
    return bool(found["KeyCount"] == 0)


def _prefix(rule: dict[str, Any]) -> str:
    prefix: str = rule.get("Filter", {}).get("Prefix", rule.get("Prefix", ""))
    return prefix


def _shape(store: ObjectStore) -> tuple[Any, ...]:
    """What the init job makes, and the files that it must leave alone."""
    root = store.by("root")
    return (
        root.get_bucket_versioning(Bucket=BUCKET)["Status"],
        root.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"],
        [entry["VersionId"] for entry in root.list_object_versions(Bucket=BUCKET)["Versions"]],
    )


def _open_to_all(store: ObjectStore) -> set[int]:
    """Ports the server listens on beyond the loopback address."""
    psutil: Any = pytest.importorskip("psutil")
    listening = psutil.net_connections("tcp")
    group = store.server.group
    return {
        entry.laddr.port
        for entry in listening
        if entry.status == "LISTEN"
        and entry.pid == group
        and not re.match(r"127\.|::1$", entry.laddr.ip)
    }
