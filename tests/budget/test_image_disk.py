"""Images on a machine's root disk: what is known, what is not, what is too much."""

from __future__ import annotations

import pytest

from installer.budget.demand import Demand
from installer.budget.envelope import load_envelope
from installer.budget.explaining import explain
from installer.budget.image_disk import image_sizes, image_sum
from installer.budget.room import LiveNode, NodeShape, envelope_from_nodes
from installer.budget.storage import plan_volumes
from installer.budget.verdict import Verdict, judge
from installer.modules.images import Origin, PlannedImage

GIB = 2**30
MB = 1_000_000
NO_VOLUMES = plan_volumes([], sharing=True, floor_gib=50)


def image(name: str, compressed: int | None, module: str = "m") -> PlannedImage:
    tagged = f"docker.io/{name}:1"
    return PlannedImage(name, module, Origin.LOCK, tagged, tagged, compressed=compressed)


def judged(*images: PlannedImage) -> Verdict:
    shape = NodeShape(ocpus=2, memory_gb=12)
    return judge(
        Demand(),
        NO_VOLUMES,
        shape,
        load_envelope(),
        images=images,
    )


def test_the_estimate_is_the_download_times_what_the_data_say() -> None:
    rule = image_sizes()
    assert rule.on_disk(100) == rule.unpacked.percent + rule.kept.percent
    assert rule.on_disk(1) == -(-(rule.unpacked.percent + rule.kept.percent) // 100)
    verdict = judged(image("a", 100 * MB), image("b", 50 * MB, "n"))
    row = verdict.row("images")
    assert row.used == rule.on_disk(100 * MB) + rule.on_disk(50 * MB)
    assert dict(row.share_by_module) == {"m": rule.on_disk(100 * MB), "n": rule.on_disk(50 * MB)}
    assert (row.over, row.unknown, verdict.fits) == (False, 0, True)


def test_what_nobody_knows_is_said_and_not_counted_as_nothing() -> None:
    row = judged(image("a", 100 * MB), image("b", None)).row("images")
    assert row.unknown == 1
    assert "1 of 2 whose sizes are not known" in row.words
    row = judged(image("a", None), image("b", None)).row("images")
    assert "the sizes of all 2 are not known yet" in row.words
    told = "\n".join(explain(judged(image("a", None)), "images"))
    assert "size not known: docker.io/a:1" in told
    assert "a public reading of a 2/12 node" in told


def test_more_than_the_root_disk_holds_does_not_fit() -> None:
    limit = load_envelope().nodes.image_disk.gib * GIB
    share = image_sizes().unpacked.percent + image_sizes().kept.percent
    most = limit * 100 // share
    assert judged(image("a", most)).fits
    verdict = judged(image("a", most + MB))
    assert not verdict.fits
    assert any("root disk" in reason and "too much" in reason for reason in verdict.reasons)


@pytest.mark.parametrize(("disks", "limit"), [((30, 20), 20), ((30, None), 30), ((None,), None)])
def test_in_a_cluster_that_exists_the_smallest_disk_decides(
    disks: tuple[int | None, ...], limit: int | None
) -> None:
    nodes = [
        LiveNode(f"n{n}", 2000, 8 * GIB, disk_bytes=None if gib is None else gib * GIB)
        for n, gib in enumerate(disks)
    ]
    verdict = judge(
        Demand(),
        NO_VOLUMES,
        None,
        envelope_from_nodes(nodes),
        images=[image("a", MB)],
    )
    row = verdict.row("images")
    assert row.limit == (None if limit is None else limit * GIB)
    assert verdict.fits


def test_without_images_nothing_is_said_of_them() -> None:
    assert "images" not in [row.resource for row in judged().rows]
    assert image_sum([]).used == 0
