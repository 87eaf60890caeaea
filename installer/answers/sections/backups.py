"""Where backups go."""

from __future__ import annotations

from typing import Annotated

from installer.answers.asking import Ask, Section
from installer.answers.forms import Number, Switch
from installer.answers.sections.relevance import on_oracle, with_bucket


class Backups(Section):
    """Where backups go."""

    bucket: Annotated[
        bool,
        Switch(),
        Ask(
            "Bucket for backups",
            help="Makes a private bucket at Oracle and a key to it in the cluster, which "
            "modules.disaster-recovery.target: oracle has written every night. Up to 10 GB of "
            "objects are free, 20 in an account that never paid.",
            advanced=True,
            relevant=on_oracle,
        ),
    ] = False
    keep_days: Annotated[
        int,
        Number(1, 3650, "days"),
        Ask(
            "Days a backup is kept",
            help="Oracle deletes what is older from the bucket.",
            advanced=True,
            relevant=with_bucket,
        ),
    ] = 30
