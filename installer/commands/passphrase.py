"""What backups are encrypted with. It is in the cluster alone until the person keeps a copy."""

from __future__ import annotations

from installer.modules.secret_values import SecretSpec
from installer.plan import Plan

_MODULE, _ID = "disaster-recovery", "backup"


def passphrase_of(plan: Plan) -> SecretSpec | None:
    """The Secret that holds it under its first key; None where no backup is made."""
    for spec in plan.rendered.secrets:
        if spec.module == _MODULE and spec.id == _ID:
            return spec
    return None
