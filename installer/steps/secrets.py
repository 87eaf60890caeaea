"""Makes sure that every Secret exists with all its keys, and that what is given follows its source.

What was generated is never made anew while it exists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from installer.engine.errors import AnswersError
from installer.engine.masking import known_secrets
from installer.engine.step import Condition, Context, Seen
from installer.kube.cluster import Cluster
from installer.kube.objects import Ref
from installer.kube.secret_objects import SecretSeen, SecretWanted, secret_ref
from installer.kube.stamp import MODULE, Stamp
from installer.modules.problems import ModulesInvalid
from installer.modules.secret_values import Existing, SecretSpec, make_secret
from installer.steps.front_door import PublicName
from installer.steps.kube_step import Connect, KubeStep
from installer.steps.namespaces import NAMESPACES

SECRETS = "secrets"
Resolve = Callable[[str], str | None]


@dataclass(frozen=True)
class _Gap:
    """What one Secret lacks: keys to set, and the Secret as it is, if it is.

    `readers` are objects whose pods begin anew once it is written.
    """

    spec: SecretSpec
    seen: SecretSeen | None
    values: Mapping[str, str] = field(repr=False)
    readers: tuple[Ref, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        words = secret_ref(self.spec.namespace, self.spec.name).words
        if self.seen is None:
            found = [f"{words} is missing"]
        else:
            there = self.seen.values
            found = [
                f"{words}: {key} {'follows its source' if key in there else 'is missing'}"
                for key in self.values
            ]
        if self.readers:
            named = ", ".join(ref.words for ref in self.readers)
            found.append(f"{words}: pods that read it begin anew, those of {named}")
        return tuple(found)


class Secrets(KubeStep):
    """All Secrets of the installation. Values are made in memory and live in the cluster only."""

    id = SECRETS
    title = "Secrets"
    usually = 2.0

    def __init__(
        self,
        connect: Connect,
        specs: Sequence[SecretSpec],
        resolve: Resolve,
        public: PublicName,
        waits_for: Sequence[str] = (),
        readers: Mapping[Ref, tuple[Ref, ...]] | None = None,
    ) -> None:
        super().__init__(connect)
        self.needs = (NAMESPACES, *waits_for)
        self._public = public
        self._readers = readers or {}
        self._specs = tuple(specs)
        self._resolve = resolve
        values = [value for spec in self._specs for value in spec.values]
        self._followed = {each.question_path for each in values if each.follows_the_answer}

    def look(self, ctx: Context) -> Seen:
        """Find missing Secrets and keys; says names, never values."""
        stamp = self.stamp(ctx)
        gaps, present = self._gaps(ctx, self._resolve_to_compare)
        foreign = [seen for seen in present if seen.installation != stamp.installation_id]
        if foreign:
            named = "; ".join(f"{seen.ref.words} does not carry our label" for seen in foreign)
            return Seen(Condition.NOT_OURS, named)
        if not gaps:
            return Seen(Condition.AS_WANTED, f"{len(self._specs)} Secrets are there")
        if not present:
            return Seen(Condition.ABSENT, f"{len(self._specs)} Secrets to make")
        lines = tuple(line for gap in gaps for line in gap.lines)
        return Seen(Condition.DIFFERENT, f"{len(gaps)} Secrets to write", lines)

    def _resolve_to_compare(self, path: str) -> str | None:
        """Only what may replace a value that exists; the rest need not be at hand any more."""
        if path not in self._followed:
            return None
        try:
            return self._resolve(path)
        except AnswersError:
            # Gone from this machine, but perhaps still good in the cluster.
            return None

    def make(self, ctx: Context, seen: Seen) -> None:  # noqa: ARG002
        """Create what is missing, add missing keys, and set those whose source has changed."""
        cluster, stamp = self.cluster(ctx), self.stamp(ctx)
        gaps, _ = self._gaps(ctx, self._resolve)
        for gap in gaps:
            ctx.checkpoint()
            _close(gap, cluster, stamp)

    def unmake(self, ctx: Context) -> None:
        """Remove them."""
        cluster, stamp = self.cluster(ctx), self.stamp(ctx)
        refs = {secret_ref(spec.namespace, spec.name) for spec in self._specs}
        owned = [one for one in cluster.inventory(stamp) if one.ref in refs]
        cluster.delete(owned, stamp, ctx.wait)

    def _gaps(self, ctx: Context, resolve: Resolve) -> tuple[list[_Gap], list[SecretSeen]]:
        """What is missing, in the order of the recipes, so that copies find their sources."""
        cluster, domain = self.cluster(ctx), self._public.now(ctx)
        present: dict[tuple[str, str], SecretSeen | None] = {}
        planned: dict[tuple[str, str], Mapping[str, str]] = {}

        def read(namespace: str, name: str) -> SecretSeen | None:
            key = (namespace, name)
            if key not in present:
                present[key] = cluster.secret(namespace, name)
            return present[key]

        def existing(namespace: str, name: str) -> Mapping[str, str] | None:
            if (namespace, name) in planned:
                return planned[namespace, name]
            seen = read(namespace, name)
            return seen.values if seen else None

        gaps = []
        for recipe in self._specs:
            spec = recipe.with_domain(domain) if self._public.late else recipe
            values = _made(spec, existing, resolve)
            planned[spec.namespace, spec.name] = values
            _keep_confidential(spec, values)
            seen = read(spec.namespace, spec.name)
            there = seen.values if seen else {}
            lacking = {key: value for key, value in values.items() if there.get(key) != value}
            if lacking or seen is None:
                readers = self._readers.get(secret_ref(spec.namespace, spec.name), ())
                gaps.append(_Gap(spec, seen, lacking, readers))
        return gaps, [seen for seen in present.values() if seen is not None]


def _made(spec: SecretSpec, existing: Existing, resolve: Resolve) -> Mapping[str, str]:
    try:
        return make_secret(spec, existing, resolve)
    except ModulesInvalid as error:
        raise AnswersError(
            f"The Secret {spec.namespace}/{spec.name} cannot be made.",
            "\n".join(str(problem) for problem in error.problems),
            "Correct the answers named above, then run the same command again.",
        ) from error


def _keep_confidential(spec: SecretSpec, values: Mapping[str, str]) -> None:
    for value in spec.values:
        if value.confidential and values[value.key]:
            known_secrets.add(values[value.key])


def _close(gap: _Gap, cluster: Cluster, stamp: Stamp) -> None:
    if gap.seen is not None:
        cluster.put_keys(gap.seen, gap.values, stamp)
        return
    labels = {MODULE: gap.spec.module}
    spec = gap.spec
    wanted = SecretWanted(spec.namespace, spec.name, gap.values, labels, spec.type)
    # False when somebody was faster: then that one counts, and the next look fills what it lacks.
    cluster.create_secret(wanted, stamp)
