"""Whatever is accepted is shown, written and read back unchanged."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

import yaml
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from installer.answers import (
    BadAnswer,
    Question,
    SecretRef,
    answers_text,
    gather,
    json_schema,
    questions,
    read_file,
    screen_layer,
    yaml_lines,
)

from .made_up import model, refusal

ASKED = questions(model())
LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
DOMAIN = st.lists(LABEL, min_size=2, max_size=4).map(".".join)
LINE = st.text(st.characters(codec="utf-8"), max_size=40)
SIZE = st.builds("{}{}".format, st.integers(1, 50), st.just("Gi"))
REFERENCE = st.one_of(
    st.just("generate"),
    st.from_regex(r"env:[A-Z_][A-Z0-9_]{0,8}", fullmatch=True),
    st.builds("file:{}".format, st.text("abc/~ .:'\"#ä", min_size=1)),
    st.from_regex(r"keyring:[a-z]{1,5}/[a-z/@.]{1,5}", fullmatch=True),
)
SPECIAL = {
    "access.domain": DOMAIN,
    "access.email": st.builds("{}@{}".format, LABEL, DOMAIN),
    "images.overrides": st.dictionaries(LABEL, LABEL.map("r.example.org/{}:1".format)),
    "cluster.vcn_cidr": st.integers(0, 95).map("10.{}.0.0/16".format),
    "modules.store.space": SIZE,
    "place.region": st.sampled_from(["", "eu-paris-1", "us-phoenix-1"]),
}


def raw_for(question: Question) -> st.SearchStrategy[object]:
    """Something a person might say to a question; not all of it is accepted."""
    if question.path in SPECIAL:
        return SPECIAL[question.path]
    if question.kind == "secret":
        return REFERENCE
    if question.kind == "choice":
        return st.sampled_from(question.choices)
    if question.kind == "switch":
        return st.sampled_from(["yes", "no", "true", "0", True, False])
    if question.kind == "integer":
        return st.integers(question.minimum, question.maximum or 999)
    if question.kind == "decimal":
        return st.decimals(0, 99999, places=2).map(str)
    return st.one_of(LABEL, LINE)


QUESTION_AND_RAW = st.sampled_from(ASKED).flatmap(
    lambda question: st.tuples(st.just(question), raw_for(question))
)


@drawn(QUESTION_AND_RAW)
@settings(max_examples=400, deadline=None)
def test_what_is_shown_is_read_back_as_the_same(pair: tuple[Question, object]) -> None:
    question, raw = pair
    try:
        kept = question.parse(raw)
    except BadAnswer:
        return
    assert question.parse(question.show(kept)) == kept
    assert question.parse(kept) == kept
    assert question.show(kept).isprintable()


@drawn(st.sampled_from(ASKED), st.text(max_size=60))
@settings(max_examples=400, deadline=None)
def test_any_text_at_all_is_kept_or_refused_in_our_words(question: Question, raw: str) -> None:
    sentence = refusal(question, raw)
    if sentence is None:
        kept = question.parse(raw)
        assert question.parse(question.show(kept)) == kept
    else:
        assert sentence.isprintable()


ANSWERED = st.fixed_dictionaries(
    {}, optional={question.path: raw_for(question) for question in ASKED}
)


def accepted(answered: dict[str, object]) -> dict[str, object]:
    """What of it passes its own question, and the rules over several."""
    kept = {}
    asked = {question.path: question for question in ASKED}
    for path, raw in answered.items():
        try:
            kept[path] = asked[path].parse(raw)
        except BadAnswer:
            continue
    for path in ("cluster.node_ocpus", "cluster.node_memory_gb"):
        kept.pop(path, None)
    if not (kept.get("images.pull_user") and kept.get("images.pull_password")):
        kept.pop("images.pull_user", None)
        kept.pop("images.pull_password", None)
    return kept


@drawn(ANSWERED)
@settings(max_examples=60, deadline=None)
def test_a_file_written_and_read_is_the_same(answered: dict[str, object]) -> None:
    first = gather(model(), [screen_layer(accepted(answered))])
    text = answers_text(first)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.yaml"
        path.write_text(text, encoding="utf-8")
        second = gather(model(), [read_file(path, model())])
    assert second.answers == first.answers
    assert answers_text(second) == text


@drawn(ANSWERED)
@settings(max_examples=20, deadline=None)
def test_any_other_reader_of_yaml_sees_the_same_values(answered: dict[str, object]) -> None:
    first = gather(model(), [screen_layer(accepted(answered))])
    document = yaml.safe_load(answers_text(first))
    seen = model().model_validate(document)
    assert seen == first.answers
    assert isinstance(seen.money.accept_monthly_usd, Decimal)


@drawn(st.text(max_size=200))
@settings(max_examples=400, deadline=None)
def test_no_text_makes_the_reader_fail_in_other_than_our_words(text: str) -> None:
    sentence = ""
    try:
        yaml_lines.parse(text)
    except yaml_lines.NotYaml as error:
        sentence = error.sentence
    assert sentence == "" or sentence.isprintable()


@drawn(st.text(max_size=60))
@settings(deadline=None)
def test_a_reference_reads_back_from_its_text(text: str) -> None:
    question = next(question for question in ASKED if question.path.endswith("main.app"))
    try:
        reference = question.parse(text)
    except BadAnswer:
        return
    assert SecretRef.read(str(reference)) == reference


def test_the_schema_knows_every_question() -> None:
    schema = str(json_schema(model()))
    assert all(question.title in schema for question in ASKED)
