"""Server-side apply: create and repair, never by force, and say beforehand what would change."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from installer.engine.errors import ClusterError, NotOurs
from installer.kube.differences import differences, is_within
from installer.kube.faults import Refusal, as_error
from installer.kube.objects import Document, Ref, at, labels_of, ref_of
from installer.kube.quantities import whole
from installer.kube.reading import Reading, for_each
from installer.kube.stamp import APPLIED, FIELD_MANAGER, INSTALLATION, Stamp, put_applied
from installer.kube.wire import APPLY, Request

Body = Mapping[str, Any]
_SIZE = ("spec", "resources", "requests", "storage")


@dataclass(frozen=True)
class ApplyReport:
    """What an apply did."""

    created: tuple[Ref, ...] = ()
    changed: tuple[Ref, ...] = ()
    unchanged: tuple[Ref, ...] = ()
    # Volumes that are larger than what is wanted now: no cluster makes one smaller.
    larger: tuple[Ref, ...] = ()

    @property
    def words(self) -> str:
        """One line: "3 created, 1 changed, 20 unchanged"."""
        counts = {
            "created": len(self.created),
            "changed": len(self.changed),
            "unchanged": len(self.unchanged),
        }
        line = ", ".join(f"{n} {word}" for word, n in counts.items() if n) or "nothing to apply"
        kept = ", ".join(ref.words for ref in self.larger)
        return f"{line}; as large as before, since volumes do not shrink: {kept}" if kept else line


@dataclass(frozen=True)
class Comparison:
    """How objects in the cluster differ from what is wanted; nothing was changed to find out."""

    absent: tuple[Ref, ...] = ()
    changes: tuple[str, ...] = ()
    not_ours: tuple[str, ...] = ()
    present: tuple[Ref, ...] = ()
    # Jobs whose content differs: the API allows no change of one, only a new one.
    replaced: tuple[Ref, ...] = ()

    @property
    def is_as_wanted(self) -> bool:
        """Whether an apply would change nothing."""
        return not (self.absent or self.changes or self.not_ours)


class Applying:
    """Applies objects of one installation."""

    def __init__(self, reading: Reading, stamp: Stamp) -> None:
        self._reading = reading
        self._stamp = stamp

    async def apply(self, bodies: Sequence[Body]) -> ApplyReport:
        """Create and repair side by side, namespaces first.

        Raises NotOurs, before anything is changed, when one of them belongs to somebody else.
        """
        wanted = {ref_of(body): body for body in bodies}
        before = await self._reading.existing(list(wanted), self._stamp.selector)
        foreign = [
            self._in_the_way(ref, body) for ref, body in before.items() if self._is_foreign(body)
        ]
        if foreign:
            raise not_ours(foreign)
        larger = tuple(ref for ref, body in before.items() if _would_shrink(wanted[ref], body))
        wanted |= {ref: _not_smaller(wanted[ref], before[ref]) for ref in larger}
        namespaces = [ref for ref in wanted if ref.kind == "Namespace"]
        others = [ref for ref in wanted if ref.kind != "Namespace"]
        after: dict[Ref, Document] = {}
        for group in (namespaces, others):
            answers = await for_each(lambda ref: self._send(wanted[ref], doing="apply"), group)
            after.update(zip(group, answers, strict=True))
        return replace(_report(before, after), larger=larger)

    async def compare(self, bodies: Sequence[Body]) -> Comparison:
        """What an apply would do; where that is not plain already, asked of the server by dry
        runs."""
        wanted = {ref_of(body): body for body in bodies}
        before = await self._reading.existing(list(wanted), self._stamp.selector)
        foreign = [ref for ref, body in before.items() if self._is_foreign(body)]
        ours = [ref for ref in before if ref not in foreign]
        wanted |= {ref: _not_smaller(wanted[ref], before[ref]) for ref in ours}
        asked = [ref for ref in ours if not self._is_as_applied(wanted[ref], before[ref])]
        answers = await for_each(lambda ref: self._would_become(wanted[ref]), asked)
        changes: list[str] = []
        refusals: list[str] = [self._in_the_way(ref, before[ref]) for ref in foreign]
        replaced: list[Ref] = []
        for ref, answer in zip(asked, answers, strict=True):
            if answer is None:
                replaced.append(ref)
                changes.append(f"{ref.words}: is made anew, since a job cannot be changed")
            elif isinstance(answer, str):
                refusals.append(f"{ref.words}: {answer}")
            else:
                changes.extend(differences(ref, before[ref], answer))
        absent = tuple(ref for ref in wanted if ref not in before)
        return Comparison(absent, tuple(changes), tuple(refusals), tuple(ours), tuple(replaced))

    def _is_as_applied(self, body: Body, there: Document) -> bool:
        """Whether this very object was applied last and nobody has touched any of its fields."""
        wanted = self._stamped(body)
        note = wanted["metadata"]["annotations"][APPLIED]
        said = (there["metadata"].get("annotations") or {}).get(APPLIED)
        return bool(said == note) and is_within(wanted, there)

    def _stamped(self, body: Body) -> Document:
        return put_applied(self._stamp.put_on(body), body)

    def _is_foreign(self, body: Body) -> bool:
        return not self._stamp.is_on(body)

    def _in_the_way(self, ref: Ref, body: Body) -> str:
        other = labels_of(body).get(INSTALLATION)
        owner = f"belongs to the installation {other}" if other else "does not carry our label"
        return f"{ref.words} exists and {owner}"

    async def _would_become(self, body: Body) -> Document | str | None:
        """The object as it would be, in words who stands against it, or None for a job that the
        API does not let us change.
        """
        try:
            return await self._send(body, doing="compare", dry=True)
        except NotOurs as conflict:
            return conflict.why
        except ClusterError as refused:
            if body["kind"] == "Job" and "field is immutable" in refused.why:
                return None
            raise

    async def _send(self, body: Body, *, doing: str, dry: bool = False) -> Document:
        ref = ref_of(body)
        query = {
            "fieldManager": FIELD_MANAGER,
            "force": "false",
            "fieldValidation": "Strict",
        }
        if dry:
            query["dryRun"] = "All"
        path = await self._reading.kinds.path(ref)
        stamped = self._stamped(body)
        request = Request("PATCH", path, f"{doing} {ref.words}", query, stamped, APPLY)
        try:
            return await self._reading.wire.attempt(request)
        except Refusal as refusal:
            raise as_error(refusal, request.doing) from refusal


def _would_shrink(wanted: Body, live: Body) -> bool:
    """Whether a claim asks for less than it has, which the API refuses."""
    if wanted["kind"] != "PersistentVolumeClaim":
        return False
    asked, has = (at(body, *_SIZE) for body in (wanted, live))
    return bool(asked and has) and whole(asked) < whole(has)


def _not_smaller(wanted: Body, live: Body) -> Body:
    """The same, with the size of the claim in the cluster where that is larger."""
    if not _would_shrink(wanted, live):
        return wanted
    body = copy.deepcopy(dict(wanted))
    body["spec"]["resources"]["requests"]["storage"] = at(live, *_SIZE)
    return body


def not_ours(lines: Sequence[str]) -> NotOurs:
    """The error for objects with our names that are somebody else's."""
    return NotOurs(
        "Objects that are not ours are in the way; nothing was changed.",
        "; ".join(lines),
        "Remove or rename them, or choose a cluster without them; we never change what does not "
        "carry our label.",
    )


def _report(before: Mapping[Ref, Document], after: Mapping[Ref, Document]) -> ApplyReport:
    created = tuple(ref for ref in after if ref not in before)
    changed = tuple(ref for ref in after if ref in before and _differs(ref, before, after))
    unchanged = tuple(ref for ref in after if ref not in created and ref not in changed)
    return ApplyReport(created, changed, unchanged)


def _differs(ref: Ref, before: Mapping[Ref, Document], after: Mapping[Ref, Document]) -> bool:
    versions = [one[ref]["metadata"].get("resourceVersion") for one in (before, after)]
    # Status written by a controller in between moves the version too, so look closer.
    return versions[0] != versions[1] and bool(differences(ref, before[ref], after[ref]))
