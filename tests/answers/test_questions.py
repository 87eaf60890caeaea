"""The questions: derived from the model, in order, asked only where they matter."""

from __future__ import annotations

import pytest

from installer.answers import Answers, Question, answers_model, next_question, questions

from .made_up import CATALOGUE, model

ASKED = questions(model())


def conversation(target: str, *, advanced: bool = False, **more: object) -> list[str]:
    """The paths asked when the target is this and every other answer is the default."""
    answered: dict[str, object] = {}
    paths = []
    while question := next_question(ASKED, answered, advanced=advanced):
        paths.append(question.path)
        wanted = {"target": target, **more}
        answered[question.path] = wanted.get(question.path, question.default_value)
    return paths


def test_target_comes_first_and_sections_follow_in_their_order() -> None:
    sections = list(dict.fromkeys(question.section for question in ASKED))
    assert ASKED[0].path == "target"
    assert sections == [
        "installation", "oracle", "place", "cluster", "access", "backups", "images", "secrets",
        "modules", "money",
    ]  # fmt: skip


@pytest.mark.parametrize("question", ASKED, ids=lambda question: question.path)
def test_every_question_explains_itself_and_has_a_default_it_accepts(question: Question) -> None:
    assert question.title
    assert question.help.rstrip().endswith((".", ")"))
    assert question.parse(question.default) == question.default_value
    assert question.show(question.default_value) == question.default


def test_an_ordinary_run_asks_ten_to_fifteen_questions() -> None:
    assert 10 <= len(conversation("oke")) <= 15


def test_a_cluster_that_is_there_is_asked_nothing_about_oracle() -> None:
    paths = conversation("existing", advanced=True)
    assert "cluster.kubeconfig" in paths
    assert "cluster.context" in paths
    assert not [path for path in paths if path.startswith(("oracle.", "place."))]
    assert "cluster.nodes" not in paths


def test_oracle_is_asked_nothing_about_a_kubeconfig() -> None:
    paths = conversation("oke", advanced=True)
    assert "cluster.kubeconfig" not in paths
    assert "oracle.key_passphrase" in paths


def test_a_rehearsal_is_asked_for_no_account() -> None:
    paths = conversation("rehearsal", advanced=True)
    assert not [path for path in paths if path.startswith("oracle.")]
    assert "place.compartment" in paths


def test_a_module_switched_off_is_asked_nothing_more() -> None:
    off = conversation("oke", advanced=True)
    on = conversation("oke", advanced=True, **{"modules.front-door.enabled": True})
    assert "modules.front-door.time-out" not in off
    assert "modules.front-door.time-out" in on


def test_a_password_is_asked_for_only_with_a_user_name() -> None:
    with_user = conversation("oke", advanced=True, **{"images.pull_user": "robot"})
    assert "images.pull_password" in with_user
    assert "images.pull_password" not in conversation("oke", advanced=True)


def test_what_is_answered_is_not_asked_again() -> None:
    everything = {question.path: question.default_value for question in ASKED}
    assert next_question(ASKED, everything, advanced=True) is None


def test_every_secret_is_marked_as_one_and_nothing_else_is() -> None:
    assert {question.path for question in ASKED if question.secret} == {
        question.path for question in ASKED if question.kind == "secret"
    }
    assert "secrets.store.main.admin" in {question.path for question in ASKED if question.secret}


def test_the_same_catalogue_gives_the_same_model() -> None:
    assert answers_model(list(CATALOGUE)) is answers_model(CATALOGUE)
    assert answers_model(()) is Answers
    assert issubclass(model(), Answers)


def test_answers_of_a_module_are_found_by_its_name() -> None:
    answers = model()()
    assert answers.module("front-door").options() == {"time-out": 30}
    assert answers.module("store").option("space") == "4Gi"
    assert not answers.module("front-door").enabled
    with pytest.raises(KeyError):
        answers.module("cellar")


def test_limits_and_choices_are_known_to_whoever_draws_the_question() -> None:
    asked = {question.path: question for question in ASKED}
    copies = asked["modules.store.copies"]
    assert (copies.kind, copies.minimum, copies.maximum) == ("integer", 1, 3)
    assert asked["modules.store.kind"].choices == ("tree", "log")
    assert asked["modules.store.space"].kind == "text"
