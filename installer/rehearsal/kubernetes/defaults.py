"""What the API server fills in when the writer leaves it out.

From `SetDefaults_*` of Kubernetes 1.36 (`pkg/apis/*/v1/defaults.go`), for the kinds served here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.kubernetes.quantity import canonical


def fill(kind: str, obj: Object) -> None:
    """Adds the defaults of its kind to an object, in place, and spells quantities canonically."""
    filler = _FILLERS.get(kind)
    if filler is not None:
        filler(obj)


_ZEROS: dict[str, tuple[str, ...]] = {
    "StatefulSet": ("replicas", "availableReplicas"),
    "ReplicaSet": ("replicas",),
    "DaemonSet": (
        "currentNumberScheduled",
        "desiredNumberScheduled",
        "numberMisscheduled",
        "numberReady",
    ),
    "PodDisruptionBudget": (
        "disruptionsAllowed",
        "currentHealthy",
        "desiredHealthy",
        "expectedPods",
    ),
    "HorizontalPodAutoscaler": ("desiredReplicas",),
}


def first_status(kind: str) -> Object:
    """The status of a new object: counts that the API never leaves out are 0."""
    return dict.fromkeys(_ZEROS.get(kind, ()), 0)


def _set(place: Object, **values: Any) -> None:
    for name, value in values.items():
        if place.get(name) is None:
            place[name] = value


def _spell(place: Any) -> None:
    """Quantities in a map of them."""
    if isinstance(place, dict):
        for name, text in place.items():
            place[name] = canonical(text)


def _resources(owner: Object) -> None:
    resources = owner.setdefault("resources", {})
    requests, limits = resources.get("requests"), resources.get("limits")
    _spell(requests)
    _spell(limits)
    if limits:
        mine = dict(requests or {})
        resources["requests"] = {**{k: v for k, v in limits.items() if k not in mine}, **mine}


def pod_spec(spec: Object, restart: str = "Always") -> None:
    """Defaults of a pod's spec, in a pod or a template."""
    _set(
        spec,
        restartPolicy=restart,
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        schedulerName="default-scheduler",
        securityContext={},
    )
    if "serviceAccountName" in spec:
        _set(spec, serviceAccount=spec["serviceAccountName"])
    for container in (*(spec.get("containers") or []), *(spec.get("initContainers") or [])):
        _container(container)
    for volume in spec.get("volumes") or []:
        _volume(volume)


def _container(container: Object) -> None:
    image = str(container.get("image", ""))
    tag = image.rsplit("/", 1)[-1].partition(":")[2]
    always = "@" not in image and tag in ("", "latest")
    _set(
        container,
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        imagePullPolicy="Always" if always else "IfNotPresent",
    )
    _resources(container)
    for port in container.get("ports") or []:
        _set(port, protocol="TCP")
    for variable in container.get("env") or []:
        source = variable.get("valueFrom", {}).get("fieldRef")
        if source is not None:
            _set(source, apiVersion="v1")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name):
            _probe(container[name])


def _probe(probe: Object) -> None:
    _set(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    if probe.get("httpGet"):
        _set(probe["httpGet"], path="/", scheme="HTTP")
    if probe.get("grpc"):
        _set(probe["grpc"], service="")


_FILE_MODES = ("secret", "configMap", "downwardAPI", "projected")


def _volume(volume: Object) -> None:
    if set(volume) == {"name"}:
        volume["emptyDir"] = {}
    for name in _FILE_MODES:
        if volume.get(name) is not None:
            _set(volume[name], defaultMode=420)
    empty = volume.get("emptyDir")
    if empty and "sizeLimit" in empty:
        empty["sizeLimit"] = canonical(empty["sizeLimit"])
    for source in (volume.get("projected") or {}).get("sources") or []:
        if "serviceAccountToken" in source:
            _set(source["serviceAccountToken"], expirationSeconds=3600)


def _template(obj: Object, restart: str = "Always") -> None:
    template = obj.setdefault("spec", {}).setdefault("template", {})
    template.setdefault("metadata", {})
    pod_spec(template.setdefault("spec", {}), restart)


def _pod(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    pod_spec(spec)
    _set(spec, enableServiceLinks=True, preemptionPolicy="PreemptLowerPriority", priority=0)
    _set(spec, serviceAccountName="default")
    _set(spec, serviceAccount=spec["serviceAccountName"])
    obj.setdefault("status", {}).setdefault("phase", "Pending")


def _deployment(obj: Object) -> None:
    _template(obj)
    spec = obj["spec"]
    _set(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600, strategy={})
    strategy = spec["strategy"]
    _set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _set(strategy, rollingUpdate={})
        _set(strategy["rollingUpdate"], maxSurge="25%", maxUnavailable="25%")


def _replicaset(obj: Object) -> None:
    _template(obj)
    _set(obj.setdefault("spec", {}), replicas=1)


def _statefulset(obj: Object) -> None:
    _template(obj)
    spec = obj["spec"]
    _set(spec, replicas=1, revisionHistoryLimit=10, podManagementPolicy="OrderedReady")
    _set(spec, updateStrategy={}, persistentVolumeClaimRetentionPolicy={})
    _set(spec["persistentVolumeClaimRetentionPolicy"], whenDeleted="Retain", whenScaled="Retain")
    strategy = spec["updateStrategy"]
    _set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _set(strategy, rollingUpdate={})
        _set(strategy["rollingUpdate"], partition=0)
    for claim in spec.get("volumeClaimTemplates") or []:
        _set(claim, apiVersion="v1", kind="PersistentVolumeClaim")
        _claim(claim)


def _daemonset(obj: Object) -> None:
    _template(obj)
    spec = obj["spec"]
    _set(spec, revisionHistoryLimit=10, updateStrategy={})
    strategy = spec["updateStrategy"]
    _set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _set(strategy, rollingUpdate={})
        _set(strategy["rollingUpdate"], maxSurge=0, maxUnavailable=1)


def _job_spec(spec: Object) -> None:
    _set(
        spec,
        completions=1,
        parallelism=1,
        backoffLimit=6,
        completionMode="NonIndexed",
        suspend=False,
        podReplacementPolicy="TerminatingOrFailed",
    )
    _template({"spec": spec})


def _job(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    _job_spec(spec)
    labels = {
        "batch.kubernetes.io/controller-uid": obj["metadata"]["uid"],
        "batch.kubernetes.io/job-name": obj["metadata"]["name"],
        "controller-uid": obj["metadata"]["uid"],
        "job-name": obj["metadata"]["name"],
    }
    if not spec.get("manualSelector"):
        spec["template"]["metadata"].setdefault("labels", {}).update(labels)
        first = "batch.kubernetes.io/controller-uid"
        _set(spec, selector={"matchLabels": {first: labels[first]}})


def _cronjob(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    _set(
        spec,
        concurrencyPolicy="Allow",
        suspend=False,
        successfulJobsHistoryLimit=3,
        failedJobsHistoryLimit=1,
    )
    job = spec.setdefault("jobTemplate", {})
    job.setdefault("metadata", {})
    template = job.setdefault("spec", {}).setdefault("template", {})
    template.setdefault("metadata", {})
    pod_spec(template.setdefault("spec", {}))


def _service(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    _set(spec, type="ClusterIP", sessionAffinity="None")
    for port in spec.get("ports") or []:
        _set(port, protocol="TCP")
        if spec["type"] != "ExternalName":
            _set(port, targetPort=port.get("port"))
    if spec["type"] == "ExternalName":
        return
    _set(spec, internalTrafficPolicy="Cluster", ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    if spec["type"] in ("LoadBalancer", "NodePort"):
        _set(spec, externalTrafficPolicy="Cluster")
    if spec["type"] == "LoadBalancer":
        _set(spec, allocateLoadBalancerNodePorts=True)
    obj.setdefault("status", {}).setdefault("loadBalancer", {})


def _claim(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    _set(spec, volumeMode="Filesystem")
    _spell(spec.get("resources", {}).get("requests"))
    _spell(spec.get("resources", {}).get("limits"))
    obj.setdefault("status", {}).setdefault("phase", "Pending")


def _volume_object(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    _spell(spec.get("capacity"))
    _set(spec, volumeMode="Filesystem", persistentVolumeReclaimPolicy="Retain")
    obj.setdefault("status", {}).setdefault("phase", "Pending")


def _class(obj: Object) -> None:
    _set(obj, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def _secret(obj: Object) -> None:
    _set(obj, type="Opaque")


def _namespace(obj: Object) -> None:
    metadata = obj["metadata"]
    metadata.setdefault("labels", {})["kubernetes.io/metadata.name"] = metadata["name"]
    _set(obj.setdefault("spec", {}), finalizers=["kubernetes"])
    obj.setdefault("status", {}).setdefault("phase", "Active")


def _policy(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    has_egress = "egress" in spec
    _set(spec, policyTypes=["Ingress", "Egress"] if has_egress else ["Ingress"])
    for rule in _rules(spec):
        for port in rule.get("ports") or []:
            _set(port, protocol="TCP")


def _rules(spec: Object) -> Iterator[Object]:
    yield from spec.get("ingress") or []
    yield from spec.get("egress") or []


def _binding(obj: Object) -> None:
    _set(obj.get("roleRef", {}), apiGroup="rbac.authorization.k8s.io")
    for subject in obj.get("subjects") or []:
        if subject.get("kind") in ("User", "Group"):
            _set(subject, apiGroup="rbac.authorization.k8s.io")


def _autoscaler(obj: Object) -> None:
    _set(obj.setdefault("spec", {}), minReplicas=1)


def _priority(obj: Object) -> None:
    _set(obj, preemptionPolicy="PreemptLowerPriority")


_FILLERS: dict[str, Callable[[Object], None]] = {
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _replicaset,
    "StatefulSet": _statefulset,
    "DaemonSet": _daemonset,
    "Job": _job,
    "CronJob": _cronjob,
    "Service": _service,
    "PersistentVolumeClaim": _claim,
    "PersistentVolume": _volume_object,
    "StorageClass": _class,
    "Secret": _secret,
    "Namespace": _namespace,
    "NetworkPolicy": _policy,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
    "HorizontalPodAutoscaler": _autoscaler,
    "PriorityClass": _priority,
}
