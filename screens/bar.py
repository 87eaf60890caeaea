"""The live bar: every resource against its limit, and what each module takes of it."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from installer.conversation import BarRow, Proposal
from installer.prompts.words import amount_words, clean, verdict_word

# Neighbouring shares differ by sign as well as by colour.
SHARE_SIGNS = ("█", "▓", "▒")
SHARE_STYLES = ("$primary", "$secondary", "$accent")
LABEL = 9


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
            lines = [line for row in self._rows for line in row_lines(row, width)]
            self.update(Content("\n").join(lines))


def row_lines(row: BarRow, width: int) -> tuple[Content, Content]:
    """One resource in two lines of at most `width` cells."""
    used, limit = amount_words(row.used, row.unit), amount_words(row.limit, row.unit)
    numbers = f"{used} of {limit} {clean(row.unit)}"
    verdict = f" {verdict_word(row)}  "
    cells = max(8, min(40, width - LABEL - len(verdict) - 26))
    style = "$text-error bold" if row.over else "$text-success"
    first = Content.assemble(
        f"{clean(row.resource):<{LABEL}.{LABEL - 1}}",
        drawn(row, cells),
        (verdict, style),
        shortened(numbers, max(0, width - LABEL - cells - len(verdict))),
    )
    shares = ", ".join(
        f"{clean(each.module)} {amount_words(each.amount, row.unit)}" for each in row.shares
    )
    second = clean(row.words) if row.over else shares
    return first, Content(" " * LABEL + shortened(second, width - LABEL))


def drawn(row: BarRow, cells: int) -> Content:
    """The bar alone: shares side by side, then what is left; never longer than `cells`."""
    whole = max(row.limit, row.used)
    parts: list[tuple[str, str]] = []
    painted = 0
    so_far = 0.0
    for number, share in enumerate(row.shares):
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
