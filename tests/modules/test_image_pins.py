"""Which reference of an image is rendered, and what is known of it."""

from __future__ import annotations

from datetime import date

import pytest

from installer.answers.model import answers_model
from installer.modules import catalogue
from installer.modules.images import (
    ImageChoice,
    KnownImage,
    LockedImage,
    Origin,
    known_images,
    planned_image,
)
from installer.plan import Surroundings, make_plan

OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64
TAG = "docker.io/library/postgres:18"
ARM = ("linux/arm64",)


def locked(
    digest: str | None = None, seen: str = "2026-10-01", size: int | None = None
) -> LockedImage:
    return LockedImage(
        name="postgresql",
        reference=TAG,
        digest=digest,
        platforms=ARM,
        seen=date.fromisoformat(seen),
        source="somewhere",
        compressed_mb=size,
    )


def known(digest: str, seen: str, reference: str = TAG, size: int = 7) -> KnownImage:
    return KnownImage(reference, digest, date.fromisoformat(seen), (("linux/arm64", size),))


@pytest.mark.parametrize(
    ("lock", "remembered", "pinned"),
    [
        (None, None, ""),
        (OLD, None, OLD),
        (None, known(NEW, "2026-11-01"), NEW),
        (OLD, known(NEW, "2026-11-01"), NEW),
        (OLD, known(NEW, "2026-10-01"), NEW),
        (OLD, known(NEW, "2026-09-01"), OLD),
        (None, known(NEW, "2026-11-01", reference="quay.io/other:1"), ""),
    ],
    ids=["neither", "lock", "remembered", "newer", "same day", "lock is younger", "another image"],
)
def test_the_younger_of_lock_and_memory_is_pinned(
    lock: str | None, remembered: KnownImage | None, pinned: str
) -> None:
    choice = ImageChoice(known=(remembered,) if remembered else ())
    wanted = f"{TAG}@{pinned}" if pinned else TAG
    assert choice.reference(locked(lock)) == wanted


def test_a_mirror_is_remembered_apart_and_keeps_the_locks_digest() -> None:
    mirrored = "registry.example.org/all/library/postgres:18"
    choice = ImageChoice("registry.example.org/all", known=(known(NEW, "2026-11-01", TAG),))
    assert choice.reference(locked(OLD)) == f"{mirrored}@{OLD}"
    choice = ImageChoice("registry.example.org/all", known=(known(NEW, "2026-11-01", mirrored),))
    assert choice.reference(locked(OLD)) == f"{mirrored}@{NEW}"
    assert choice.origin(locked()) is Origin.MIRROR


def test_an_override_is_pinned_by_what_is_known_of_it_and_never_by_the_lock() -> None:
    own = "ghcr.io/me/postgres:1"
    assert ImageChoice(overrides=(("postgresql", own),)).reference(locked(OLD)) == own
    choice = ImageChoice(overrides=(("postgresql", own),), known=(known(NEW, "2026-01-01", own),))
    assert choice.reference(locked(OLD)) == f"{own}@{NEW}"


def test_a_digest_in_the_answers_is_left_alone() -> None:
    own = f"ghcr.io/me/postgres:1@{OLD}"
    choice = ImageChoice(overrides=(("postgresql", own),), known=(known(OLD, "2026-11-01", own),))
    assert choice.reference(locked(NEW)) == own
    assert planned_image(locked(NEW), "m", choice, ARM).digest == OLD


def test_a_size_is_what_was_downloaded_else_the_locks_else_unknown() -> None:
    choice = ImageChoice(known=(known(NEW, "2026-11-01", size=5),))
    assert planned_image(locked(size=9), "m", choice, ARM).compressed == 5
    assert planned_image(locked(size=9), "m", ImageChoice(), ARM).compressed == 9_000_000
    assert planned_image(locked(), "m", ImageChoice(), ARM).compressed is None
    own = ImageChoice(overrides=(("postgresql", "ghcr.io/me/x:1"),))
    assert planned_image(locked(size=9), "m", own, ARM).compressed is None


def test_what_is_remembered_is_read_back_and_what_is_not_understood_left_out() -> None:
    image = known(NEW, "2026-11-01")
    facts = {TAG: image.text, "a": "{}", "b": "no", "c": '{"digest": 1, "seen": "x"}'}
    assert known_images(facts) == (image,)
    assert image.covers(ARM)
    assert not image.covers([*ARM, "linux/amd64"])


def test_a_plan_names_what_was_remembered_and_is_otherwise_the_same() -> None:
    model = answers_model([module.questions for module in catalogue()])
    answers = model.model_validate({"version": 1, "target": "oke"})
    plain = make_plan(answers)
    (first, *_) = plain.images
    assert first.digest == ""
    remembered = known(NEW, "2026-11-01", first.tagged, size=50_000_000)
    pinned = make_plan(answers, Surroundings(images=(remembered,)))
    names = [entry.body for entry in pinned.rendered.objects if first.tagged in str(entry.body)]
    assert names
    for body in names:
        assert f"{first.tagged}@{NEW}" in str(body)
    row = pinned.verdict.row("images")
    assert row.unknown == plain.verdict.row("images").unknown - 1 == len(pinned.images) - 1
    assert "whose sizes are not known" in row.words
    assert "open  images the sizes of all" in plain.text()
