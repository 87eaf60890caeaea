"""Claims into volumes: rounded like the storage driver does, never billed more than need be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installer.budget.storage import own_name, plan_volumes, split_evenly, volume_gib
from installer.modules.claims import Claim, VolumePlan
from installer.modules.problems import ModulesInvalid

GIB = 2**30


@pytest.mark.parametrize(
    ("size", "gib"),
    [
        (0, 50),  # no size given
        (1, 50),
        (1 * GIB, 50),
        (5 * GIB, 50),
        (49 * GIB + 1, 50),
        (50 * GIB - 1, 50),
        (50 * GIB, 50),
        (50 * GIB + 1, 51),
        (50 * 10**9, 50),
        (60 * GIB, 60),
        (80 * GIB, 80),
        (80 * 10**9, 75),
        (100 * GIB + GIB // 2, 101),
        (32768 * GIB, 32768),
    ],
)
def test_a_volume_is_as_large_as_the_driver_makes_it(size: int, gib: int) -> None:
    assert volume_gib(size, 50) == gib


@pytest.mark.parametrize(("size", "gib"), [(0, 1), (1, 1), (GIB, 1), (GIB + 1, 2), (5 * 10**9, 5)])
def test_without_a_floor_only_whole_gib_matter(size: int, gib: int) -> None:
    assert volume_gib(size, 0) == gib


def test_no_volume_is_larger_than_the_largest() -> None:
    with pytest.raises(ValueError, match="32,768 GiB"):
        volume_gib(32768 * GIB + 1, 50)


def claim(name: str, gib: int, namespace: str = "health", module: str = "infrastructure") -> Claim:
    return Claim(module, namespace, name, gib * GIB, f"data of {name}")


def sizes(plan: VolumePlan) -> list[int]:
    return [volume.size_gib for volume in plan.volumes]


THE_REFERENCE = [60, 20, 5, 5, 80, 15, 1, 20, 5, 10, 5, 5]


def test_the_references_twelve_claims_are_640_gb_one_by_one() -> None:
    claims = [claim(f"claim-{i}", gib) for i, gib in enumerate(THE_REFERENCE)]
    assert sum(THE_REFERENCE) == 231
    assert sum(sizes(plan_volumes(claims, sharing=False, floor_gib=50))) == 640
    assert sizes(plan_volumes(claims, sharing=True, floor_gib=50)) == [231]


def test_claims_of_one_namespace_share_and_of_two_do_not() -> None:
    claims = [claim("postgresql", 20), claim("s3", 25), claim("metrics", 10, "observability")]
    plan = plan_volumes(claims, sharing=True, floor_gib=50)
    assert sizes(plan) == [50, 50]
    assert plan.place("health", "postgresql") == ("data", "postgresql")
    assert plan.place("observability", "metrics") == ("data", "metrics")


def test_without_sharing_every_claim_keeps_its_own_name() -> None:
    plan = plan_volumes([claim("b", 60), claim("a", 5)], sharing=False, floor_gib=50)
    assert [(v.name, v.size_gib) for v in plan.volumes] == [("a", 50), ("b", 60)]


def test_no_claims_need_no_volume() -> None:
    assert plan_volumes([], sharing=True, floor_gib=50) == VolumePlan(())


def test_a_second_volume_begins_where_one_would_grow_too_large() -> None:
    claims = [claim("a", 20000), claim("b", 20000)]
    plan = plan_volumes(claims, sharing=True, floor_gib=50)
    assert [(v.name, v.size_gib) for v in plan.volumes] == [("data", 20000), ("data-2", 20000)]


def test_impossible_claims_are_all_named_at_once() -> None:
    claims = [claim("a", 1), claim("a", 2, module="other"), claim("huge", 40000)]
    with pytest.raises(ModulesInvalid) as caught:
        plan_volumes(claims, sharing=True, floor_gib=50)
    assert [str(problem) for problem in caught.value.problems] == [
        "health/a: claimed twice, by infrastructure and by other",
        "health/huge: 40,000 GiB is more than the largest volume, 32,768 GiB",
    ]


claim_lists = st.lists(
    st.tuples(
        st.sampled_from(["auth", "health", "observability"]),
        st.integers(0, 9),
        st.integers(0, 200 * GIB),
    ),
    unique_by=lambda entry: entry[:2],
    max_size=12,
).map(lambda rows: [Claim("m", space, f"c{n}", size, "") for space, n, size in rows])


@given(claim_lists, st.sampled_from([0, 50]))
def test_packing_never_bills_more_than_one_volume_per_claim(
    claims: list[Claim], floor: int
) -> None:
    together = sum(sizes(plan_volumes(claims, sharing=True, floor_gib=floor)))
    assert together <= sum(sizes(plan_volumes(claims, sharing=False, floor_gib=floor)))


@given(
    claim_lists.flatmap(lambda claims: st.tuples(st.just(claims), st.permutations(claims))),
    st.booleans(),
)
def test_the_order_of_claims_does_not_matter(
    orders: tuple[list[Claim], list[Claim]], sharing: bool
) -> None:
    one, other = (plan_volumes(claims, sharing=sharing, floor_gib=50) for claims in orders)
    assert one == other


@given(claim_lists, st.booleans())
def test_every_claim_has_exactly_one_place_that_holds_it(
    claims: list[Claim], sharing: bool
) -> None:
    plan = plan_volumes(claims, sharing=sharing, floor_gib=50)
    placed = [held for volume in plan.volumes for held in volume.claims]
    assert sorted(placed, key=repr) == sorted(claims, key=repr)
    for volume in plan.volumes:
        assert sum(held.size_bytes for held in volume.claims) <= volume.size_gib * GIB
        assert {held.namespace for held in volume.claims} == {volume.namespace}


@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**9), min_size=1, max_size=8))
def test_shares_add_up_and_follow_their_weights(amount: int, weights: list[int]) -> None:
    shares = split_evenly(amount, weights)
    assert sum(shares) == amount
    if sum(weights):
        for share, weight in zip(shares, weights, strict=True):
            assert abs(share * sum(weights) - amount * weight) < sum(weights)


def test_a_claim_named_like_the_shared_volume_gets_a_name_of_its_own() -> None:
    wanted = [claim("data", 1, module="alone"), claim("data-2", 1), claim("other", 1)]
    plan = plan_volumes(wanted, sharing=True, floor_gib=50, apart=["alone"])
    names = [volume.name for volume in plan.volumes]
    assert len(set(names)) == len(names) == 2
    assert plan.place("health", "data") == ("own-data", "data")
    assert plan.place("health", "other") == ("data", "other")


@given(st.lists(st.from_regex(r"\A(own-)?(data|x)(-[0-9])?\Z"), unique=True, max_size=6))
def test_volumes_of_their_own_never_share_a_name(names: list[str]) -> None:
    found = [own_name(name) for name in names]
    assert len(set(found)) == len(names)
    assert not {"data", *(f"data-{n}" for n in range(10))} & set(found)


def test_a_claim_made_twice_is_refused_also_when_one_lies_apart() -> None:
    wanted = [claim("x", 1, module="alone"), claim("x", 1)]
    with pytest.raises(ModulesInvalid, match="claimed twice"):
        plan_volumes(wanted, sharing=True, floor_gib=50, apart=["alone"])
