"""Random choices of our own modules and options, and their rendered objects as a case's pieces."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping, Sequence
from typing import Any

from installer.budget.room import LiveNode, envelope_from_nodes
from installer.modules import Module, ModulesInvalid, catalogue
from installer.modules.addresses import Addresses
from installer.modules.description import OptionEntry
from installer.modules.stamping import pod_template
from installer.plan import Plan, Surroundings, make_plan
from tests.budget.pieces import Piece
from tests.modules.conftest import answers_for
from tests.modules.selections import with_needs

_CHANGED = 0.4
"""How likely an option is to get another value than its default."""

TEXTS = {
    "alert_email_to": "people@example.org",
    "alert_email_from": "alerts@example.org",
    "alert_smtp_host": "mail.example.org",
    "ingress_class": "public",
}
"""Values for texts that other options demand; other texts have no part in where pods go."""

_TRIES = 200
_MEASURED = (
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "HorizontalPodAutoscaler",
    "PersistentVolumeClaim",
)


def platform_plan(dice: random.Random, nodes: Sequence[LiveNode]) -> Plan:
    """The plan for a random choice that the modules do not refuse, on these nodes."""
    for _ in range(_TRIES):
        wanted = with_needs(set(_some_modules(dice)))
        chosen = {
            module.name: {"enabled": module.name in wanted, **options_of(dice, module)}
            for module in catalogue()
        }
        around = Surroundings(
            live=envelope_from_nodes(nodes),
            architecture="arm64",
            addresses=Addresses(pods=("10.244.0.0/16",), api_ports=(6443,)),
        )
        try:
            return make_plan(answers_for(catalogue(), target="existing", modules=chosen), around)
        except ModulesInvalid:
            continue
    raise AssertionError(f"{_TRIES} choices in a row were refused")


def _some_modules(dice: random.Random) -> list[str]:
    names = [module.name for module in catalogue()]
    return dice.sample(names, dice.choice([len(names), dice.randint(1, len(names))]))


def options_of(dice: random.Random, module: Module) -> dict[str, Any]:
    """Some of the module's options with values drawn from all that are allowed."""
    return {
        option.name: _value(dice, option)
        for option in module.file.options
        if dice.random() < _CHANGED and (option.kind != "text" or option.name in TEXTS)
    }


def _value(dice: random.Random, option: OptionEntry) -> Any:
    match option.kind:
        case "switch":
            return dice.random() < 0.5
        case "choice":
            return dice.choice(option.choices)
        case "text":
            return TEXTS[option.name]
    low, high = option.minimum or 0, option.maximum or 100
    # Most people stay near what was proposed; the ends of a range are drawn too.
    number = dice.choice(
        [low, high, dice.randint(low, min(high, low + 3)), dice.randint(low, high)]
    )
    return f"{number}Gi" if option.kind == "size" else number


def pieces_of(plan: Plan, space: str, label: Mapping[str, str]) -> tuple[Piece, ...]:
    """What decides about places, in namespaces of its own and for nodes with this label only."""
    return tuple(
        Piece(entry.module, entry.source, _moved(entry.body, space, label))
        for entry in plan.rendered.objects
        if entry.body["kind"] in _MEASURED
    )


def _moved(body: Mapping[str, Any], space: str, label: Mapping[str, str]) -> dict[str, Any]:
    made = copy.deepcopy(dict(body))
    made["metadata"]["namespace"] = f"{space}-{made['metadata']['namespace']}"
    template = pod_template(made)
    if template is not None:
        spec = template["spec"]
        spec["nodeSelector"] = {**spec.get("nodeSelector", {}), **label}
        # Accounts and rights have tests of their own; a pod here is only scheduled.
        spec.pop("serviceAccountName", None)
        _move_terms(spec.get("affinity") or {}, space)
    return made


def _move_terms(found: Any, space: str) -> None:
    """Terms that name namespaces name those of the case."""
    if isinstance(found, list):
        for each in found:
            _move_terms(each, space)
    elif isinstance(found, dict):
        if "topologyKey" in found and "namespaces" in found:
            found["namespaces"] = [f"{space}-{name}" for name in found["namespaces"]]
        for each in found.values():
            _move_terms(each, space)
