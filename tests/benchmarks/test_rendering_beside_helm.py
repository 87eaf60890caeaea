"""Rendering everything, beside the Helm engine rendering as many objects, in one run.

Helm's side is Helm itself (the wheel `helm-python-sdk` binds its own Go library) with a chart made
of the very objects we render, in as many template files: labels, selectors, images, security
contexts, ports and network rules are filled in from values and a named template, the data of
ConfigMaps from files, all else is written out. That is less to compute than our templates have,
whose rules and dashboards are loops. Both sides are held to come to the same objects. The chart is
loaded beforehand. Helm knows no compiled templates: it parses their texts at every rendering.

Our side is `render`: templates filled in, their text parsed, every object checked, labelled and put
in order. Nothing of an earlier rendering is known: no object, no text, no document, no scalar.

What ends in text is compared with what ends in text, what ends in objects with what ends in sorted
manifests:

- `helm template` as a whole (an installation that is a dry run for the client: templates rendered,
  manifests parsed, sorted by kind and hook, written) beside our rendering as a whole, whose
  templates come compiled from the disk, as in every run of a version but the first;
- the engine alone (text out, nothing parsed) beside our templates filled in and not parsed, whose
  code is loaded already. A chart of objects written out in full, with nothing to fill in, would be
  through in a third of the time; no template of ours could be.

Work of the process counts, not the clock; Helm's threads are threads of this process.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from installer.answers.model import Answers
from installer.modules import Module, Rendered, catalogue, documents, rendering, stamping, templates
from installer.modules import variables as checks
from installer.modules.stamping import PREFIX
from installer.plan import make_plan
from tests.modules.conftest import answers_for

pytestmark = [pytest.mark.benchmark, pytest.mark.slow]

AT_MOST = 2.0
TURNS = 15
_KEPT = (
    rendering._render_module,
    rendering._namespaces_of,
    rendering._volume_object,
    stamping._finished,
    stamping._mistakes,
    stamping._stamped_one,
    checks._mistakes_of,
    templates._readings,
    templates._document,
    documents._as_json,
    documents._scalar,
)


def helm() -> Any:
    """The Helm engine; the test is skipped where it is not installed."""
    return pytest.importorskip(
        "helm_python", reason="the Helm engine is not installed (make benchmarks installs it)"
    )


def everything() -> Answers:
    """Answers with every module switched on."""
    modules = catalogue()
    return answers_for(modules, modules={module.name: {"enabled": True} for module in modules})


class _Chart:
    """A chart made of objects: what we fill in is filled in there too, by Helm's usual means."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._values: dict[str, Any] = {}
        self._actions: list[str] = []

    def write(self, rendered: Rendered) -> Path:
        """Everything, in as many template files as ours."""
        (self.folder / "templates").mkdir(parents=True)
        (self.folder / "files").mkdir()
        files: dict[str, list[str]] = {}
        for entry in rendered.objects:
            files.setdefault(entry.source, []).append(self._template(entry.body))
        for source, texts in files.items():
            name = source.replace("/", "-").replace(" ", "-").removesuffix(".j2")
            path = (self.folder / "templates" / name).with_suffix(".yaml")
            path.write_text("---\n".join(texts))
        (self.folder / "templates" / "_labels.tpl").write_text(_LABELS)
        (self.folder / "values.yaml").write_text(json.dumps({"v": self._values}))
        (self.folder / "Chart.yaml").write_text("apiVersion: v2\nname: platform\nversion: 0.1.0\n")
        return self.folder

    def _template(self, body: dict[str, Any]) -> str:
        self._actions = []
        text = yaml.dump(self._opened(body), Dumper=yaml.CSafeDumper, sort_keys=False, width=10**6)
        # What stands in double braces of its own is not meant for Helm.
        text = text.replace("{{", "{{`{{`}}")
        for number, action in enumerate(self._actions):
            text = text.replace(f"action-{number}-", action)
        return text

    def _opened(self, value: Any, key: str = "") -> Any:
        """The value with an action in the place of all that templates of ours compute."""
        if key in ("labels", "matchLabels") and NAME in value and PART_OF in value:
            name, module = json.dumps(value[NAME]), json.dumps(value[MODULE])
            more = {k: v for k, v in value.items() if k not in (NAME, PART_OF, MODULE)}
            arguments = f'"name" {name} "module" {module} "more" {self._value(more)}'
            return self._action(f'{{{{ include "labels" (dict {arguments}) }}}}')
        if key in _COMPUTED and value:
            return self._action(f"{{{{ toJson {self._value(value)} }}}}")
        if key == "data" and isinstance(value, dict):
            return {name: self._file(text) for name, text in value.items()}
        if isinstance(value, dict):
            return {name: self._opened(one, name) for name, one in value.items()}
        if isinstance(value, list):
            return [self._opened(one) for one in value]
        return value

    def _value(self, value: Any) -> str:
        name = f"x{hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]}"
        self._values[name] = value
        return f".Values.v.{name}"

    def _file(self, text: str) -> str:
        name = f"files/{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        (self.folder / name).write_text(text)
        return self._action(f'{{{{ .Files.Get "{name}" | toJson }}}}')

    def _action(self, action: str) -> str:
        self._actions.append(action)
        return f"action-{len(self._actions) - 1}-"


NAME, PART_OF, MODULE = "app.kubernetes.io/name", "app.kubernetes.io/part-of", f"{PREFIX}module"
_COMPUTED = ("image", "securityContext", "selector", "matchLabels", "ingress", "egress", "ports")
_LABELS = (
    '{{- define "labels" -}}'
    f'{{{{ toJson (merge (dict "{NAME}" .name "{PART_OF}" "health-platform" "{MODULE}" .module)'
    " .more) }}{{- end -}}"
)


def chart_of(rendered: Rendered, folder: Path) -> Path:
    """A chart of these objects."""
    return _Chart(folder).write(rendered)


def manifests_in(text: str) -> list[Any]:
    """The objects of a run of manifests, those of YAML's own text."""
    return [body for body in yaml.load_all(text, yaml.CSafeLoader) if body is not None]


def by_identity(bodies: Iterable[Any]) -> dict[tuple[str, str, str], Any]:
    """The objects by kind, namespace and name."""
    return {
        (body["kind"], body["metadata"].get("namespace", ""), body["metadata"]["name"]): body
        for body in bodies
    }


def forget() -> None:
    """As in a process that has rendered nothing yet."""
    for kept in _KEPT:
        kept.cache_clear()


def least(action: Callable[[], Any], before: Callable[[], None] = lambda: None) -> float:
    """Seconds of this process' work, all threads, in the least disturbed of several turns."""
    spent = []
    for _ in range(TURNS):
        before()
        start = time.process_time()
        action()
        spent.append(time.process_time() - start)
    return min(spent)


def test_everything_is_rendered_in_at_most_twice_the_time_of_helm_template(tmp_path: Path) -> None:
    engine = helm()
    answers = everything()
    plan = make_plan(answers)
    chart = engine.Chart.load(chart_of(plan.rendered, tmp_path / "chart"))
    nowhere = engine.Config(kubeconfig_content="apiVersion: v1\nkind: Config\n")

    def theirs() -> str:
        return str(nowhere.install(chart, "platform", dry_run="client")["manifest"])

    def ours() -> Rendered:
        return rendering.render(answers, plan.volumes, plan.facts)

    def as_after_a_start() -> None:
        forget()
        templates._environment.cache_clear()

    assert by_identity(manifests_in(theirs())) == by_identity(e.body for e in ours().objects)
    helm_takes, we_take = least(theirs), least(ours, as_after_a_start)
    print(
        f"{len(plan.rendered.objects)} objects: helm template {helm_takes * 1000:.1f} ms, "
        f"ours {we_take * 1000:.1f} ms, {we_take / helm_takes:.2f} times as long",
        file=sys.stderr,
    )
    assert we_take <= AT_MOST * helm_takes


def test_templates_are_filled_in_in_at_most_twice_the_time_of_helms_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = helm()
    answers = everything()
    plan = make_plan(answers)
    chart = engine.Chart.load(chart_of(plan.rendered, tmp_path / "chart"))
    ours: list[str] = []

    def text_alone(module: Module, shown: str, text: str) -> tuple[templates.Document, ...]:
        ours.append(text)
        return ()

    monkeypatch.setattr(templates, "_objects", text_alone)

    def fill() -> None:
        ours.clear()
        rendering.render(answers, plan.volumes, plan.facts)

    theirs: dict[str, str] = chart.render(name="platform")
    forget()
    fill()
    documented = sum(len(documents.documents_in(text)) for text in ours)
    # Those beside the templates are namespaces and volumes.
    beside = [e for e in plan.rendered.objects if not e.source.endswith(".j2")]
    assert documented + len(beside) == len(plan.rendered.objects)
    made = [body for text in theirs.values() for body in manifests_in(text)]
    assert by_identity(made) == by_identity(e.body for e in plan.rendered.objects)
    helm_takes, we_take = least(lambda: chart.render(name="platform")), least(fill, forget)
    forget()
    print(
        f"text alone: Helm's engine {helm_takes * 1000:.1f} ms, "
        f"ours {we_take * 1000:.1f} ms, {we_take / helm_takes:.2f} times as long",
        file=sys.stderr,
    )
    assert we_take <= AT_MOST * helm_takes
