"""What the rendered manifests ask of a cluster. There is no other table of numbers.

Running pods (Deployments, StatefulSets, DaemonSets, bare Pods) are needed all the time. Jobs and
the extra pod of a rollout come and go: one after the other can wait for room, so the largest of
them, not their sum, is what must fit beside the running ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from installer.budget.amounts import Amounts, total
from installer.budget.ceilings import NO_CEILINGS, Ceilings, pod_ceilings
from installer.budget.pods import Defaults, Manifest, container_defaults, pod_requests
from installer.budget.quantities import ceil_div, whole
from installer.budget.rules import NO_RULES, PodRules, pod_rules
from installer.modules import RenderedObject


class Rendered(Protocol):
    """An object of the plan with the module and the file it comes from."""

    @property
    def module(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def body(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Origin:
    """Where a number comes from: the module, its file, the object."""

    module: str
    source: str
    kind: str
    namespace: str
    name: str

    def words(self) -> str:
        """For people: `Deployment health/api (etl/api.yaml.j2)`."""
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {place} ({self.source})"


@dataclass(frozen=True)
class Workload:
    """Pods of one kind that one object makes.

    `replicas` run all the time (`per_node`: on every node that takes them); `most` is what an
    autoscaler may raise them to; `passing` pods appear for a while beside everything else, for
    the reason in `passing_words`. Each pod mounts the named `claims` and `own_volumes` of its own,
    and its containers may take up to `most_each`.
    """

    origin: Origin
    pod: Amounts
    replicas: int
    per_node: bool = False
    most: int = 0
    passing: int = 0
    passing_words: str = ""
    claims: tuple[str, ...] = ()
    own_volumes: int = 0
    rules: PodRules = NO_RULES
    most_each: Ceilings = NO_CEILINGS

    @property
    def shy(self) -> bool:
        """Whether two of its pods may not share a node."""
        return self.rules.clashes(self.rules)

    def running(self, nodes: int) -> int:
        """Pods that run all the time in a cluster of so many nodes."""
        return self.replicas * nodes if self.per_node else self.replicas


@dataclass(frozen=True)
class Balancer:
    """A Service that Oracle answers with a balancer: network, flexible (Mbps) or fixed shape."""

    origin: Origin
    kind: str
    mbps: int = 0


@dataclass(frozen=True)
class WantedVolume:
    """A PersistentVolumeClaim found in the manifests, or one of a StatefulSet's."""

    origin: Origin
    namespace: str
    name: str
    size_bytes: int
    on_many_nodes: bool = False


@dataclass(frozen=True)
class Demand:
    """Everything the manifests ask for."""

    workloads: tuple[Workload, ...] = ()
    balancers: tuple[Balancer, ...] = ()
    volumes: tuple[WantedVolume, ...] = ()

    def running(self, nodes: int = 1) -> Amounts:
        """What all pods that run all the time request together."""
        return total([load.pod * load.running(nodes) for load in self.workloads])

    def pods(self, nodes: int = 1) -> int:
        """How many pods run all the time."""
        return sum(load.running(nodes) for load in self.workloads)

    @cached_property
    def passing(self) -> tuple[Workload, ...]:
        """Workloads with pods that come and go."""
        return tuple(load for load in self.workloads if load.passing)

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """Modules that ask for anything, in order of appearance."""
        origins = [load.origin for load in self.workloads]
        origins += [balancer.origin for balancer in self.balancers]
        origins += [volume.origin for volume in self.volumes]
        return tuple(dict.fromkeys(origin.module for origin in origins))


NOTHING = Demand()

_Around = tuple[Defaults | None, tuple[int, int] | None]


@dataclass
class _Survey:
    """Objects that change how other objects are read, gathered before the reading."""

    scalers: dict[tuple[str, str, str], tuple[int, int]] = field(default_factory=dict)
    defaults: dict[str, Defaults] = field(default_factory=dict)

    def around(self, rendered: RenderedObject) -> _Around | None:
        """What changes how this object is read; None where nothing does."""
        if not self.scalers and not self.defaults:
            return None
        kind, namespace, name = rendered.identity
        around = (self.defaults.get(namespace), self.scalers.get((kind, namespace, name)))
        return None if around == (None, None) else around


def measure(objects: Iterable[Rendered]) -> Demand:
    """Sum up the objects that will be applied.

    Raises BadQuantity when a manifest holds a quantity that Kubernetes would refuse.
    """
    every = [one for one in objects if one.body.get("kind") in _ASKING]
    survey = _look_around(every)
    portions = [each for each in (_portion(one, survey) for one in every) if each is not NOTHING]
    return Demand(
        tuple(load for portion in portions for load in portion.workloads),
        tuple(balancer for portion in portions for balancer in portion.balancers),
        tuple(volume for portion in portions for volume in portion.volumes),
    )


def _portion(rendered: Rendered, survey: _Survey) -> Demand:
    """What one object asks for; remembered for those that nobody may change."""
    if not isinstance(rendered, RenderedObject):
        return _read_portion(rendered, survey)
    # The object is kept with its portion, so that no other one can have the same id.
    known = _portions.get(id(rendered))
    around = survey.around(rendered)
    if known is None or known[1] != around:
        if len(_portions) >= _MOST_PORTIONS:
            _portions.clear()
        known = _portions[id(rendered)] = (rendered, around, _read_portion(rendered, survey))
    return known[2]


_MOST_PORTIONS = 16384
_portions: dict[int, tuple[RenderedObject, _Around | None, Demand]] = {}


def _read_portion(rendered: Rendered, survey: _Survey) -> Demand:
    body, origin = rendered.body, _origin(rendered)
    reader = _READERS.get(origin.kind)
    workloads: list[Workload] = []
    balancers: list[Balancer] = []
    volumes: list[WantedVolume] = []
    if reader is not None:
        workloads.append(reader(origin, body.get("spec") or {}, survey))
    if origin.kind == "StatefulSet":
        volumes.extend(_claim_templates(origin, body.get("spec") or {}))
    elif origin.kind == "PersistentVolumeClaim":
        volumes.append(_wanted_volume(origin, origin.name, body.get("spec") or {}))
    elif origin.kind == "Service" and (body.get("spec") or {}).get("type") == "LoadBalancer":
        balancers.append(_balancer(origin, body["metadata"].get("annotations") or {}))
    if not (workloads or balancers or volumes):
        return NOTHING
    return Demand(tuple(workloads), tuple(balancers), tuple(volumes))


def _origin(rendered: Rendered) -> Origin:
    metadata = rendered.body.get("metadata") or {}
    return Origin(
        rendered.module,
        rendered.source,
        str(rendered.body.get("kind", "")),
        str(metadata.get("namespace", "")),
        str(metadata.get("name", "")),
    )


def _look_around(objects: Sequence[Rendered]) -> _Survey:
    survey = _Survey()
    ranges: dict[str, list[Manifest]] = {}
    for rendered in objects:
        kind = rendered.body.get("kind")
        if kind not in ("LimitRange", "HorizontalPodAutoscaler"):
            continue
        metadata = rendered.body.get("metadata") or {}
        namespace = str(metadata.get("namespace", ""))
        if kind == "LimitRange":
            ranges.setdefault(namespace, []).append(rendered.body)
        else:
            spec = rendered.body.get("spec") or {}
            target = spec.get("scaleTargetRef") or {}
            key = (str(target.get("kind")), namespace, str(target.get("name")))
            survey.scalers[key] = (int(spec.get("minReplicas") or 1), int(spec["maxReplicas"]))
    survey.defaults = {name: container_defaults(found) for name, found in ranges.items()}
    return survey


def _workload(origin: Origin, template: Manifest, survey: _Survey, **counts: Any) -> Workload:
    spec = template.get("spec") or {}
    return Workload(
        origin,
        pod_requests(spec, survey.defaults.get(origin.namespace)),
        claims=_claims_of(spec),
        rules=pod_rules(origin.namespace, template),
        most_each=pod_ceilings(spec),
        **counts,
    )


def _claims_of(spec: Manifest) -> tuple[str, ...]:
    names = (
        (volume.get("persistentVolumeClaim") or {}).get("claimName")
        for volume in spec.get("volumes") or ()
    )
    return tuple(dict.fromkeys(str(name) for name in names if name))


def _replicas(origin: Origin, spec: Manifest, survey: _Survey) -> tuple[int, int]:
    """Replicas that run, and the most an autoscaler may make of them."""
    stated = 1 if spec.get("replicas") is None else int(spec["replicas"])
    bounds = survey.scalers.get((origin.kind, origin.namespace, origin.name))
    if bounds is None or stated == 0:  # an autoscaler leaves a workload of 0 replicas alone
        return stated, stated
    low, high = bounds
    return min(max(stated, low), high), high


def _deployment(origin: Origin, spec: Manifest, survey: _Survey) -> Workload:
    replicas, most = _replicas(origin, spec, survey)
    extra = _rollout_needs_room(spec, replicas)
    return _workload(
        origin,
        spec.get("template") or {},
        survey,
        replicas=replicas,
        most=most,
        passing=int(extra),
        passing_words="the new pod of a rollout" if extra else "",
    )


def _rollout_needs_room(spec: Manifest, replicas: int) -> bool:
    """Whether a rollout stands still unless one more pod finds room."""
    strategy = spec.get("strategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate" or replicas == 0:
        return False
    rolling = strategy.get("rollingUpdate") or {}
    surge = _share(rolling.get("maxSurge", "25%"), replicas, up=True)
    fewer = _share(rolling.get("maxUnavailable", "25%"), replicas, up=False)
    return surge > 0 and fewer == 0


def _share(value: object, of: int, *, up: bool) -> int:
    text = str(value)
    if not text.endswith("%"):
        return int(text)
    percent = int(text[:-1])
    return ceil_div(of * percent, 100) if up else of * percent // 100


def _replicated(origin: Origin, spec: Manifest, survey: _Survey) -> Workload:
    replicas, most = _replicas(origin, spec, survey)
    return _workload(
        origin,
        spec.get("template") or {},
        survey,
        replicas=replicas,
        most=most,
        own_volumes=len(spec.get("volumeClaimTemplates") or ()),
    )


def _daemon_set(origin: Origin, spec: Manifest, survey: _Survey) -> Workload:
    return _workload(origin, spec.get("template") or {}, survey, replicas=1, per_node=True)


def _job(origin: Origin, spec: Manifest, survey: _Survey) -> Workload:
    at_once = 1 if spec.get("parallelism") is None else int(spec["parallelism"])
    completions = spec.get("completions")
    if completions is not None:
        at_once = min(at_once, int(completions))
    return _workload(
        origin,
        spec.get("template") or {},
        survey,
        replicas=0,
        passing=0 if spec.get("suspend") else at_once,
        passing_words="a job that ends",
    )


def _cron_job(origin: Origin, spec: Manifest, survey: _Survey) -> Workload:
    job = dict((spec.get("jobTemplate") or {}).get("spec") or {})
    job["suspend"] = spec.get("suspend") or job.get("suspend")
    return _job(origin, job, survey)


def _bare_pod(origin: Origin, spec: Manifest, survey: _Survey) -> Workload:
    return _workload(origin, {"spec": spec}, survey, replicas=1)


_READERS: dict[str, Callable[[Origin, Manifest, _Survey], Workload]] = {
    "Deployment": _deployment,
    "StatefulSet": _replicated,
    "ReplicaSet": _replicated,
    "ReplicationController": _replicated,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "CronJob": _cron_job,
    "Pod": _bare_pod,
}


# What no object of another kind says changes what is asked for.
_ASKING = frozenset(
    {*_READERS, "PersistentVolumeClaim", "Service", "LimitRange", "HorizontalPodAutoscaler"}
)


def _claim_templates(origin: Origin, spec: Manifest) -> list[WantedVolume]:
    replicas = 1 if spec.get("replicas") is None else int(spec["replicas"])
    return [
        _wanted_volume(
            origin, f"{claim['metadata']['name']}-{origin.name}-{number}", claim.get("spec") or {}
        )
        for claim in spec.get("volumeClaimTemplates") or ()
        for number in range(replicas)
    ]


def _wanted_volume(origin: Origin, name: str, spec: Manifest) -> WantedVolume:
    requests = (spec.get("resources") or {}).get("requests") or {}
    modes = spec.get("accessModes") or ()
    return WantedVolume(
        origin,
        origin.namespace,
        name,
        whole(requests.get("storage", 0)),
        on_many_nodes=bool({"ReadWriteMany", "ReadOnlyMany"} & set(modes)),
    )


_NETWORK = "oci.oraclecloud.com/load-balancer-type"
_SHAPE = "service.beta.kubernetes.io/oci-load-balancer-shape"


def _balancer(origin: Origin, annotations: Mapping[str, Any]) -> Balancer:
    if annotations.get(_NETWORK) == "nlb":
        return Balancer(origin, "network")
    if str(annotations.get(_SHAPE, "")).lower() != "flexible":
        return Balancer(origin, "fixed")
    most = annotations.get(f"{_SHAPE}-flex-max") or annotations.get(f"{_SHAPE}-flex-min") or 0
    return Balancer(origin, "flexible", int(str(most).removesuffix("Mbps")))
