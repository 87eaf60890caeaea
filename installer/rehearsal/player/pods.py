"""Making pods from templates, for the controllers."""

from __future__ import annotations

import copy

from installer.rehearsal.kubernetes.kinds import Object
from installer.rehearsal.player.api import ApiRefused
from installer.rehearsal.player.cluster import PODS, Cluster, key_of, reference_to


def pod_from(owner: Object, template: Object, labels: dict[str, str] | None = None) -> Object:
    """A pod of `owner` by its template, without a name."""
    metadata = copy.deepcopy(template.get("metadata") or {})
    metadata["namespace"] = owner["metadata"]["namespace"]
    metadata["ownerReferences"] = [reference_to(owner)]
    metadata["labels"] = {**(metadata.get("labels") or {}), **(labels or {})}
    return {"metadata": metadata, "spec": copy.deepcopy(template["spec"])}


async def create_pod(cluster: Cluster, owner: Object, pod: Object, source: str) -> Object:
    """Creates a pod for its owner and tells it; a refusal is told as FailedCreate and raised."""
    try:
        made = await cluster.create(PODS, pod)
    except ApiRefused as refused:
        if refused.code != 409:
            words = f"Error creating: {refused.message}"
            await cluster.event(
                owner, "FailedCreate", words, source, warning=True, alike="Error creating"
            )
        raise
    words = f"Created pod: {made['metadata']['name']}"
    await cluster.event(owner, "SuccessfulCreate", words, source)
    return made


async def delete_pod(cluster: Cluster, owner: Object, pod: Object, source: str) -> None:
    """Deletes a pod of an owner and tells it."""
    await cluster.delete(PODS, pod)
    await cluster.event(owner, "SuccessfulDelete", f"Deleted pod: {key_of(pod)[1]}", source)


def condition(
    present: list[Object], name: str, holds: bool, reason: str, message: str, now: str
) -> list[Object]:
    """The list with one condition set; its time changes only with its status."""
    status = "True" if holds else "False"
    old = next((one for one in present if one["type"] == name), None)
    same = old is not None and old["status"] == status
    new = {
        "type": name,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": old["lastTransitionTime"] if old is not None and same else now,
    }
    if old is not None and same and (old.get("reason"), old.get("message")) == (reason, message):
        return present
    return [*(one for one in present if one["type"] != name), new]
