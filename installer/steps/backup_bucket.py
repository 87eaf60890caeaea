"""Makes sure of a private bucket for backups, and of a key with which the cluster reaches it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from installer.engine.errors import AccountError, NotOurs
from installer.engine.masking import known_secrets
from installer.engine.step import Condition, Context, Seen, Step
from installer.kube.objects import Ref
from installer.kube.secret_objects import SecretWanted, secret_ref
from installer.oracle.account import Account
from installer.oracle.buckets import MOST_KEYS, Bucket, Buckets, SecretKey, SecretKeys
from installer.oracle.resource import tags_for
from installer.steps.kube_step import Connect, KubeStep
from installer.steps.namespaces import NAMESPACES
from installer.steps.oracle_resource import COMPARTMENT, OpenAccount

BACKUP_BUCKET, BACKUP_KEY = "backup-bucket", "backup-key"
# The Secret of the cluster that holds everything a program needs to reach the bucket.
SECRET = "backup-bucket"  # noqa: S105 - a name
_BUCKET, _NAMESPACE, _KEY = "bucket", "namespace", "customersecretkey"


@dataclass(frozen=True)
class BackupPlan:
    """Whether a bucket is wanted, and the days after which Oracle deletes what is in it."""

    wanted: bool = False
    keep_days: int = 30


NO_BACKUPS = BackupPlan()


def name_of(ctx: Context) -> str:
    """Of the bucket and of the key; with the id, for others may have the same installation name."""
    return f"{ctx.installation.name}-backups-{ctx.installation.id}"


class BackupBucket(Step):
    """A bucket nobody else can read, in which nothing grows old.

    A removal keeps what is in it unless `delete_contents`: backups are for the day on which
    everything else is gone.
    """

    id = BACKUP_BUCKET
    title = "Bucket for backups"
    group = "Storage"
    needs: tuple[str, ...] = (COMPARTMENT,)
    usually = 3.0
    looks_alone = True
    delete_contents = False

    def __init__(self, account: OpenAccount, plan: BackupPlan) -> None:
        self._account = account
        self._plan = plan

    def look(self, ctx: Context) -> Seen:
        """Its access, its versions and its rule; in a removal, its key too."""
        if not ctx.recall("id", COMPARTMENT):
            return Seen(Condition.ABSENT)
        if not self._plan.wanted and not ctx.removing:
            return Seen(Condition.AS_WANTED, "not asked for")
        if ctx.removing:
            return Seen(Condition.AS_WANTED if self._anything(ctx) else Condition.ABSENT)
        found = self._buckets().get(name_of(ctx))
        if found is None:
            return Seen(Condition.ABSENT)
        if not found.is_of(ctx.installation.id):
            return Seen(Condition.NOT_OURS, f"A bucket named {found.name} is there; {found.owner}")
        self._remember(ctx, found)
        changes = self._differences(found)
        condition = Condition.DIFFERENT if changes else Condition.AS_WANTED
        return Seen(condition, f"{found.name}, {found.objects} objects", changes)

    def _anything(self, ctx: Context) -> bool:
        """Whether there is a bucket or a key of ours; whoever may not look never made one."""
        try:
            found = self._buckets().get(name_of(ctx))
            return bool(found and found.is_of(ctx.installation.id)) or bool(
                _own_keys(self._account(), ctx)
            )
        except AccountError:
            if self._plan.wanted or ctx.recall("id"):
                raise
            return False

    def _differences(self, found: Bucket) -> tuple[str, ...]:
        lines = []
        if found.public:
            lines.append("close the bucket to the public")
        if found.days != self._plan.keep_days:
            lines.append(f"delete what is older than {self._plan.keep_days} days")
        return tuple(lines)

    def make(self, ctx: Context, seen: Seen) -> None:
        """Make it, then its rule; a rule Oracle refuses leaves the bucket for the next run."""
        name, buckets = name_of(ctx), self._buckets()
        if seen.condition is Condition.ABSENT:
            self._create(ctx, buckets, name)
        found = buckets.get(name)
        if found is None or found.versioned:
            state = "has versions switched on" if found else "is not shown"
            raise NotOurs(
                f"The bucket {name} {state}.",
                "With versions, what a rule deletes goes on counting as an older version.",
                "Switch versioning off in Oracle's console and run the same command again.",
            )
        if found.public:
            buckets.make_private(name)
        if found.days != self._plan.keep_days:
            buckets.expire(name, self._plan.keep_days, ctx.recall("id", COMPARTMENT) or "")
        self._remember(ctx, found)

    def _create(self, ctx: Context, buckets: Buckets, name: str) -> None:
        tags = tags_for(ctx.installation.id, ctx.installation.name)
        with ctx.intend(_BUCKET, name) as intent:
            buckets.create(ctx.recall("id", COMPARTMENT) or "", name, tags)
            intent.made(name)

    def _remember(self, ctx: Context, found: Bucket) -> None:
        ctx.remember("id", found.name)
        ctx.remember(_NAMESPACE, self._buckets().namespace())

    def unmake(self, ctx: Context) -> None:
        """Its key goes; a bucket with something in it stays, as nobody's, unless told otherwise."""
        keys = SecretKeys(self._account())
        for key in _own_keys(self._account(), ctx):
            keys.delete(key.id)
        buckets = self._buckets()
        found = buckets.get(name_of(ctx))
        if found is None or not found.is_of(ctx.installation.id):
            return
        if buckets.holds_something(found.name) and not self.delete_contents:
            buckets.let_go(found, ctx.installation.id)
            ctx.note(_kept_words(found, self._plan))
            return
        buckets.empty(found.name)
        buckets.delete(found.name)

    def _buckets(self) -> Buckets:
        return Buckets(self._account())


class BackupKey(KubeStep):
    """The Secret with address, bucket and key. The key's secret is nowhere else, so a key without
    its Secret is of no use to anybody, and one of ours is made anew.
    """

    id = BACKUP_KEY
    title = "Key to the backups"
    needs: tuple[str, ...] = (NAMESPACES, BACKUP_BUCKET)
    usually = 3.0

    def __init__(self, connect: Connect, account: OpenAccount, namespace: str) -> None:
        super().__init__(connect)
        self._account = account
        self._namespace = namespace

    def look(self, ctx: Context) -> Seen:
        """Whether the key in the Secret is still one of the user's."""
        seen = self.cluster(ctx).secret(self._namespace, SECRET)
        if seen is None:
            return Seen(Condition.ABSENT)
        known_secrets.add(seen.values.get("secret_key", ""))
        if ctx.removing:
            return Seen(Condition.AS_WANTED)
        own = {key.id for key in _own_keys(self._account(), ctx)}
        if seen.values.get("access_key") in own:
            return Seen(Condition.AS_WANTED, "a key that Oracle knows")
        return Seen(Condition.DIFFERENT, "", ("make a new key, for Oracle does not know this one",))

    def make(self, ctx: Context, seen: Seen) -> None:
        """Drop keys of ours whose secret is lost, then make one; never a third."""
        keys = SecretKeys(self._account())
        _require_user(keys)
        for lost in _own_keys(self._account(), ctx):
            keys.delete(lost.id)
            with ctx.intend(_KEY, name_of(ctx)) as intent:
                # What its retry token made is gone; the next one takes another.
                intent.made(lost.id)
        standing = keys.all()
        if len(standing) >= MOST_KEYS:
            raise _too_many(standing)
        with ctx.intend(_KEY, name_of(ctx)) as intent:
            made = keys.create(name_of(ctx), intent.retry_token)
            known_secrets.add(made.secret)
            # Into the cluster before anything else: nobody can ever read it again.
            self._store(ctx, made.id, made.secret, fresh=seen.condition is Condition.ABSENT)
            intent.made(made.id)

    def _store(self, ctx: Context, key: str, secret: str, *, fresh: bool) -> None:
        region = self._account().region
        space = ctx.recall(_NAMESPACE, BACKUP_BUCKET) or ""
        values = {
            "endpoint": f"https://{space}.compat.objectstorage.{region}.oraclecloud.com",
            "region": region,
            "bucket": ctx.recall("id", BACKUP_BUCKET) or "",
            "access_key": key,
            "secret_key": secret,
        }
        cluster, stamp = self.cluster(ctx), self.stamp(ctx)
        if fresh and cluster.create_secret(SecretWanted(self._namespace, SECRET, values), stamp):
            return
        standing = cluster.secret(self._namespace, SECRET)
        if standing is None:
            cluster.create_secret(SecretWanted(self._namespace, SECRET, values), stamp)
        else:
            cluster.put_keys(standing, values, stamp)

    def unmake(self, ctx: Context) -> None:
        """The Secret goes with its namespace, the key with the bucket's step."""


def backup_secret(namespace: str) -> Ref:
    """How the Secret is named in the cluster, so that tidying leaves it."""
    return secret_ref(namespace, SECRET)


def _own_keys(account: Account, ctx: Context) -> list[SecretKey]:
    """Ours by their name: keys carry no tags, and nobody else's has the installation's id."""
    keys = SecretKeys(account)
    return [key for key in keys.all() if key.name == name_of(ctx)] if keys.user else []


def _require_user(keys: SecretKeys) -> None:
    if not keys.user:
        raise AccountError(
            "A key for the backups can only be made for a user.",
            "A session, a machine and Cloud Shell sign in without one.",
            "Sign in with an API key (oracle.auth: api_key), or set backups.bucket to no.",
        )


def _too_many(standing: Sequence[SecretKey]) -> AccountError:
    listed = "; ".join(f"{key.name} of {key.made} ({key.id})" for key in standing)
    return AccountError(
        "This user has two customer secret keys already, and Oracle gives no third.",
        f"There are: {listed}.",
        "Remove one that nobody needs in Oracle's console under Profile, Customer secret keys, or "
        "sign in as another user, or set backups.bucket to no; then run the same command again.",
    )


def _kept_words(found: Bucket, plan: BackupPlan) -> str:
    gb = found.bytes / 1e9
    return (
        f"The bucket {found.name} stays, without our tag, because it holds backups: "
        f"{found.objects} objects, {gb:.1f} GB. Up to 20 GB of objects are free in an account that "
        "never paid, 10 GB of the standard tier in others. Its rule goes on deleting what is older "
        f"than {found.days or plan.keep_days} days. To have it removed with the rest: "
        "health-install destroy --delete-backups."
    )
