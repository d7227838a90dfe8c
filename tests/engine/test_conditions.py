"""Conditions on events: examples, a reference that shares no code with them, and text that is none."""

from __future__ import annotations

import fnmatch
import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from isthmus import EngineError
from isthmus._rules.conditions import CONDITION_LENGTH, condition
from isthmus._rules.globs import Glob
from isthmus.pipelines import Filter
from isthmus.testing.strategies import events

EVENT: dict[str, Any] = {
    "type": "track",
    "event": "Button Clicked",
    "messageId": "m1",
    "userId": "u1",
    "context": {"library": {"name": "analytics.js", "version": "1.0"}, "is.dotted": {"a b": 1}},
    "properties": {
        "total": 30,
        "price": 1.5,
        "paid": True,
        "nothing": None,
        "features": ["discounts", "dark-mode", 3],
        "products": [{"sku": "a"}, {"sku": "b"}],
        "quote": "it's",
    },
}


@pytest.mark.parametrize(
    ("text", "met"),
    [
        # the examples of Segment's reference
        ("event = 'Button Clicked'", True),
        ("event = 'Screen Tapped'", False),
        ("context.path.path = '/login'", False),
        ("type = 'identify' or type = 'track'", True),
        ("event = 'Button Clicked' and type = 'track'", True),
        ("match( context.library.version, '1.*' )", True),
        ("match( context.library.version, '2.*' )", False),
        ("type = 'track' and ( event = 'Click' or match( event, 'Button *' ) )", True),
        ("!contains( context.library.name, 'js' )", False),
        ("'dark-mode' in properties.features", True),
        ("'blink' in properties.features", False),
        # numbers, booleans, null
        ("properties.total >= 30", True),
        ("properties.total > 30", False),
        ("properties.total = 30.0 and properties.price < 2", True),
        ("properties.price > -1e3", True),
        ("properties.total < 'x'", False),
        ("properties.paid", True),
        ("properties.paid = true and properties.paid != 1", True),
        ("properties.total", False),
        ("properties.nothing = null and properties.missing = null", True),
        ("properties.missing != null", False),
        ("properties.features = properties.features", False),
        ("properties.missing >= 0 or properties.missing < 0", False),
        # precedence: ! before and, and before or
        ("false and false or true", True),
        ("true or true and false", True),
        ("!false and false", False),
        ("!(true and false)", True),
        ("!type = 'page'", True),
        ("!!true", True),
        # paths
        ("properties.products.1.sku = 'b' and properties.products.7.sku = null", True),
        (r"context.is\.dotted.a\ b = 1", True),
        ("properties.total.deeper = null", True),
        # lists, functions, quotes
        ("type in ['page', \"track\"]", True),
        ("type in []", False),
        ("properties.total in [30, null]", True),
        ("type in 'track'", False),
        ("length(properties.features) = 3 and length('abc') = 3 and length(properties.total) = null", True),
        ("typeof(properties.features) = 'list' and typeof(properties.gone) = 'null'", True),
        ("typeof(properties.paid) = 'boolean' and typeof(properties.price) = 'number'", True),
        ("lowercase(event) = 'button clicked' and lowercase(properties.total) = null", True),
        (r"properties.quote = 'it\'s'", True),
        ('properties.quote = "it\'s"', True),
        ("contains(properties.features, 'dark-mode')", False),
        ("sample(1) and !sample(0) and sample(1, userId)", True),
        ("typeof = null and contains = null", True),  # a function's name may be a field's
    ],
)
def test_what_conditions_say(text: str, met: bool) -> None:
    assert condition(text)(EVENT) is met


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" ", "its end"),
        ("type =", "its end"),
        ("type = 'track", "at character 8"),
        ("type == 'track'", "character 7"),
        ("type = 'a' type = 'b'", "and, or, a comparison or the end"),
        ("(type = 'a'", r"'\)'"),
        ("type in [a]", "a value in quotes"),
        ("system('x')", "one of the functions contains"),
        ("__import__('os')", "one of the functions"),
        ("match(type, event)", "a value in quotes"),
        ("match(type, 3)", "a pattern"),
        ("match(type, '[z-a]')", "none"),
        ("sample(2)", "a share"),
        ("sample(userId)", "a value"),
        ("contains(type)", "','"),
        ("!" * 40 + "true", "32 levels"),
        ("(" * 40 + "true" + ")" * 40, "32 levels"),
        ("lowercase(" * 40 + "type" + ")" * 40, "32 levels"),
        ("a" * (CONDITION_LENGTH + 1), "at most 4096"),
        ("match(type, '" + "a" * 600 + "')", "at most 512"),
    ],
)
def test_what_is_no_condition_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(EngineError, match=said):
        Filter(where=text)


# ---------------------------------------------------------------- against a reference

paths = st.sampled_from(["type", "n", "a.b", "a.c", "list", "gone", "a"])
scalars: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, "", "x", "it's", 'say "\\"'])
)
trees: st.SearchStrategy[Any] = st.recursive(
    st.tuples(st.just("compare"), st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), paths, scalars)
    | st.tuples(st.just("in"), paths, st.lists(scalars, max_size=3)),
    lambda inner: st.tuples(st.just("not"), inner) | st.tuples(st.sampled_from(["and", "or"]), inner, inner),
    max_leaves=8,
)
fields = st.fixed_dictionaries(
    {"type": scalars, "n": scalars, "a": st.fixed_dictionaries({"b": scalars}), "list": st.lists(scalars)}
)


def written(tree: Any) -> str:
    match tree:
        case ("compare", sign, path, value):
            return f"{path} {sign} {literal(value)}"
        case ("in", path, values):
            return f"{path} in [{', '.join(map(literal, values))}]"
        case ("not", inner):
            return f"!({written(inner)})"
        case (word, left, right):
            return f"({written(left)}) {word} ({written(right)})"
    raise AssertionError(tree)


def literal(value: Any) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    return json.dumps(value)


def kind(value: Any) -> str:
    return {bool: "b", int: "n", float: "n", str: "s", type(None): "0"}.get(type(value), "other")


def same(left: Any, right: Any) -> bool:
    return kind(left) == kind(right) != "other" and bool(left == right)


def said(tree: Any, event: dict[str, Any]) -> bool:
    match tree:
        case ("not", inner):
            return not said(inner, event)
        case ("and", left, right):
            return said(left, event) and said(right, event)
        case ("or", left, right):
            return said(left, event) or said(right, event)
        case ("in", path, values):
            return any(same(look(event, path), value) for value in values)
        case ("compare", sign, path, value):
            found = look(event, path)
            if sign in {"=", "!="}:
                return same(found, value) is (sign == "=")
            if kind(found) != kind(value) or kind(found) not in "ns":
                return False
            order = (found > value) - (found < value)
            return order in {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1)}[sign]
    raise AssertionError(tree)


def look(event: Any, path: str) -> Any:
    for part in path.split("."):
        event = event.get(part) if isinstance(event, dict) else None
    return event


@given(trees, fields)
@settings(max_examples=200)
def test_a_condition_says_what_the_reference_says(tree: Any, event: dict[str, Any]) -> None:
    assert condition(written(tree))(event) is said(tree, event)


@given(st.text(st.sampled_from("ab()[]!=<>'\"\\., 01-andorintruematchsample"), max_size=40), events())
def test_any_text_is_a_condition_that_cannot_fail_or_is_refused(text: str, event: dict[str, Any]) -> None:
    try:
        compiled = condition(text)
    except EngineError:
        return
    assert compiled(event) in {True, False}


@given(st.text("ab?*[]x", max_size=8), st.text("abx", max_size=8))
def test_a_glob_matches_as_shell_patterns_do(pattern: str, text: str) -> None:
    if "[" in pattern or "]" in pattern:
        pattern = pattern.replace("[", "a").replace("]", "b")
    assert Glob(pattern).matches(text) is fnmatch.fnmatchcase(text, pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "met"),
    [
        ("[ab]c", "bc", True),
        ("[^ab]c", "bc", False),
        ("[a-c]?", "cz", True),
        (r"\*", "*", True),
        (r"\*", "x", False),
        ("a.c", "abc", False),
        ("[", "[", True),
        ("*a*", "xxaxx", True),
        ("ab*ba", "aba", False),  # what it begins with is not what it ends with
        ("a*", "a\nb", True),
    ],
)
def test_what_globs_mean(pattern: str, text: str, met: bool) -> None:
    assert Glob(pattern).matches(text) is met


def test_a_pattern_of_many_stars_is_read_once() -> None:
    assert not Glob("a*" * 250 + "b").matches("a" * 30_000)


def test_a_sample_is_a_share_and_the_same_each_time() -> None:
    kept = [n for n in range(2000) if condition("sample(0.25)")({"messageId": f"m{n}"})]
    assert 380 < len(kept) < 620
    assert kept == [n for n in range(2000) if condition("sample(0.25, messageId)")({"messageId": f"m{n}"})]
    by_user = condition("sample(0.5, userId)")
    assert len({by_user({"messageId": str(n), "userId": "u"}) for n in range(50)}) == 1
    assert len({by_user({"messageId": str(n)}) for n in range(50)}) == 2
