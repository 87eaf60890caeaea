"""From rendered objects to the pods a cluster would make of them, as plain values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from installer.answers.model import answers_model
from installer.modules import Module, Rendered, catalogue, make_secret
from installer.modules.stamping import pod_template
from installer.plan import make_plan

Body = Mapping[str, Any]
# What a person gives for a bucket of theirs; tests that have one put its real key in their place.
_BUCKET_KEY = {
    "disaster-recovery.bucket.access_key": "A" * 20,
    "disaster-recovery.bucket.secret_key": "s" * 40,
}
MODULES = ("infrastructure", "health-services", "disaster-recovery")
BACKUPS = {
    "target": "s3",
    "s3_endpoint": "https://s3.example.org",
    "s3_bucket": "far-away",
}


@dataclass(frozen=True)
class Cluster:
    """Rendered objects and the Secrets beside them: all a kubelet would look at."""

    rendered: Rendered
    # Left out of what a failure shows.
    secrets: Mapping[str, Mapping[str, str]] = field(repr=False)

    def body(self, kind: str, name: str) -> Body:
        """The one object of that kind and name; asserts that it is rendered.

        A Job's name is given without the hash that makes every change of it a new Job.
        """
        wanted = re.escape(name) + (r"(-[0-9a-f]{10})?" if kind == "Job" else "")
        found = [
            entry.body
            for entry in self.rendered.objects
            if entry.body["kind"] == kind and re.fullmatch(wanted, entry.body["metadata"]["name"])
        ]
        assert len(found) == 1, f"{len(found)} objects {kind}/{name} are rendered, 1 is wanted"
        return found[0]

    def pod(self, kind: str, name: str) -> Pod:
        """The pod that a StatefulSet, Deployment, Job or CronJob makes."""
        template = pod_template(self.body(kind, name))
        assert template is not None, f"a {kind} makes no pods"
        return Pod(name, template["spec"])

    def service_ports(self, name: str) -> tuple[str | int, ...]:
        """Where the ports of a Service lead to."""
        return tuple(port["targetPort"] for port in self.body("Service", name)["spec"]["ports"])

    def with_secret(self, name: str, **changed: str) -> Cluster:
        """The same cluster after somebody gave a Secret new values; `_` in a key means `-`."""
        new = {key.replace("_", "-"): value for key, value in changed.items()}
        assert new.keys() <= self.secrets[name].keys()
        before = {**self.secrets, name: {**self.secrets[name], **new}}
        return Cluster(self.rendered, _secrets(self.rendered, before))


@dataclass(frozen=True)
class Container:
    """One container, its values as they stand in the manifest."""

    name: str
    body: Body

    @property
    def words(self) -> tuple[str, ...]:
        """Command and arguments."""
        return (*self.body.get("command", ()), *self.body.get("args", ()))

    @property
    def brings_command(self) -> bool:
        """Whether the image's own entrypoint is left out."""
        return "command" in self.body

    @property
    def mounts(self) -> tuple[Body, ...]:
        """The volume mounts, outer paths first."""
        return tuple(sorted(self.body.get("volumeMounts", ()), key=lambda one: one["mountPath"]))

    @property
    def ports(self) -> dict[str, int]:
        """Declared ports by name."""
        return {port["name"]: port["containerPort"] for port in self.body.get("ports", ())}

    def environment(self, secrets: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """The variables with Secret values filled in; asserts on sources not known here."""
        assert "envFrom" not in self.body, "envFrom is not carried out here yet"
        return {entry["name"]: _value(entry, secrets) for entry in self.body.get("env", ())}


@dataclass(frozen=True)
class Pod:
    """The pod template of one workload."""

    name: str
    spec: Body

    @property
    def containers(self) -> tuple[Container, ...]:
        """All of them, those that run before the others first."""
        bodies = (*self.spec.get("initContainers", ()), *self.spec["containers"])
        return tuple(Container(body["name"], body) for body in bodies)

    @property
    def volumes(self) -> tuple[Body, ...]:
        return tuple(self.spec.get("volumes", ()))

    @property
    def user(self) -> tuple[int, int, int]:
        """User, group and the group that mounted files belong to."""
        security = self.spec["securityContext"]
        return security["runAsUser"], security["runAsGroup"], security["fsGroup"]

    def container(self, name: str) -> Container:
        return next(one for one in self.containers if one.name == name)


def rendered_cluster() -> Cluster:
    """The data layer and the programs that use it, as rendered when nobody changes an answer."""
    modules = catalogue()
    model = answers_model(tuple(module.questions for module in modules))
    chosen: dict[str, dict[str, Any]] = {
        module.name: {"enabled": module.name in MODULES} for module in modules
    }
    chosen["disaster-recovery"] |= BACKUPS
    rendered = make_plan(model.model_validate({"modules": chosen})).rendered
    return Cluster(rendered, _secrets(rendered, {}, _BUCKET_KEY))


def cluster_of(
    modules: tuple[Module, ...],
    given: Mapping[str, Any],
    supplied: Mapping[str, str] | None = None,
) -> Cluster:
    """What a catalogue renders for answers given as in a file, with secrets a person supplies."""
    model = answers_model(tuple(module.questions for module in modules))
    rendered = make_plan(model.model_validate(given), modules=modules).rendered
    return Cluster(rendered, _secrets(rendered, {}, supplied))


def _secrets(
    rendered: Rendered,
    before: Mapping[str, Mapping[str, str]],
    supplied: Mapping[str, str] | None = None,
) -> dict[str, Mapping[str, str]]:
    made: dict[str, Mapping[str, str]] = dict(before)
    for spec in rendered.secrets:
        made[spec.name] = make_secret(spec, lambda _, name: made.get(name), (supplied or {}).get)
    return made


def _value(entry: Body, secrets: Mapping[str, Mapping[str, str]]) -> str:
    if "value" in entry:
        return str(entry["value"])
    reference = entry["valueFrom"]["secretKeyRef"]
    return secrets[reference["name"]][reference["key"]]


def secret_values(cluster: Cluster) -> frozenset[str]:
    """Every password and key, to look for where none may be; not what is composed of them."""
    return frozenset(
        text
        for spec in cluster.rendered.secrets
        for value, text in _with_values(spec.values, cluster.secrets[spec.name])
        if value.make in ("password", "secret_key", "encryption_key")
    )


def _with_values(values: Sequence[Any], texts: Mapping[str, str]) -> Iterator[tuple[Any, str]]:
    return ((value, texts[value.key]) for value in values)
