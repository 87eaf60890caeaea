"""A cluster with an installation of our modules in it, and what a change of answers did there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from installer.engine.events import Ending
from installer.engine.run import Result
from installer.kube.objects import Document, Ref, ref_of
from installer.kube.stamp import APPLIED
from installer.modules import Rendered, catalogue
from installer.plan import Plan, Surroundings, make_plan
from installer.steps.kubernetes_part import ModulePart, wanted_refs
from installer.steps.revisions import REVISIONS
from tests.modules.conftest import answers_for
from tests.modules.selections import AROUND, with_needs
from tests.steps.kube.conftest import Site

HOLD_DATA = ("PersistentVolumeClaim", "Secret")
# Nothing but us writes to these, so that even their version stands still.
_NOBODY_ELSES = ("ConfigMap", "Secret", "NetworkPolicy", "Role", "RoleBinding", "ClusterRole")
_BOOKKEEPING = ("resourceVersion", "managedFields", "generation")
_GIVEN = re.compile(
    r'"(uid|creationTimestamp|volumeName|clusterIP|deployment\.kubernetes\.io/revision'
    r'|(batch\.kubernetes\.io/)?controller-uid|rehearsal\.oraclecloud\.com/balancer)": "[^"]*"'
    r'|"(healthCheckN|n)odePort": \d+|"clusterIPs": \[[^\]]*\]'
)
_NOTES = re.compile(rf'"({re.escape(REVISIONS)}|{re.escape(APPLIED)})": "[^"]*"')
ALL_MODULES = tuple(sorted(module.name for module in catalogue()))
Options = Mapping[str, Mapping[str, Any]]


def plan_of(options: Options, around: Surroundings = AROUND) -> Plan:
    """What these options of the modules come to in a cluster of one's own."""
    answers = answers_for(
        catalogue(), target="existing", access={"domain": "example.org"}, modules=dict(options)
    )
    return make_plan(answers, around)


@lru_cache(maxsize=16)
def plan_with(names: frozenset[str]) -> Plan:
    """The plan with exactly these modules switched on."""
    return plan_of({name: {"enabled": name in names} for name in ALL_MODULES})


def without(name: str) -> Plan:
    """Everything but a module and those that need it."""
    return plan_with(frozenset(each for each in ALL_MODULES if name not in with_needs({each})))


@dataclass
class Place:
    """A cluster with an installation in it."""

    site: Site

    def install(self, plan: Plan) -> Result:
        """Install what is planned; what was said before is forgotten."""
        self.site.events.clear()
        result = self.site.install(plan.rendered, _parts(plan))
        assert result.error is None, f"{result.error}: {result.error.why}"
        return result

    def look(self, plan: Plan) -> Result:
        """What `plan --live` looks at."""
        return self.site.plan(plan.rendered, _parts(plan))

    def objects(self) -> dict[Ref, Document]:
        """Everything of ours, as it is."""
        stamp = self.site.stamp
        ours = {one.ref for one in self.site.cluster.inventory(stamp)}
        kinds = {(ref.api_version, ref.kind) for ref in ours}
        found = [
            body
            for version, kind in sorted(kinds)
            for body in self.site.cluster.objects(version, kind, "", stamp.selector)
        ]
        return {ref_of(body): body for body in found if ref_of(body) in ours}


def _parts(plan: Plan) -> tuple[ModulePart, ...]:
    questions = [module.questions for module in plan.modules]
    return tuple(ModulePart(each.name, each.title, tuple(each.needs)) for each in questions)


def said_of(body: Document) -> Document:
    """An object without what controllers and the server write."""
    kept = {key: value for key, value in body.items() if key != "status"}
    kept["metadata"] = {k: v for k, v in body["metadata"].items() if k not in _BOOKKEEPING}
    return kept


def likeness(place: Place, objects: Mapping[Ref, Document]) -> dict[Ref, str]:
    """The same of every cluster: without ids, what a server gives out, and values of Secrets."""
    found = {}
    for ref, body in objects.items():
        kept = said_of(body)
        if ref.kind == "Secret":
            kept["data"] = sorted(body["data"])
        text = json.dumps(kept, sort_keys=True).replace(place.site.installation.id, "~")
        text = _GIVEN.sub("~", text)
        # The note of the Secrets' versions is made of what a server gives out, too.
        found[ref] = _NOTES.sub("~", text) if REVISIONS in text else text
    return found


def changed(before: Mapping[Ref, Document], after: Mapping[Ref, Document]) -> set[Ref]:
    """What was touched, where it is there before and after."""
    both = before.keys() & after.keys()
    written = {ref for ref in both if said_of(before[ref]) != said_of(after[ref])}
    versions = {
        ref
        for ref in both
        if ref.kind in _NOBODY_ELSES
        and before[ref]["metadata"]["resourceVersion"] != after[ref]["metadata"]["resourceVersion"]
    }
    return written | versions


def planned_changes(before: Rendered, after: Rendered) -> set[Ref]:
    """Objects of both renderings that say something else."""
    old, new = ({ref_of(e.body): e.body for e in each.objects} for each in (before, after))
    return {ref for ref in old.keys() & new.keys() if old[ref] != new[ref]}


def named(result: Result) -> set[str]:
    """The objects that the lines of a plan are about."""
    lines = [line for seen in result.seen.values() for line in seen.changes]
    told = (line.removesuffix(" is missing") for line in lines)
    return {each.removesuffix(" is not wanted any more").partition(": ")[0] for each in told}


@dataclass(frozen=True)
class Turn:
    """A change of answers in a place: what the plan said beforehand, and everything of ours at the
    beginning, after the look, and once it was installed."""

    looked: Result
    before: Mapping[Ref, Document]
    untouched: Mapping[Ref, Document]
    after: Mapping[Ref, Document]

    @classmethod
    def of(cls, place: Place, plan: Plan) -> Turn:
        """Looks, then installs."""
        before = place.objects()
        looked = place.look(plan)
        untouched = place.objects()
        place.install(plan)
        return cls(looked, before, untouched, place.objects())

    def check_only_what_was_named_changed(self, field: str) -> None:
        """The look changed nothing; what it named changed, the field among it, and nothing else."""
        assert self.looked.error is None
        assert changed(self.before, self.untouched) == set()
        touched = changed(self.before, self.after) | (self.before.keys() ^ self.after.keys())
        assert named(self.looked) == {ref.words for ref in touched}
        assert any(field in line for seen in self.looked.seen.values() for line in seen.changes)


def check_it_goes_and_comes_back(place: Place, everything: Plan, less: Plan) -> None:
    """What is in everything alone goes but for data, which is told; with it again all is as it was,
    the data the very same."""
    unwanted = wanted_refs(everything.rendered) - wanted_refs(less.rendered)
    data = {ref for ref in unwanted if ref.kind in HOLD_DATA}
    spaces = {ref.namespace for ref in data}
    held = {ref for ref in unwanted if ref.kind == "Namespace" and ref.name in spaces}
    before = place.objects()

    place.install(less)
    between, told = place.objects(), place.site.said
    place.install(everything)
    after = place.objects()

    assert before.keys() - between.keys() == unwanted - data - held
    assert between.keys() <= before.keys()
    assert changed(before, between) == planned_changes(everything.rendered, less.rendered)
    assert all(ref.words in told for ref in (*data, *held))
    assert likeness(place, after) == likeness(place, before)
    kept = [ref for ref in before if ref.kind in HOLD_DATA]
    assert all(said_of(after[ref]) == said_of(before[ref]) for ref in kept)
    assert place.install(everything).ending is Ending.NOTHING_TO_DO
