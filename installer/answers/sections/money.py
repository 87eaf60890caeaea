"""What the installation may cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from installer.answers import forms
from installer.answers.asking import Ask, Section
from installer.answers.sections.relevance import on_oracle


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
    spend_lock: Annotated[
        bool,
        forms.Switch(),
        Ask(
            "Lock against spending",
            help="Where Oracle allows it, a quota policy refuses everything in our compartment "
            "but what the plan needs, and a budget warns of a bill. Both are removed with the "
            "rest. Oracle does not have them for every account; then we say so and go on.",
            advanced=True,
            relevant=on_oracle,
        ),
    ] = True
