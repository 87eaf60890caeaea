"""Several sources at once: which counts, where each value came from, what is wrong in any."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from installer.answers import (
    AnswersError,
    AnswersInvalid,
    Layer,
    Source,
    answers_model,
    gather,
    given,
    profiles,
    read_environment,
    read_file,
    read_flags,
    read_profile,
    screen_layer,
    variable_name,
)
from installer.modules import catalogue

from .made_up import model

ORDER = (
    Source.REHEARSAL, Source.SCREEN, Source.FLAG, Source.ENVIRONMENT, Source.FILE,
    Source.PREVIOUS, Source.PROFILE,
)  # fmt: skip


def layer(source: Source, **values: object) -> Layer:
    return Layer(source, {key.replace("__", "."): value for key, value in values.items()}, source)


def problems_of(*layers: Layer) -> list[str]:
    with pytest.raises(AnswersInvalid) as caught:
        gather(model(), layers)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(("higher", "lower"), list(itertools.combinations(ORDER, 2)))
def test_the_higher_source_counts_whatever_order_they_come_in(
    higher: Source, lower: Source
) -> None:
    above, below = layer(higher, name="above"), layer(lower, name="below")
    for layers in ((above, below), (below, above)):
        gathered = gather(model(), layers)
        assert gathered.answers.name == "above"
        assert gathered.sources["name"].source is higher


def test_every_leaf_has_a_source() -> None:
    gathered = gather(model(), [layer(Source.FLAG, name="x")])
    assert set(gathered.sources) == set(gathered.values)
    assert {sourced.source for path, sourced in gathered.sources.items() if path != "name"} == {
        Source.DEFAULT
    }


def test_mistakes_of_all_sources_are_told_together(tmp_path: Path) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text("version: 1\naccess:\n  domain: x\n")
    told = problems_of(
        read_flags(["cluster.nodes=0", "acces.email=x"], model()),
        read_environment(model(), {"HEALTH_INSTALL__PLACE__REGION": "here",
                                   "HEALTH_INSTALL__ACCESS__DOMIAN": "a.example.org"}),
        read_file(file, model()),
    )  # fmt: skip
    assert [line.split(": ")[:2] for line in told] == [
        ["--set", "acces.email"],
        ["--set", "cluster.nodes"],
        ["environment", "HEALTH_INSTALL__ACCESS__DOMIAN"],
        ["environment", "place.region"],
        ["answers.yaml:3", "access.domain"],
    ]


def test_a_mistake_in_a_file_is_told_even_where_a_flag_overrules_it(tmp_path: Path) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text("version: 1\nname: Not Good\n")
    assert len(problems_of(read_file(file, model()), layer(Source.FLAG, name="good"))) == 1


def test_an_old_answer_that_is_no_longer_accepted_does_no_harm_once_overruled() -> None:
    previous = layer(Source.PREVIOUS, name="Not Good")
    assert gather(model(), [previous, layer(Source.SCREEN, name="good")]).answers.name == "good"
    assert len(problems_of(previous)) == 1


def test_every_question_can_be_answered_by_a_variable() -> None:
    layer_read = read_environment(
        model(),
        {
            "HEALTH_INSTALL__ACCESS__DOMAIN": "a.example.org",
            "HEALTH_INSTALL__MODULES__FRONT_DOOR__TIME_OUT": "5",
            "HEALTH_INSTALL__SECRETS__STORE__MAIN__APP": "env:APP",
            "HEALTH_INSTALL_HOME": "elsewhere",
            "PATH": "/bin",
        },
    )
    gathered = gather(model(), [layer_read])
    assert gathered.answers.access.domain == "a.example.org"
    assert gathered.answers.module("front-door").option("time-out") == 5
    assert str(gathered.answers.secrets["store.main.app"]) == "env:APP"
    names = [variable_name(path) for path in gathered.values]
    assert len(set(names)) == len(names)


def test_the_last_flag_for_a_question_counts() -> None:
    flags = read_flags(["name=one", "name=two", "access.domain="], model())
    gathered = gather(model(), [flags])
    assert gathered.answers.name == "two"
    assert gathered.answers.access.domain == ""


def test_single_images_are_laid_over_a_whole_list_from_below() -> None:
    gathered = gather(
        model(),
        [
            read_flags(["images.overrides.b=new:2"], model()),
            layer(Source.FILE, images__overrides={"a": "kept:1", "b": "old:1"}),
            layer(Source.PREVIOUS, images__overrides="c=gone:1"),
        ],
    )
    assert gathered.answers.images.overrides == {"a": "kept:1", "b": "new:2"}
    assert gathered.sources["images.overrides.a"].source is Source.FILE
    assert gathered.sources["images.overrides.b"].source is Source.FLAG
    assert gathered.sources["images.overrides"].source is Source.FLAG


def test_what_is_given_before_asking_tells_answers_from_suggestions() -> None:
    known = given(
        model(),
        [layer(Source.FLAG, access__domain="A.example.org"), layer(Source.PREVIOUS, name="old")],
    )
    assert set(known) == {"access.domain", "name"}
    assert known["access.domain"].value == "a.example.org"
    assert (known["name"].text, known["name"].sourced.source) == ("old", Source.PREVIOUS)


def test_a_screen_may_hand_over_values_or_text() -> None:
    gathered = gather(model(), [screen_layer({"cluster.nodes": 2, "modules.store.copies": "3"})])
    assert gathered.answers.cluster.nodes == 2
    assert gathered.values["modules.store.copies"] == 3


def test_a_rule_over_two_answers_names_the_source_of_the_wrong_one() -> None:
    told = problems_of(layer(Source.FLAG, images__pull_user="robot"))
    assert told == [
        "flag: images.pull_password: A user name for the registry is given but no password; "
        "say where it is kept, like env:PULL_PASSWORD."
    ]


def test_a_path_nobody_asked_for_is_told_from_any_source() -> None:
    assert problems_of(layer(Source.SCREEN, acess__domain="x")) == [
        "screen: acess.domain: unknown; did you mean access.domain?"
    ]


@pytest.mark.parametrize("profile", profiles(), ids=lambda profile: profile.name)
def test_every_profile_is_valid_and_says_whom_it_suits(profile: object) -> None:
    name = getattr(profile, "name", "")
    real = answers_model([module.questions for module in catalogue()])
    gathered = gather(real, [read_profile(name, real)])
    assert gathered.sources["target"].source is Source.PROFILE
    assert getattr(profile, "title", "")
    assert getattr(profile, "purpose", "").endswith(".")


def test_an_unknown_profile_is_told_with_the_nearest() -> None:
    with pytest.raises(AnswersError) as caught:
        read_profile("fre", model())
    assert "Did you mean free?" in caught.value.why
