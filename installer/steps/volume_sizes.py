"""Makes sure that no volume is asked for a change the cluster would refuse midway."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from installer.engine.errors import AnswersError
from installer.engine.step import Condition, Context, Seen
from installer.kube.cluster import StorageClass
from installer.kube.objects import Document, Ref, at, ref_of
from installer.kube.quantities import whole
from installer.modules.rendering import HOLDS
from installer.steps.kube_step import Body, Connect, KubeStep

VOLUME_SIZES = "volume-sizes"
_CLAIM = "PersistentVolumeClaim"
_SIZE = ("spec", "resources", "requests", "storage")


@dataclass(frozen=True)
class _Refusal:
    """What would be asked of a volume, why it cannot be, and what can be done."""

    words: str
    why: str
    then: str


class VolumeSizes(KubeStep):
    """Compares the claims with those in the cluster before anything is written; makes nothing."""

    id = VOLUME_SIZES
    title = "What volumes can become"
    usually = 1.0
    checks_only = True

    def __init__(self, connect: Connect, bodies: Sequence[Body], needs: Sequence[str] = ()) -> None:
        super().__init__(connect)
        self.needs = tuple(needs)
        self._wanted = {ref_of(body): body for body in bodies if body["kind"] == _CLAIM}

    def look(self, ctx: Context) -> Seen:
        """Read our claims and, where one would grow, the kinds of volumes there are."""
        refused = tuple(each.words for each in self._refused(ctx))
        if refused:
            return Seen(Condition.DIFFERENT, refused[0], refused)
        return Seen(Condition.AS_WANTED, "no volume is asked for what it cannot become")

    def make(self, ctx: Context, seen: Seen) -> None:  # noqa: ARG002
        """Raises AnswersError with every volume that cannot become what is wanted."""
        refused = list(self._refused(ctx))
        if not refused:
            return
        raise AnswersError(
            f"{'; '.join(each.words for each in refused)}; nothing was changed.",
            " ".join(dict.fromkeys(each.why for each in refused)),
            " ".join(dict.fromkeys(each.then for each in refused))
            + " Then run the same command again.",
        )

    def unmake(self, ctx: Context) -> None:
        """Nothing was made."""

    def _refused(self, ctx: Context) -> Iterator[_Refusal]:
        cluster, stamp = self.cluster(ctx), self.stamp(ctx)
        found = cluster.objects("v1", _CLAIM, "", stamp.selector) if self._wanted else ()
        pairs = [
            (self._wanted[ref], live) for live in found if (ref := ref_of(live)) in self._wanted
        ]
        growing = any(_size(wanted) > _size(live) for wanted, live in pairs)
        kinds = {each.name: each for each in cluster.storage_classes()} if growing else {}
        for wanted, live in pairs:
            refusal = _other_kind(wanted, live) or _other_size(wanted, live, kinds)
            if refusal:
                yield refusal


def _other_kind(wanted: Body, live: Document) -> _Refusal | None:
    """A claim that names no kind takes what the cluster gave it."""
    was, will_be = (at(body, "spec", "storageClassName", default="") for body in (live, wanted))
    if not will_be or was == will_be:
        return None
    return _Refusal(
        f"{_words(live)} is of the storage class {was} and would become {will_be}",
        "A volume keeps the kind it was made with.",
        f"Set cluster.storage_class to {was}.",
    )


def _other_size(wanted: Body, live: Document, kinds: Mapping[str, StorageClass]) -> _Refusal | None:
    was, will_be = _size(live), _size(wanted)
    if will_be < was:
        return _smaller(wanted, live)
    if will_be > was and at(live, "status", "phase") != "Bound":
        return _Refusal(
            _becomes(wanted, live),
            "A claim cannot change before it has a volume, which it gets with its first pod.",
            f"It holds nothing yet: remove it with {_kubectl('delete', ref_of(live))}.",
        )
    if will_be > was:
        return _larger(wanted, live, kinds)
    return None


def _smaller(wanted: Body, live: Document) -> _Refusal | None:
    if _holds(wanted) != _holds(live):
        # Something that lay there is gone: the volume stays as it is, which the apply says.
        return None
    return _Refusal(
        _becomes(wanted, live),
        "No cluster makes a volume smaller.",
        f"Give back the sizes of what it holds{_named(live)}, or move its data: save it elsewhere, "
        f"remove what uses it and then {_kubectl('delete', ref_of(live))}, install, and bring the "
        "data back.",
    )


def _larger(wanted: Body, live: Document, kinds: Mapping[str, StorageClass]) -> _Refusal | None:
    kind = kinds.get(at(live, "spec", "storageClassName", default=""))
    if kind is not None and kind.grows:
        return None
    named = f"The storage class {kind.name}" if kind else "A volume that no storage class made"
    return _Refusal(
        _becomes(wanted, live),
        f"{named} does not let volumes grow.",
        f"Give back the sizes of what it holds{_named(live)}"
        + (
            f", or, where the maker of its volumes can do it, allow it: kubectl patch storageclass "
            f"{kind.name} -p '{{\"allowVolumeExpansion\": true}}'."
            if kind
            else "."
        ),
    )


def _becomes(wanted: Body, live: Document) -> str:
    return f"{_words(live)} is {at(live, *_SIZE)} and would become {at(wanted, *_SIZE)}"


def _words(live: Document) -> str:
    return ref_of(live).words


def _kubectl(verb: str, ref: Ref) -> str:
    return f"kubectl {verb} -n {ref.namespace} {ref.kind.lower()} {ref.name}"


def _holds(body: Body) -> frozenset[str]:
    return frozenset(_noted(body).split(", "))


def _noted(body: Body) -> str:
    return str(at(body, "metadata", "annotations", default={}).get(HOLDS, ""))


def _named(live: Document) -> str:
    return f" ({_noted(live)})" if _noted(live) else ""


def _size(body: Body) -> int:
    return whole(at(body, *_SIZE, default="0"))
