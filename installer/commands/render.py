"""`health-install render`: the Kubernetes objects of the plan, as they will be applied."""

from __future__ import annotations

import argparse

import yaml

from installer.commands.ending import say
from installer.commands.remembering import not_asked
from installer.commands.sources import case, in_our_words
from installer.engine.errors import ExitCode
from installer.plan import make_plan


def run(asked: argparse.Namespace) -> int:
    """Print one YAML document an object. Secrets are not rendered: they live in the cluster."""
    meant = case(asked, asked.answers)
    gathered = meant.gathered()
    plan = in_our_words(lambda: make_plan(gathered.answers, not_asked(meant)))
    for entry in plan.rendered.objects:
        body = yaml.safe_dump(entry.body, sort_keys=False, allow_unicode=True, width=100)
        say(f"---\n# {entry.source}, wave {entry.wave}\n{body}")
    return ExitCode.OK
