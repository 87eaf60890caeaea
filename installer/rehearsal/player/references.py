"""What a pod names and what may be missing: Secrets, ConfigMaps, claims."""

from __future__ import annotations

from collections.abc import Iterator

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.player.cluster import CLAIMS, CONFIG_MAPS, SECRETS, Cluster
from installer.rehearsal.player.podparts import claims_of


def missing_volume(cluster: Cluster, pod: Object) -> str:
    """The kubelet's words for a volume that cannot be mounted; empty when all can."""
    namespace = pod["metadata"]["namespace"]
    for volume in pod["spec"].get("volumes") or []:
        for kind, name in _sources(volume):
            known = cluster.get(SECRETS if kind == "secret" else CONFIG_MAPS, namespace, name)
            if known is None:
                where = f'MountVolume.SetUp failed for volume "{volume["name"]}"'
                return f'{where} : {kind} "{name}" not found'
    for name in claims_of(pod):
        claim = cluster.get(CLAIMS, namespace, name)
        if claim is None or (claim.get("status") or {}).get("phase") != "Bound":
            return f'persistentvolumeclaim "{name}" is not bound'
    return ""


def _sources(volume: Object) -> Iterator[tuple[str, str]]:
    """Kind and name of each Secret and ConfigMap that must be there."""
    projected = (volume.get("projected") or {}).get("sources") or []
    for source in (volume, *projected):
        secret, config = source.get("secret"), source.get("configMap")
        if secret and not secret.get("optional"):
            yield "secret", secret.get("secretName") or secret.get("name", "")
        if config and not config.get("optional"):
            yield "configmap", config.get("name", "")


def missing_reference(cluster: Cluster, pod: Object) -> str:
    """The kubelet's words for an environment that cannot be made; empty when it can."""
    spec = pod["spec"]
    for container in (*(spec.get("initContainers") or []), *spec["containers"]):
        for words in _environment(cluster, pod["metadata"]["namespace"], container):
            return words
    return ""


def _environment(cluster: Cluster, namespace: str, container: Object) -> Iterator[str]:
    for source in container.get("envFrom") or []:
        yield from _whole(cluster, namespace, source)
    for variable in container.get("env") or []:
        origin = variable.get("valueFrom") or {}
        for kind, field in ((SECRETS, "secretKeyRef"), (CONFIG_MAPS, "configMapKeyRef")):
            wanted = origin.get(field)
            if not wanted or wanted.get("optional"):
                continue
            found = cluster.get(kind, namespace, wanted["name"])
            word = kind.kind if kind == CONFIG_MAPS else "Secret"
            if found is None:
                yield f'{kind.kind.lower()} "{wanted["name"]}" not found'
            elif wanted["key"] not in (found.get("data") or {}):
                yield f"couldn't find key {wanted['key']} in {word} {namespace}/{wanted['name']}"


def _whole(cluster: Cluster, namespace: str, source: Object) -> Iterator[str]:
    for kind, field in ((SECRETS, "secretRef"), (CONFIG_MAPS, "configMapRef")):
        wanted = source.get(field)
        if not wanted or wanted.get("optional"):
            continue
        if cluster.get(kind, namespace, wanted["name"]) is None:
            yield f'{kind.kind.lower()} "{wanted["name"]}" not found'
