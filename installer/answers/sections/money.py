"""What the installation may cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from installer.answers import forms
from installer.answers.asking import Ask, Section


class Money(Section):
    """What the installation may cost."""

    accept_monthly_usd: Annotated[
        Decimal,
        forms.Money(),
        Ask(
            "Monthly cost you agree to, in US dollars",
            help="Nothing that costs more than this is made. 0.00 means: only what is free. The "
            "expected bill is shown before anything is made.",
        ),
    ] = Decimal("0.00")
