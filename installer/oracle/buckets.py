"""A private bucket for backups, and the keys with which programs that speak S3 reach it.

Facts, after Oracle's documentation: bucket names are one tenancy's own in a region; making a bucket
takes no retry token and answers 409 where the name is taken; rules that delete old objects need a
policy for the service itself; a bucket only goes when it is empty, unfinished uploads included. A
customer secret key shows its secret once, and a user has two at most; it carries no tags, so its
name tells whose it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from installer.engine.errors import AccountError, InstallError
from installer.oracle.account import Account
from installer.oracle.leftovers import KEPT_TAG
from installer.oracle.resource import ID_TAG, NAME_TAG, Resource
from installer.oracle.sdk import models
from installer.oracle.wanted import is_ocid

MOST_KEYS = 2
_PRIVATE = "NoPublicAccess"
# A page of a listing, and as many pages as an endless listing is followed for.
_PAGE, _MOST_PAGES = 1000, 10_000
_RULE = "delete-old-backups"


@dataclass(frozen=True)
class Bucket(Resource):
    """A bucket. `days` after which objects are deleted (0: never); sizes as Oracle last counted.

    A versioned bucket is not ours to make: what a rule deletes there stays as an older version and
    goes on counting.
    """

    public: bool = False
    versioned: bool = False
    days: int = 0
    objects: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class SecretKey:
    """A customer secret key as Oracle lists it: without its secret. `id` is the access key."""

    id: str
    name: str
    made: str = ""


@dataclass(frozen=True)
class NewKey:
    """A key at the only moment its secret is known; kept out of every text made from this."""

    id: str
    secret: str = field(repr=False)


class Buckets:
    """Buckets of one account's region."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._clients = account.clients
        self._space = ""

    @property
    def _client(self) -> Any:
        return self._clients.client("objects")

    def namespace(self) -> str:
        """The tenancy's name in object storage."""
        if not self._space:
            answer = self._clients.ask(
                "reading the object storage namespace", self._client.get_namespace
            )
            self._space = str(answer.data)
        return self._space

    def get(self, name: str) -> Bucket | None:
        """One with its rule and its count; None when absent."""
        space = self.namespace()
        found = self._clients.find(
            "reading the bucket",
            lambda: self._client.get_bucket(
                space, name, fields=["approximateCount", "approximateSize"]
            ),
        )
        return self._bucket(found.data) if found else None

    def all_in(self, compartment: str) -> list[Resource]:
        """Those of a compartment, by name and tags."""
        found = self._clients.all(
            "listing the buckets",
            self._client.list_buckets,
            self.namespace(),
            compartment,
            fields=["tags"],
        )
        return [
            Resource(str(each.name), str(each.name), "ACTIVE", dict(each.freeform_tags or {}))
            for each in found
        ]

    def create(self, compartment: str, name: str, tags: Mapping[str, str]) -> None:
        """Make a private one without versions."""
        details = models("object_storage").CreateBucketDetails(
            name=name,
            compartment_id=compartment,
            public_access_type=_PRIVATE,
            storage_tier="Standard",
            versioning="Disabled",
            freeform_tags=dict(tags),
        )
        space = self.namespace()
        self._clients.ask(
            f"making the bucket {name}", lambda: self._client.create_bucket(space, details)
        )

    def make_private(self, name: str) -> None:
        """Close it again."""
        self._update(name, public_access_type=_PRIVATE)

    def let_go(self, bucket: Bucket, installation: str) -> None:
        """Take our tags off; one that tells whose it was stays on it."""
        kept = {key: text for key, text in bucket.tags.items() if key not in (ID_TAG, NAME_TAG)}
        self._update(bucket.name, freeform_tags={**kept, KEPT_TAG: installation})

    def _update(self, name: str, **values: Any) -> None:
        space = self.namespace()
        details = models("object_storage").UpdateBucketDetails(**values)
        self._clients.ask(
            f"changing the bucket {name}", lambda: self._client.update_bucket(space, name, details)
        )

    def expire(self, name: str, days: int, compartment: str) -> None:
        """Have Oracle delete objects after so many days. `compartment` is for the policy text."""
        store, space = models("object_storage"), self.namespace()
        rule = store.ObjectLifecycleRule(
            name=_RULE,
            action="DELETE",
            time_amount=days,
            time_unit="DAYS",
            is_enabled=True,
            target="objects",
        )
        details = store.PutObjectLifecyclePolicyDetails(items=[rule])
        try:
            self._clients.ask(
                f"setting the rule of the bucket {name}",
                lambda: self._client.put_object_lifecycle_policy(space, name, details),
            )
        except InstallError as error:
            if "InsufficientServicePermissions" not in error.why:
                raise
            raise AccountError(
                f"Oracle may not delete old objects of the bucket {name}.",
                f"{error.why} The service itself needs a permission for that, and backups that "
                "are never deleted fill what is free.",
                "Have an administrator add this statement to a policy, and run the same command "
                f"again:\n{service_statement(self._account.region, compartment)}",
            ) from error

    def empty(self, name: str) -> None:
        """Delete every object and every unfinished upload."""
        space, client = self.namespace(), self._client
        emptying = f"emptying the bucket {name}"
        for _ in range(_MOST_PAGES):
            found = self._objects(name, _PAGE)
            for each in found:
                self._clients.find(emptying, partial(client.delete_object, space, name, each))
            if not found:
                break
        for upload in self._uploads(name):
            drop = partial(
                client.abort_multipart_upload, space, name, upload.object, upload.upload_id
            )
            self._clients.find(emptying, drop)

    def holds_something(self, name: str) -> bool:
        """Whether there is an object or an unfinished upload in it."""
        return bool(self._objects(name, 1) or self._uploads(name))

    def _objects(self, name: str, most: int) -> list[str]:
        space = self.namespace()
        listed = self._clients.ask(
            f"listing the bucket {name}",
            lambda: self._client.list_objects(space, name, limit=most),
        )
        return [str(each.name) for each in listed.data.objects]

    def _uploads(self, name: str) -> list[Any]:
        return self._clients.all(
            f"listing the bucket {name}",
            self._client.list_multipart_uploads,
            self.namespace(),
            name,
        )

    def delete(self, name: str) -> None:
        """Remove an empty one; absent is fine."""
        space = self.namespace()
        self._clients.find(
            f"removing the bucket {name}", lambda: self._client.delete_bucket(space, name)
        )

    def _bucket(self, model: Any) -> Bucket:
        name = str(model.name)
        return Bucket(
            id=str(model.id or name),
            name=name,
            state="ACTIVE",
            tags=dict(model.freeform_tags or {}),
            public=str(model.public_access_type) != _PRIVATE,
            versioned=str(model.versioning) == "Enabled",
            days=self._days(name),
            objects=int(model.approximate_count or 0),
            bytes=int(model.approximate_size or 0),
        )

    def _days(self, name: str) -> int:
        space = self.namespace()
        found = self._clients.find(
            "reading the bucket's rule",
            lambda: self._client.get_object_lifecycle_policy(space, name),
        )
        rules = found.data.items if found else ()
        for rule in rules or ():
            whole = not rule.object_name_filter and rule.action == "DELETE"
            if whole and rule.is_enabled and rule.time_unit == "DAYS":
                return int(rule.time_amount)
        return 0


def service_statement(region: str, compartment: str) -> str:
    """What lets object storage delete by its own rules."""
    place = f"compartment {'id ' if is_ocid(compartment) else ''}{compartment}"
    return f"Allow service objectstorage-{region} to manage object-family in {place}"


class SecretKeys:
    """Customer secret keys of the user we speak as."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._clients = account.clients

    @property
    def _client(self) -> Any:
        return self._clients.client("identity", self._account.home_region)

    @property
    def user(self) -> str:
        """OCID of the user; empty for a session, a machine and Cloud Shell."""
        return self._account.credentials.user

    def all(self) -> list[SecretKey]:
        """Every key of the user that is not deleted."""
        found = self._clients.all(
            "listing the customer secret keys", self._client.list_customer_secret_keys, self.user
        )
        return [
            SecretKey(str(each.id), str(each.display_name), str(each.time_created)[:10])
            for each in found
            if each.lifecycle_state not in ("DELETED", "DELETING")
        ]

    def create(self, name: str, retry_token: str) -> NewKey:
        """Make one; its secret is in the answer and never again."""
        details = models("identity").CreateCustomerSecretKeyDetails(display_name=name)
        made = self._clients.ask(
            f"making the customer secret key {name}",
            lambda: self._client.create_customer_secret_key(
                details, self.user, opc_retry_token=retry_token
            ),
        ).data
        return NewKey(str(made.id), str(made.key))

    def delete(self, key_id: str) -> None:
        """Remove one; absent is fine."""
        self._clients.find(
            "removing a customer secret key",
            lambda: self._client.delete_customer_secret_key(self.user, key_id),
        )
