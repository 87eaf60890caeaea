"""Turns what an API server answers into our errors: what, why, and what to do next."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from installer.engine.errors import ClusterError, InstallError, NotOurs, Temporary
from installer.engine.masking import known_secrets

_LONGEST_REASON = 600
_OWNER = re.compile(r'conflict with "(?P<manager>[^"]*)"')


@dataclass(eq=False)
class Refusal(Exception):
    """An answer that is not a success, as the API server gave it."""

    status: int
    reason: str
    message: str
    causes: tuple[Mapping[str, Any], ...] = ()
    retry_after: float | None = None

    @property
    def is_ownership_conflict(self) -> bool:
        """Whether somebody else's fields stand against ours (server-side apply)."""
        return self.status == 409 and any(
            cause.get("reason") == "FieldManagerConflict" for cause in self.causes
        )

    @property
    def is_passing(self) -> bool:
        """Whether trying the whole step again may help."""
        return self.is_worth_repeating or self.is_overtaken or self.is_namespace_leaving

    @property
    def is_worth_repeating(self) -> bool:
        """Whether the very same request may succeed in some seconds."""
        # The API server answers 500 to an apply with an unknown field; that stays as it is.
        if self.status == 500 and "failed to create typed patch" in self.message:
            return False
        return self.status in (408, 429, 500, 502, 503, 504)

    @property
    def is_overtaken(self) -> bool:
        """Whether somebody was faster, so that we must look again before we repeat."""
        return self.status == 409 and self.reason == "Conflict" and not self.causes

    @property
    def is_namespace_leaving(self) -> bool:
        """Whether the namespace is being deleted, so that nothing can be made in it yet."""
        return self.status == 403 and any(
            cause.get("reason") == "NamespaceTerminating" for cause in self.causes
        )


class LoginRefused(ClusterError):
    """The cluster does not know us; it would answer everything else alike."""


class NotAllowed(ClusterError):
    """The cluster knows us, but we may not do this; other things we may."""


def refusal_from(status: int, body: bytes, retry_after: str | None) -> Refusal:
    """Read an error answer; bodies that are no Status (a proxy's page) are shortened."""
    seconds = float(retry_after) if retry_after and retry_after.isdigit() else None
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict) or document.get("kind") != "Status":
        return Refusal(status, "", _one_line(body.decode("utf-8", "replace")), (), seconds)
    details = document.get("details") or {}
    if seconds is None and details.get("retryAfterSeconds"):
        seconds = float(details["retryAfterSeconds"])
    causes = tuple(cause for cause in details.get("causes") or () if isinstance(cause, dict))
    message = document.get("message") or document.get("reason") or ""
    return Refusal(status, document.get("reason") or "", str(message), causes, seconds)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_REASON]


def as_error(refusal: Refusal, doing: str) -> InstallError:
    """Our error for a refusal; `doing` completes "The cluster refuses to ...", like "apply X"."""
    why = known_secrets.mask(_one_line(refusal.message))
    if refusal.is_ownership_conflict:
        return conflict(refusal, doing)
    if refusal.is_passing:
        return Temporary(
            f"The cluster cannot {doing} right now.",
            f"It answers {refusal.status}: {why}",
            "This usually passes; the same command goes on from here.",
            refusal.retry_after,
        )
    if refusal.status == 401:
        return LoginRefused(
            f"The cluster does not accept our login, so we cannot {doing}.",
            f"It answers 401: {why}",
            "Check the login with: kubectl get nodes. A token may have ended, or this computer's "
            "clock may be wrong.",
        )
    if refusal.status == 403:
        return NotAllowed(
            f"The cluster does not allow us to {doing}.",
            f"It answers 403: {why}",
            "Log in as somebody who may do this (usually cluster-admin), or change the rule named "
            "above, and run again.",
        )
    return ClusterError(
        f"The cluster refuses to {doing}.",
        _all_causes(refusal) or f"It answers {refusal.status}: {why}",
        "If the answers do not explain it, this is an error of ours: please report it with the "
        "log. Everything made so far is kept.",
    )


def _all_causes(refusal: Refusal) -> str:
    lines = [
        f"{cause.get('field', '')}: {cause.get('message', '')}".strip(": ")
        for cause in refusal.causes
        if cause.get("message")
    ]
    return known_secrets.mask("; ".join(lines))


def conflict(refusal: Refusal, doing: str) -> NotOurs:
    """The error for fields that another manager has taken; names both."""
    owners: dict[str, list[str]] = {}
    for cause in refusal.causes:
        match = _OWNER.search(str(cause.get("message", "")))
        manager = match["manager"] if match else "somebody else"
        owners.setdefault(manager, []).append(str(cause.get("field", "?")).lstrip("."))
    why = "; ".join(
        f"{manager!r} changed {', '.join(fields)}" for manager, fields in sorted(owners.items())
    )
    return NotOurs(
        f"We do not {doing}: fields of it are in somebody else's hands.",
        f"{why}.",
        "Take that change back with the tool that made it (or delete the object, we make it "
        "again), then run the same command again.",
    )
