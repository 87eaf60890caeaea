"""Values that an installation must keep, because what people have depends on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from installer.answers.model import Answers
from installer.modules.catalogue import Module
from installer.modules.choices import applying, options
from installer.modules.stamping import pod_template


@dataclass(frozen=True)
class Lasting:
    """A variable of a workload that stays as it is, unless the new value was confirmed.

    `what` names it for people and `because` says what its change destroys. `option` is the path of
    the answer that confirms a change by naming the new value; `confirmed` is what it holds.
    """

    kind: str
    namespace: str
    name: str
    variable: str
    what: str
    because: str
    option: str
    confirmed: str

    def value_in(self, body: Mapping[str, Any]) -> str:
        """Its value in an object of the workload, rendered or live; empty when it has none."""
        template = pod_template(body) or {}
        for container in (template.get("spec") or {}).get("containers") or ():
            for entry in container.get("env") or ():
                if entry["name"] == self.variable:
                    return str(entry.get("value") or "")
        return ""


def lasting_of(answers: Answers, chosen: Sequence[Module]) -> tuple[Lasting, ...]:
    """What the modules say must last, with what the answers confirm."""
    return tuple(
        Lasting(
            kind=entry.workload.partition("/")[0],
            namespace=entry.namespace or module.namespace,
            name=entry.workload.partition("/")[2],
            variable=entry.variable,
            what=entry.what,
            because=entry.because,
            option=f"modules.{module.name}.{entry.unless}",
            confirmed=str(dict(options(answers, module))[entry.unless]).strip(),
        )
        for module in chosen
        for entry in applying(answers, module, module.file.lasting)
    )
