"""Subnets, versions, images and places: pure choices, each with its traps."""

from __future__ import annotations

import random
from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installer.engine.errors import AnswersError, InstallError
from installer.oracle.images import Image, choose_image
from installer.oracle.node_pool import processor_of
from installer.oracle.placement import Placement, placements
from installer.oracle.resource import Life, Resource, life_of
from installer.oracle.subnets import lay_out
from installer.oracle.versions import choose_version, fits
from installer.oracle.wanted import NetworkPlan
from installer.steps.vcn import dns_label

OFFERED = ("v1.34.2", "v1.36.4", "v1.35.3", "v1.36.10", "v1.36.1")


def test_the_usual_network_is_cut_as_documented() -> None:
    layout = lay_out(NetworkPlan())
    assert (layout.api, layout.nodes, layout.balancers) == (
        "10.20.0.0/28",
        "10.20.1.0/24",
        "10.20.2.0/24",
    )


@given(prefix=st.integers(16, 26), third=st.integers(97, 200))
def test_subnets_lie_apart_inside_the_network_and_hold_what_they_must(
    prefix: int, third: int
) -> None:
    whole = IPv4Network(f"10.{third}.0.0/{prefix}")
    layout = lay_out(NetworkPlan(cidr=str(whole)))
    blocks = [IPv4Network(each) for each in (layout.api, layout.nodes, layout.balancers)]
    assert all(block.subnet_of(whole) for block in blocks)
    assert not any(a.overlaps(b) for a in blocks for b in blocks if a is not b)
    assert blocks[0].prefixlen <= 30
    assert all(block.num_addresses >= 16 for block in blocks)
    assert lay_out(NetworkPlan(cidr=str(whole))) == layout


@pytest.mark.parametrize(
    ("cidr", "said"),
    [
        ("10.244.0.0/16", "for pods"),
        ("10.96.0.0/20", "for services"),
        ("10.20.0.0/27", "between /16 and /26"),
        ("10.0.0.0/8", "between /16 and /26"),
        ("8.8.8.0/24", "private"),
        ("10.20.0.1/16", "is not an IPv4 block"),
        ("hello", "is not an IPv4 block"),
    ],
)
def test_a_network_that_cannot_work_is_refused_with_the_reason(cidr: str, said: str) -> None:
    with pytest.raises(AnswersError) as caught:
        lay_out(NetworkPlan(cidr=cidr))
    assert said in caught.value.why


def test_all_mistakes_in_the_blocks_are_told_at_once() -> None:
    with pytest.raises(AnswersError) as caught:
        lay_out(NetworkPlan(cidr="nonsense", api_access_cidr="me", web_access_cidr="you"))
    assert all(word in caught.value.why for word in ("nonsense", "'me'", "'you'"))


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("newest", "v1.36.10"),
        ("1.36", "v1.36.10"),
        ("v1.35", "v1.35.3"),
        ("1.36.4", "v1.36.4"),
        ("v1.34.2", "v1.34.2"),
    ],
)
def test_the_newest_fitting_version_is_chosen_by_number(wanted: str, chosen: str) -> None:
    for _ in range(5):
        assert choose_version(random.sample(OFFERED, len(OFFERED)), wanted) == chosen


@pytest.mark.parametrize("wanted", ["1.33", "v1.36.3", "1.3", "latest", ""])
def test_a_version_not_on_offer_is_refused_with_the_list(wanted: str) -> None:
    with pytest.raises(AnswersError) as caught:
        choose_version(OFFERED, wanted)
    assert "v1.36.10, v1.36.4, v1.36.1, v1.35.3, v1.34.2" in caught.value.why


def test_a_minor_is_not_mistaken_for_a_longer_one() -> None:
    assert not fits("v1.36.4", "1.3")
    assert not fits("v1.3.6", "1.36")


def image(name: str) -> Image:
    return Image(f"id-of-{name}", name)


RIGHT = "Oracle-Linux-9.8-aarch64-2026.09.30-0-OKE-1.36.4-1520"
WRONG = (
    "Oracle-Linux-8.10-aarch64-2026.10.20-0",  # a platform image, and newer
    "Oracle-Linux-9.8-aarch64-Gen2-GPU-2026.10.12-0-OKE-1.36.4-1561",  # for graphics cards
    "Oracle-Linux-9.8-2026.10.01-0-OKE-1.36.4-1530",  # for Intel and AMD
    "Oracle-Linux-9.8-aarch64-2026.10.01-0-OKE-1.36.40-1530",  # another version
    "Oracle-Linux-9.8-aarch64-2026.10.01-0-OKE-1.35.3-1530",
    "Oracle-Linux-9.8-aarch64-2026.08.31-0-OKE-1.36.4-1600",  # older, with a larger number
    "Oracle-Linux-8.10-aarch64-2026.09.30-0-OKE-1.36.4-1520",  # the older system of that day
    "Ubuntu-24.04-aarch64-2026.10.01-0-OKE-1.36.4-1",
    "",
)


@pytest.mark.parametrize("version", ["v1.36.4", "1.36.4"])
def test_the_image_is_the_newest_for_processor_and_exact_version(version: str) -> None:
    for seed in range(10):
        offered = [image(name) for name in (*WRONG, RIGHT)]
        random.Random(seed).shuffle(offered)
        assert choose_image(offered, version).name == RIGHT


def test_of_two_builds_of_one_day_the_later_is_taken() -> None:
    earlier, later = RIGHT, RIGHT.replace("-1520", "-1530")
    assert choose_image([image(later), image(earlier)], "v1.36.4").name == later
    second = RIGHT.replace("30-0-", "30-1-")
    assert choose_image([image(second), image(later)], "v1.36.4").name == second


def test_the_other_processor_gets_its_own_image() -> None:
    x86 = "Oracle-Linux-9.8-2026.09.30-0-OKE-1.36.4-1520"
    assert choose_image([image(RIGHT), image(x86)], "v1.36.4", "").name in (RIGHT, x86)


@pytest.mark.parametrize("wrong", [each for each in WRONG[:5] if each])
def test_no_fitting_image_is_an_error_that_lists_the_versions(wrong: str) -> None:
    other = "Oracle-Linux-9.8-aarch64-2026.08.31-0-OKE-1.34.2-1448"
    with pytest.raises(InstallError) as caught:
        choose_image([image(wrong), image(other)], "v1.36.4")
    assert "1.34.2" in caught.value.why
    assert "Of 2 images" in caught.value.why


def test_processors_follow_from_the_shape() -> None:
    assert processor_of("VM.Standard.A1.Flex") == "AARCH64"
    assert processor_of("VM.Standard.E5.Flex") == "X86_64"
    assert processor_of("odd") == "X86_64"


def test_every_place_is_tried_once_domains_before_fault_domains() -> None:
    faults = {"AD-1": ("FD-1", "FD-2"), "AD-2": ("FD-1",)}
    assert placements(("AD-1", "AD-2"), faults) == (
        Placement("AD-1"),
        Placement("AD-2"),
        Placement("AD-1", "FD-1"),
        Placement("AD-1", "FD-2"),
        Placement("AD-2", "FD-1"),
    )


def test_a_machine_stays_where_its_volumes_are() -> None:
    found = placements(("AD-1", "AD-2"), {"AD-1": ("FD-1",), "AD-2": ("FD-1",)}, "AD-2")
    assert {each.availability_domain for each in found} == {"AD-2"}


@pytest.mark.parametrize(
    ("name", "label"),
    [("health", "health"), ("my-health-2", "myhealth2"), ("a" * 20, "a" * 15)],
)
def test_network_names_become_dns_labels(name: str, label: str) -> None:
    assert dns_label(name) == label


def test_a_state_nobody_knew_counts_as_being_there() -> None:
    assert life_of("HIBERNATING") is Life.THERE
    assert Resource("id", "n", "TERMINATED").life is Life.GONE
