"""What is expected, against what came."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from isthmus._cli.expectations import differences

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


@given(values)
def test_everything_is_as_itself(value: object) -> None:
    assert list(differences(value, value)) == []


@given(st.dictionaries(st.text(max_size=3), values, max_size=4), st.data())
def test_what_is_left_out_may_be_anything(came: dict[str, object], data: st.DataObject) -> None:
    kept = data.draw(st.sets(st.sampled_from(sorted(came)))) if came else set()
    assert list(differences({name: came[name] for name in kept}, came)) == []


@pytest.mark.parametrize(
    ("expected", "came", "said"),
    [
        (1, 2, ": expected 1, and 2 came"),
        (1, True, ": expected 1, and true came"),
        ("1", 1, ': expected "1", and 1 came'),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "a.b: expected 1, and 2 came"),
        ({"a": 1}, {}, "a: expected 1, and there is none"),
        ({"a": [1]}, {"a": []}, "a: expected 1 elements, and 0 came: []"),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, "a[1].b: expected 2, and 3 came"),
        ({"a": [1, 2]}, {"a": [2, 1]}, "a[0]: expected 1, and 2 came"),
    ],
)
def test_a_difference_says_where_it_is(expected: object, came: object, said: str) -> None:
    assert next(differences(expected, came)) == said


def test_a_field_expected_to_be_empty_may_be_absent() -> None:
    assert list(differences({"requests": [], "problem": None, "value": 0}, {"value": 0})) == []


@given(st.permutations([{"path": "/a"}, {"path": "/b", "body": 1}, {"path": "/a", "body": 2}]))
def test_requests_may_come_in_any_order(came: list[object]) -> None:
    expected = {"requests": [{"path": "/b"}, {"path": "/a", "body": 2}, {"path": "/a"}]}
    assert list(differences(expected, {"requests": came})) == []
    assert list(differences({"requests": [*expected["requests"][:2], {"path": "/c"}]}, {"requests": came}))


def test_a_long_value_is_cut() -> None:
    (said,) = differences("x" * 10_000, "y")
    assert len(said) < 300
