"""What this machine remembers of an installation's images, for plans that ask nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from installer.commands.sources import Case
from installer.engine.state import remembered
from installer.modules.images import IMAGES, KnownImage, known_images
from installer.plan import NOT_ASKED, Surroundings


def images_remembered(case: Case) -> tuple[KnownImage, ...]:
    """What this installation knows of images, where this machine knows it."""
    with remembered(case.home.state) as state:
        return known_images(state.facts(IMAGES)) if state else ()


def not_asked(case: Case) -> Surroundings:
    """Nothing is asked of the world; the images are those that were pinned."""
    known = images_remembered(case)
    return replace(NOT_ASKED, images=known) if known else NOT_ASKED


def with_images(surroundings: Surroundings, found: Sequence[KnownImage]) -> Surroundings:
    """The same surroundings, knowing these images as well; what is new counts."""
    images = {each.reference: each for each in (*surroundings.images, *found)}
    return replace(surroundings, images=tuple(images.values()))
