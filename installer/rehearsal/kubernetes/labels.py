"""Label selectors as objects carry them: of budgets, Services, affinities and volumes."""

from __future__ import annotations

from installer.rehearsal.kubernetes.kinds import Object


def matches(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a label selector takes these labels."""
    for key, wanted in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != wanted:
            return False
    return all(fits(one, labels) for one in selector.get("matchExpressions") or [])


def fits(rule: Object, labels: dict[str, str]) -> bool:
    """Whether one expression of a label or node selector takes these labels."""
    found, verb, values = labels.get(rule["key"]), rule["operator"], rule.get("values") or []
    if verb == "In":
        return found in values
    if verb == "NotIn":
        return found not in values
    if verb == "Exists":
        return found is not None
    if verb == "DoesNotExist":
        return found is None
    if found is None or not found.lstrip("-").isdigit():
        return False
    return int(found) > int(values[0]) if verb == "Gt" else int(found) < int(values[0])
