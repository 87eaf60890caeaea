"""The live bar: every resource against its limit, and what each module takes of it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from installer.conversation import BarRow, Proposal
from installer.prompts.words import amount_words, clean, filling_words, usage_words, verdict_word

# Neighbouring shares differ by sign as well as by colour.
SHARE_SIGNS = ("█", "▓", "▒")
SHARE_STYLES = ("$primary", "$secondary", "$accent")
LABEL = 9
# What people decide by; the rest is told in one line unless it is too small or there is room.
MAIN = frozenset({"cpu", "memory", "storage", "money"})
TALL = 34


class BudgetBar(Static):
    """Two lines for each resource: the bar with its verdict, then the shares or the reason."""

    def __init__(self, id: str = "bar") -> None:
        super().__init__(id=id, markup=False)
        self._rows: tuple[BarRow, ...] = ()

    def show(self, proposal: Proposal) -> None:
        """Show another proposal; only this widget is painted again."""
        self._rows = proposal.rows
        self._draw()

    def on_resize(self) -> None:
        """Use the width there is."""
        self._draw()

    def _draw(self) -> None:
        width = self.size.width
        if width:
            tall = self.app.size.height >= TALL
            self.update(Content("\n").join(bar_lines(self._rows, width, tall)))


def bar_lines(rows: Sequence[BarRow], width: int, tall: bool) -> list[Content]:
    """All resources; what matters less is told in one line where there is little room."""
    full = [row for row in rows if tall or row.over or row.resource.lower() in MAIN]
    rest = " · ".join(usage_words(row) for row in rows if row not in full)
    names = list(dict.fromkeys(share.module for row in rows for share in row.shares))
    lines = [line for row in full for line in row_lines(row, width, names)]
    return [*lines, Content(shortened(rest, width))] if rest else lines


def row_lines(row: BarRow, width: int, names: Sequence[str]) -> tuple[Content, Content]:
    """One resource in two lines of at most `width` cells; `names` are all takers in order."""
    numbers = f"{filling_words(row)} {clean(row.unit)}"
    verdict = f" {verdict_word(row)}  "
    cells = max(8, min(40, width - LABEL - len(verdict) - 26))
    style = "$text-error bold" if row.over else "$text-success"
    first = Content.assemble(
        f"{clean(row.resource):<{LABEL}.{LABEL - 1}}",
        drawn(row, cells, names),
        (verdict, style),
        shortened(numbers, max(0, width - LABEL - cells - len(verdict))),
    )
    shares = ", ".join(
        f"{clean(each.module)} {amount_words(each.amount, row.unit)}" for each in row.shares
    )
    second = clean(row.words) if row.over else shares
    return first, Content(" " * LABEL + shortened(second, width - LABEL))


def drawn(row: BarRow, cells: int, names: Sequence[str]) -> Content:
    """The bar alone: shares side by side, then what is left; never longer than `cells`."""
    whole = max(row.limit or 0.0, row.used)
    parts: list[tuple[str, str]] = []
    painted = 0
    so_far = 0.0
    for share in row.shares:
        number = names.index(share.module)  # The same taker looks the same in every bar.
        so_far += share.amount
        end = min(cells, round(cells * so_far / whole)) if whole > 0 else 0
        sign = SHARE_SIGNS[number % len(SHARE_SIGNS)]
        style = "$error" if row.over else SHARE_STYLES[number % len(SHARE_STYLES)]
        parts.append((sign * max(0, end - painted), style))
        painted = max(painted, end)
    parts.append(("·" * (cells - painted), "$text-muted"))
    return Content.assemble(*(part for part in parts if part[0]))


def shortened(text: str, width: int) -> str:
    """The text, or its beginning with an ellipsis."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"
