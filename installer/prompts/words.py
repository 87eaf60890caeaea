"""Words for what the engine reports; the same on screens, in lines and in the log."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from installer.engine.masking import known_secrets

if TYPE_CHECKING:
    # The first frame of the screens does not wait for these.
    from installer.conversation import BarRow, Conclusion, Proposal
    from installer.engine.events import Outcome

NOTHING_HELPS = (
    "Nothing has to be given up, or nothing that could be is enough: switch modules off, or pay "
    "for more."
)
OUTCOMES = {"unchanged": "as wanted", "absent": "was not there"}


def clean(text: str) -> str:
    """Foreign text made harmless: one line, no control signs, no known secret."""
    flat = " ".join(known_secrets.mask(text).split())
    return "".join("?" if unicodedata.category(sign).startswith("C") else sign for sign in flat)


def clock_words(seconds: float) -> str:
    """A duration in seconds as minutes and seconds, or hours, minutes and seconds."""
    whole = max(0, int(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def usual_words(seconds: float) -> str:
    """A usual duration in seconds, rounded as people say it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"


def outcome_words(outcome: Outcome) -> str:
    """How a step ended, as a person says it."""
    return OUTCOMES.get(outcome, str(outcome))


def source_words(source: str) -> str:
    """Where an answer came from, as the person knows it."""
    return {"screen": "your answer"}.get(source, clean(source))


def amount_words(amount: float, unit: str = "") -> str:
    """An amount with at most two places; money always has both."""
    text = f"{amount:.2f}"
    return text if unit.startswith("USD") else text.rstrip("0").rstrip(".")


def verdict_word(row: BarRow) -> str:
    """Whether a resource fits, in capitals when it does not, so that colour is not needed."""
    return "OVER" if row.over else "fits"


def row_words(row: BarRow) -> str:
    """One resource with its verdict and what each module takes."""
    shares = ", ".join(
        f"{clean(share.module)} {amount_words(share.amount, row.unit)}" for share in row.shares
    )
    taken = f" ({shares})" if shares else ""
    return f"{clean(row.resource)}: {verdict_word(row)}. {clean(row.words)}{taken}"


def filling_words(row: BarRow) -> str:
    """What is used of the limit, without the unit."""
    used = amount_words(row.used, row.unit)
    return used if row.limit is None else f"{used} of {amount_words(row.limit, row.unit)}"


def usage_words(row: BarRow) -> str:
    """One resource in a few words."""
    unit = "" if row.unit == row.resource else f" {clean(row.unit)}"
    return f"{clean(row.resource)} {filling_words(row)}{unit} ({verdict_word(row)})"


def bill_words(proposal: Proposal) -> str:
    """The monthly bill in one sentence."""
    if proposal.bill_usd == 0:
        return "Monthly bill: 0.00 USD."
    return f"Monthly bill: {proposal.bill_usd:.2f} USD."


def conclusion_lines(conclusion: Conclusion) -> tuple[str, ...]:
    """The last page as lines: how it ended, where things answer, what to do next."""
    lines = [clean(conclusion.words)]
    if conclusion.failure is not None:
        failure = conclusion.failure
        if clean(failure.what) != lines[0]:
            lines.append(clean(failure.what))
        lines += [clean(part) for text in (failure.why, failure.then) for part in text.splitlines()]
    lines += [clean(words) for words in conclusion.remarks]
    for endpoint in conclusion.endpoints:
        words = f" — {clean(endpoint.words)}" if endpoint.words else ""
        lines.append(f"{clean(endpoint.title)}: {clean(endpoint.address)}{words}")
    lines += [f"Log in to {clean(words)}" for words in conclusion.logins]
    lines += [f"Next: {clean(words)}" for words in conclusion.what_next]
    if conclusion.answers_file:
        lines.append(f"The answers that repeat this: {clean(conclusion.answers_file)}")
    if conclusion.log_file:
        lines.append(f"The log: {clean(conclusion.log_file)}")
    return tuple(lines)
