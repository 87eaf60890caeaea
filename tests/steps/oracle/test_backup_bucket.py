"""A private bucket in which nothing grows old, and a key of which there is never a third."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from installer.engine.errors import ExitCode
from installer.engine.events import Ending, Note
from installer.engine.step import Context, Step
from installer.kube.cluster import Cluster
from installer.kube.connection import Connection
from installer.oracle.access import account_opener
from installer.oracle.sdk import models
from installer.steps.backup_bucket import SECRET, BackupBucket, BackupKey, BackupPlan
from installer.steps.cluster_access import ClusterAccess
from installer.steps.namespaces import Namespaces
from tests.kube.rehearsed import namespace
from tests.oracle.world import Person, World

SPACE = "health-data"


@pytest.fixture
def careful(person: Person) -> Person:
    """Somebody who wants backups."""
    person.backups = BackupPlan(wanted=True, keep_days=14)
    return person


def quick(person: Person) -> list[Step]:
    """The account and the bucket."""
    return [each for each in person.steps() if each.group in ("Account", "Storage")]


def store(world: World) -> Any:
    return world.account().clients.client("objects")


def bucket_of(world: World, person: Person) -> Any:
    client = store(world)
    return client.get_bucket(client.get_namespace().data, person.recall("backup-bucket")).data


def put(world: World, person: Person, *names: str) -> None:
    client = store(world)
    space = client.get_namespace().data
    for name in names:
        client.put_object(space, person.recall("backup-bucket"), name, b"a dump")


def test_the_bucket_is_private_tagged_and_forgets_what_is_old(
    world: World, careful: Person
) -> None:
    assert careful.run("install", quick(careful)).error is None
    found = bucket_of(world, careful)
    assert found.public_access_type == "NoPublicAccess"
    assert found.versioning == "Disabled"
    assert found.freeform_tags["health-install"] == careful.id()
    client = store(world)
    (rule,) = client.get_object_lifecycle_policy(found.namespace, found.name).data.items
    assert (rule.action, rule.time_amount, rule.time_unit) == ("DELETE", 14, "DAYS")
    assert rule.is_enabled
    assert rule.object_name_filter is None
    assert careful.run("install", quick(careful)).ending is Ending.NOTHING_TO_DO
    assert careful.run("destroy", quick(careful)).error is None
    assert world.inventory() == []


def test_nothing_is_asked_of_object_storage_by_whoever_wants_no_backups(
    world: World, person: Person
) -> None:
    assert person.run("install", quick(person)).error is None
    assert not {"GetNamespace", "ListCustomerSecretKeys"} & set(world.operations())


def test_a_bucket_that_was_opened_or_lost_its_rule_is_put_right(
    world: World, careful: Person
) -> None:
    assert careful.run("install", quick(careful)).error is None
    found, client = bucket_of(world, careful), store(world)
    opened = models("object_storage").UpdateBucketDetails(public_access_type="ObjectRead")
    client.update_bucket(found.namespace, found.name, opened)
    careful.backups = BackupPlan(wanted=True, keep_days=7)
    result = careful.run("install", quick(careful))
    assert (result.error, result.changed) == (None, 1)
    assert bucket_of(world, careful).public_access_type == "NoPublicAccess"
    (rule,) = client.get_object_lifecycle_policy(found.namespace, found.name).data.items
    assert rule.time_amount == 7


def test_a_rule_the_service_may_not_carry_out_is_told_with_the_statement(
    world: World, careful: Person
) -> None:
    world.weather(
        {
            "operation": "PutObjectLifecyclePolicy",
            "do": "error",
            "status": 400,
            "code": "InsufficientServicePermissions",
            "message": "Permissions granted to the object storage service principal are missing.",
            "times": "always",
        }
    )
    result = careful.run("install", quick(careful))
    assert result.exit_code == ExitCode.ACCOUNT
    assert result.error is not None
    home = careful.recall("compartment")
    assert result.error.then.splitlines()[-1] == (
        "Allow service objectstorage-eu-amsterdam-1 to manage object-family in compartment id "
        f"{home}"
    )
    world.fine()
    assert careful.run("install", quick(careful)).error is None
    assert world.count()["bucket"] == 1


def test_backups_stay_after_a_removal_and_are_told_with_what_they_hold(
    world: World, careful: Person
) -> None:
    assert careful.run("install", quick(careful)).error is None
    put(world, careful, "2026-11-24/health.dump", "2026-11-25/health.dump")
    assert careful.run("destroy", quick(careful)).error is None
    told = "\n".join(each.words for each in careful.events if isinstance(each, Note))
    assert "2 objects" in told
    assert "--delete-backups" in told
    kinds = {each["kind"]: each["tags"] for each in world.inventory()}
    assert set(kinds) == {"bucket", "compartment"}
    assert all("health-install" not in tags for tags in kinds.values())
    assert careful.run("destroy", quick(careful)).changed == 0


def test_whoever_says_so_has_the_backups_removed_too(world: World, careful: Person) -> None:
    assert careful.run("install", quick(careful)).error is None
    put(world, careful, *(f"day {number}/health.dump" for number in range(5)))
    client, found = store(world), bucket_of(world, careful)
    upload = models("object_storage").CreateMultipartUploadDetails(object="half/health.dump")
    client.create_multipart_upload(found.namespace, found.name, upload)
    steps = quick(careful)
    for step in steps:
        if isinstance(step, BackupBucket):
            step.delete_contents = True
    assert careful.run("destroy", steps).error is None
    assert world.inventory() == []


def test_a_versioned_bucket_is_not_given_a_rule(world: World, careful: Person) -> None:
    assert careful.run("install", quick(careful)).error is None
    found, client = bucket_of(world, careful), store(world)
    versioned = models("object_storage").UpdateBucketDetails(versioning="Enabled")
    client.update_bucket(found.namespace, found.name, versioned)
    careful.backups = BackupPlan(wanted=True, keep_days=3)
    since = world.requests()
    result = careful.run("install", quick(careful))
    assert result.error is not None
    assert "versions" in result.error.what
    assert "PutObjectLifecyclePolicy" not in world.operations(since)


# -- the key --------------------------------------------------------------------------------------


@contextmanager
def with_key(world: World, person: Person) -> Iterator[list[Step]]:
    """All steps up to a cluster, a namespace, and the key in it."""
    below = [each for each in person.steps() if each.id != "node-pool"]
    door = next(each for each in below if isinstance(each, ClusterAccess))
    known: list[Cluster] = []

    def connect(ctx: Context) -> Cluster:
        if not known:
            access = door.connection(ctx)
            known.append(Cluster(Connection(access.server, access.ca_pem, access.token), 1 / 600))
        return known[0]

    opener = account_opener(world.access)
    yield [
        *below,
        Namespaces(connect, [namespace(SPACE)], (door.id,)),
        BackupKey(connect, opener, SPACE),
    ]
    for each in known:
        each.close()


def keys(world: World) -> list[Any]:
    account = world.account()
    client = account.clients.client("identity")
    return list(client.list_customer_secret_keys(account.credentials.user).data)


def make_key(world: World, name: str) -> None:
    account = world.account()
    details = models("identity").CreateCustomerSecretKeyDetails(display_name=name)
    client = account.clients.client("identity")
    client.create_customer_secret_key(details, account.credentials.user)


def secret_in(world: World, person: Person) -> dict[str, str]:
    access = world.account().cluster_connection(person.recall("cluster"))
    with Cluster(Connection(access.server, access.ca_pem, access.token), 1 / 600) as cluster:
        seen = cluster.secret(SPACE, SECRET)
        assert seen is not None
        return dict(seen.values)


@pytest.mark.slow
def test_the_keys_secret_is_in_the_cluster_and_nowhere_else(world: World, careful: Person) -> None:
    with with_key(world, careful) as steps:
        assert careful.run("install", steps).error is None
        assert careful.bugs == []
        values = secret_in(world, careful)
        (key,) = keys(world)
        assert values["access_key"] == key.id
        assert values["bucket"] == careful.recall("backup-bucket")
        assert values["endpoint"].endswith(".compat.objectstorage.eu-amsterdam-1.oraclecloud.com")
        told = "".join(str(dataclasses.asdict(each)) for each in careful.events)
        on_disk = b"".join(path.read_bytes() for path in careful.folder.glob("state*"))
        assert values["secret_key"] not in told
        assert values["secret_key"].encode() not in on_disk
        assert careful.run("install", steps).changed == 0
        assert secret_in(world, careful) == values
        assert careful.run("destroy", steps).error is None
    assert world.inventory() == []


def test_a_third_key_is_never_made(world: World, careful: Person) -> None:
    make_key(world, "mine")
    make_key(world, "the other one")
    with with_key(world, careful) as steps:
        result = careful.run("install", steps)
        assert result.exit_code == ExitCode.ACCOUNT
        assert result.error is not None
        assert "mine of " in result.error.why
        assert "the other one of " in result.error.why
        assert "Customer secret keys" in result.error.then
        assert "CreateCustomerSecretKey" not in world.operations(2) or len(keys(world)) == 2
        assert careful.run("destroy", steps).error is None
    assert {key.display_name for key in keys(world)} == {"mine", "the other one"}


@pytest.mark.slow
def test_a_key_whose_secret_was_lost_is_replaced_and_not_added_to(
    world: World, careful: Person
) -> None:
    make_key(world, "somebody's")
    with with_key(world, careful) as steps:
        assert careful.run("install", steps).error is None
        first = secret_in(world, careful)["access_key"]
        account = world.account()
        identity = account.clients.client("identity")
        identity.delete_customer_secret_key(account.credentials.user, first)
        result = careful.run("install", steps)
        assert (result.error, result.changed) == (None, 1)
        second = secret_in(world, careful)["access_key"]
        assert second != first
        assert {key.id for key in keys(world)} >= {second}
        # As after a kill between Oracle's answer and the Secret: the key is there, its secret lost.
        access = account.cluster_connection(careful.recall("cluster"))
        connection = Connection(access.server, access.ca_pem, access.token)
        with Cluster(connection, 1 / 600) as cluster:
            from installer.kube.stamp import Stamp
            from tests.steps.oracle.test_reserved_address import wait_for

            stamp = Stamp(careful.id(), "health")
            lost = [each for each in cluster.inventory(stamp) if each.ref.kind == "Secret"]
            cluster.delete(lost, stamp, wait_for)
        assert careful.run("install", steps).error is None
        assert secret_in(world, careful)["access_key"] != second
        assert len(keys(world)) == 2
        assert careful.run("destroy", steps).error is None
    assert [key.display_name for key in keys(world)] == ["somebody's"]
