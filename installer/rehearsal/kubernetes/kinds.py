"""The kinds this server knows: one row each, from which discovery and routing are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
"""A Kubernetes object as JSON: its shape is the API's, not ours."""


@dataclass(frozen=True)
class Kind:
    """One resource of the API."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    short: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    in_all: bool = False

    @property
    def api_version(self) -> str:
        """`v1`, `apps/v1`: as written in an object."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def key(self) -> str:
        """`pods`, `deployments.apps`: as messages and the shelf name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def base(self) -> str:
        """The path under which the group's resources live."""
        return f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"


_STATUS = ("status",)
_OF_PODS = ("status", "log", "eviction", "binding", "portforward")
_SCALED = ("status", "scale")
_RBAC = "rbac.authorization.k8s.io"
_STORAGE = "storage.k8s.io"
_NET = "networking.k8s.io"

KINDS: tuple[Kind, ...] = (
    Kind("", "v1", "Namespace", "namespaces", False, ("ns",), _STATUS),
    Kind("", "v1", "Node", "nodes", False, ("no",), _STATUS),
    Kind("", "v1", "Pod", "pods", True, ("po",), _OF_PODS, True),
    Kind("", "v1", "Service", "services", True, ("svc",), _STATUS, True),
    Kind("", "v1", "Endpoints", "endpoints", True, ("ep",)),
    Kind("", "v1", "ConfigMap", "configmaps", True, ("cm",)),
    Kind("", "v1", "Secret", "secrets"),
    Kind("", "v1", "ServiceAccount", "serviceaccounts", True, ("sa",)),
    Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", True, ("pvc",), _STATUS),
    Kind("", "v1", "PersistentVolume", "persistentvolumes", False, ("pv",), _STATUS),
    Kind("", "v1", "Event", "events", True, ("ev",)),
    Kind("", "v1", "ResourceQuota", "resourcequotas", True, ("quota",), _STATUS),
    Kind("", "v1", "LimitRange", "limitranges", True, ("limits",)),
    Kind("apps", "v1", "Deployment", "deployments", True, ("deploy",), _SCALED, True),
    Kind("apps", "v1", "ReplicaSet", "replicasets", True, ("rs",), _SCALED, True),
    Kind("apps", "v1", "StatefulSet", "statefulsets", True, ("sts",), _SCALED, True),
    Kind("apps", "v1", "DaemonSet", "daemonsets", True, ("ds",), _STATUS, True),
    Kind("apps", "v1", "ControllerRevision", "controllerrevisions"),
    Kind("batch", "v1", "Job", "jobs", True, (), _STATUS, True),
    Kind("batch", "v1", "CronJob", "cronjobs", True, ("cj",), _STATUS, True),
    Kind(
        "autoscaling",
        "v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        True,
        ("hpa",),
        _STATUS,
        True,
    ),
    Kind(_NET, "v1", "Ingress", "ingresses", True, ("ing",), _STATUS),
    Kind(_NET, "v1", "IngressClass", "ingressclasses", False),
    Kind(_NET, "v1", "NetworkPolicy", "networkpolicies", True, ("netpol",)),
    Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", True, ("pdb",), _STATUS),
    Kind(_STORAGE, "v1", "StorageClass", "storageclasses", False, ("sc",)),
    Kind(_STORAGE, "v1", "CSIDriver", "csidrivers", False),
    Kind(_STORAGE, "v1", "CSINode", "csinodes", False),
    Kind(_STORAGE, "v1", "VolumeAttachment", "volumeattachments", False, (), _STATUS),
    Kind(_RBAC, "v1", "Role", "roles"),
    Kind(_RBAC, "v1", "RoleBinding", "rolebindings"),
    Kind(_RBAC, "v1", "ClusterRole", "clusterroles", False),
    Kind(_RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", False),
    Kind("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", False, ("pc",)),
    Kind("coordination.k8s.io", "v1", "Lease", "leases"),
    Kind("apiregistration.k8s.io", "v1", "APIService", "apiservices", False, (), _STATUS),
    Kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
)

REVIEWS: tuple[Kind, ...] = (
    Kind(
        "authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", False
    ),
    Kind("authorization.k8s.io", "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews", False),
    Kind("authorization.k8s.io", "v1", "SubjectAccessReview", "subjectaccessreviews", False),
    Kind("authentication.k8s.io", "v1", "TokenReview", "tokenreviews", False),
    Kind("authentication.k8s.io", "v1", "SelfSubjectReview", "selfsubjectreviews", False),
)
"""Questions that are answered and never stored."""

_BY_PATH = {(k.group, k.version, k.plural): k for k in KINDS + REVIEWS}
_BY_KIND = {(k.api_version, k.kind): k for k in KINDS + REVIEWS}
BY_KEY = {k.key: k for k in KINDS}


def kind_at(group: str, version: str, plural: str) -> Kind | None:
    """The kind served at a path, or None."""
    return _BY_PATH.get((group, version, plural))


def kind_of(api_version: str, kind: str) -> Kind | None:
    """The kind an object says it is, or None."""
    return _BY_KIND.get((api_version, kind))


def known(key: str) -> Kind:
    """The kind by its key, which the program itself wrote."""
    return BY_KEY[key]
