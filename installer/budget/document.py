"""A verdict as plain data for programs: the same verdict gives the same bytes."""

from __future__ import annotations

from decimal import Decimal

from installer.budget.billing import Bill, BillLine
from installer.budget.verdict import Amount, BudgetRow, Verdict

Document = dict[str, object]


def verdict_document(verdict: Verdict) -> Document:
    """Everything the verdict says; money is text with its cents, all else whole numbers."""
    return {
        "fits": verdict.fits,
        "costs_money": verdict.costs_money,
        "consented": verdict.consented,
        "reasons": list(verdict.reasons),
        "rows": [_row(row) for row in verdict.rows],
        "bill": _bill(verdict.bill),
        "placement": {
            seat.node.name: sorted(bundle.title for bundle in seat.inside)
            for seat in verdict.placement.seats
        },
        "limits_explained": list(verdict.how),
    }


def _row(row: BudgetRow) -> Document:
    return {
        "resource": row.resource,
        "used": _plain(row.used),
        "passing": _plain(row.passing),
        "limit": None if row.limit is None else _plain(row.limit),
        "unit": row.unit,
        "over": row.over,
        "words": row.words,
        "share_by_module": {module: _plain(amount) for module, amount in row.share_by_module},
        "parts": [
            {"module": part.module, "what": part.what, "amount": _plain(part.amount)}
            for part in row.parts
        ],
    }


def _bill(bill: Bill) -> Document:
    return {
        "monthly_usd": str(bill.monthly_usd),
        "exact": bill.exact,
        "words": bill.words(),
        "lines": [_line(line) for line in bill.lines],
    }


def _line(line: BillLine) -> Document:
    return {
        "resource": line.resource,
        "quantity": line.quantity,
        "free": line.free,
        "billed": line.billed,
        "unit": line.unit,
        "price_usd": None if line.price is None else str(line.price),
        "usd": None if line.usd is None else str(line.usd),
        "price_as_of": line.price_as_of.isoformat(),
        "source": line.source,
    }


def _plain(amount: Amount) -> int | str:
    return str(amount) if isinstance(amount, Decimal) else amount
