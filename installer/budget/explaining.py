"""Every number of a verdict down to the object and the file it came from."""

from __future__ import annotations

from installer.budget.quantities import show_bytes, show_cpu
from installer.budget.verdict import Amount, BudgetRow, Verdict

_FROM_NODES = ("CPU", "memory", "disk", "pods", "volumes")


def row_names(verdict: Verdict) -> tuple[str, ...]:
    """The resources that can be explained."""
    return tuple(row.resource for row in verdict.rows)


def explain(verdict: Verdict, resource: str) -> tuple[str, ...]:
    """Lines on one resource: the sum, its parts by module, and how the limit came about.

    Raises KeyError where there is no such row; upper and lower case do not matter.
    """
    row = _row(verdict, resource)
    lines = [row.words]
    for module, amount in row.share_by_module:
        lines.append(f"  {module}: {shown(row, amount)}")
        parts = sorted(
            (part for part in row.parts if part.module == module),
            key=lambda part: (-part.amount, part.what),
        )
        lines += [f"    {shown(row, part.amount)}  {part.what}" for part in parts]
    limit = row.how or (verdict.how if row.resource in _FROM_NODES else verdict.free)
    if limit:
        lines.append("  the limit:")
        lines += [f"    {line}" for line in limit]
    lines += _promises(row)
    return tuple(lines)


def _promises(row: BudgetRow) -> list[str]:
    """What containers may take at most, the largest first."""
    if not row.promise:
        return []
    parts = sorted(row.promises, key=lambda part: (-part.amount, part.what))
    return [
        f"  at most: {row.promise}",
        *(f"    {shown(row, part.amount)}  {part.what}" for part in parts),
    ]


def shown(row: BudgetRow, amount: Amount) -> str:
    """An amount in the row's unit."""
    if row.unit == "m":
        return show_cpu(int(amount))
    if row.unit == "bytes":
        return show_bytes(int(amount), up=True)
    return f"{amount:,} {row.unit}"


def _row(verdict: Verdict, resource: str) -> BudgetRow:
    for row in verdict.rows:
        if row.resource.lower() == resource.lower():
            return row
    raise KeyError(resource)
