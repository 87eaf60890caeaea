"""YAML as we read it, held against PyYAML's own safe loader."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from installer.modules.documents import documents_in

SCALARS = """
a: yes
b: No
c: 0o14
d: 014
e: 0x1F
f: 1_000
g: 1.5
h: .inf
i: -.INF
j: ~
k: null
l: "yes"
m: '014'
n: 12:30:45
o: 1e3
p: 1.0e+3
q: on
r: !!str 12
r2: !!int "12"
s:
t: ""
u: 500m
v: 1Gi
w: v1.36.4
x: "line\\nbreak"
y: |
  several
  --- lines
z: >-
  folded
  text
"""


def plain(text: str) -> list[Any]:
    return [body for body in yaml.safe_load_all(text) if body is not None]


def test_every_kind_of_scalar_means_what_pyyaml_says() -> None:
    assert documents_in(SCALARS) == plain(SCALARS)


def test_documents_are_separated_and_empty_ones_left_out() -> None:
    text = "---\na: 1\n---\n# nothing\n---\n\n--- \nb: [1, {c: 2}]\n"
    assert documents_in(text) == [{"a": 1}, {"b": [1, {"c": 2}]}]


def test_an_alias_becomes_a_copy() -> None:
    (found,) = documents_in("a: &x {n: 1}\nb: *x\n")
    found["a"]["n"] = 2
    assert found["b"] == {"n": 1}


def test_two_calls_share_nothing() -> None:
    first, second = documents_in("a: {n: 1}\n"), documents_in("a: {n: 1}\n")
    first[0]["a"]["n"] = 2
    assert second == [{"a": {"n": 1}}]


def test_a_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(yaml.YAMLError, match="'a' stands twice"):
        documents_in("a: 1\nb: 2\na: 3\n")


@pytest.mark.parametrize(
    "text", ["a: [1", "a: *nobody\n", "\tb: 1\n", "a: 'x\n", "a: 2026-11-25\n"]
)
def test_what_is_not_yaml_is_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        documents_in(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(min_size=1, max_size=6), VALUES, min_size=1, max_size=5))
def test_whatever_was_written_is_read_again(value: dict[str, Any]) -> None:
    text = yaml.safe_dump(value)
    assert documents_in(text) == plain(text) == [value]


JSON = """{"a": "one", "b": [1, {"c": -2, "d": null}], "e": true,
 "f": "\\u00e4 \\"quoted\\"", "g": {}}
"""


def test_a_document_written_as_json_means_what_it_means_as_yaml() -> None:
    assert documents_in(JSON) == plain(JSON)
    assert documents_in(f"---\n{JSON}---\na: 1\n") == [*plain(JSON), {"a": 1}]


@pytest.mark.parametrize(
    "text",
    ['{"a": 1.0}', '{"a": 1e3}', '{"a": NaN}', '{"a": Infinity}', "{a: yes}", '{"a": 014}'],
)
def test_what_json_and_yaml_read_differently_is_read_as_yaml(text: str) -> None:
    assert documents_in(text) == plain(text)


def test_a_key_that_stands_twice_is_refused_in_json_as_well() -> None:
    with pytest.raises(yaml.YAMLError, match="'a' stands twice"):
        documents_in('{"b": {"a": 1, "a": 2}}')
