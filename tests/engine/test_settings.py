"""Setting values: what fits gets through unchanged, what does not is named without being shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given, strategies as st

from isthmus.errors import InvalidSettings
from isthmus.functions import Function, Kind, SettingDefinition, SettingType
from isthmus.settings import sensitive_values, validate
from isthmus.testing.strategies import setting_definitions, settings_for


def function(*definitions: SettingDefinition) -> Function:
    return Function(name="send", kind=Kind.DESTINATION, language="javascript", code="", settings=definitions)


def one(type_: SettingType, *, required: bool = False, sensitive: bool = False) -> Function:
    return function(SettingDefinition(name="apiKey", type=type_, required=required, sensitive=sensitive))


def problems(func: Function, values: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(InvalidSettings) as caught:
        validate(func, values)
    assert "'send'" in str(caught.value)
    assert all(problem in str(caught.value) for problem in caught.value.problems)
    return caught.value.problems


MARK = "hUsH-0451"
# Values of every kind, each with what a message calls it; MARK stands where a secret would.
KINDS: list[tuple[Any, str]] = [
    (MARK, "a string"),
    (451.0451, "a number"),
    (True, "a boolean"),
    ([MARK], "a list"),
    ([1], "a list"),
    ([MARK, None], "a list"),
    ({MARK: MARK}, "an object"),
    ({MARK: 1}, "an object"),
    ({1: MARK}, "an object"),
    (MARK.encode(), "a Python bytes"),
    ({MARK}, "a Python set"),
    ("\ud800", "t"),  # "text with half a surrogate pair", or "a string" where none is wanted
]
FITS = {
    SettingType.STRING: [0],
    SettingType.BOOLEAN: [2],
    SettingType.ARRAY: [3],
    SettingType.TEXT_MAP: [6],
}


@given(st.data(), setting_definitions())
def test_what_fits_reaches_the_handler_unchanged(
    data: st.DataObject, definitions: tuple[SettingDefinition, ...]
) -> None:
    func = function(*definitions)
    values = data.draw(settings_for(func))
    text = validate(func, values)
    assert json.loads(text) == values
    assert list(json.loads(text)) == [
        definition.name for definition in definitions if definition.name in values
    ]
    # None is no value, as an absent one.
    absent = {definition.name: None for definition in definitions if definition.name not in values}
    assert validate(func, {**values, **absent}) == text


@pytest.mark.parametrize("type_", SettingType)
@pytest.mark.parametrize("index", range(len(KINDS)))
def test_every_kind_of_value_against_every_type(type_: SettingType, index: int) -> None:
    value, name = KINDS[index]
    if index in FITS[type_]:
        assert json.loads(validate(one(type_), {"apiKey": value})) == {"apiKey": value}
        return
    (problem,) = problems(one(type_, sensitive=True), {"apiKey": value})
    assert "'apiKey'" in problem
    assert name in problem
    assert MARK not in problem
    assert "451" not in problem


@given(st.data(), setting_definitions(min_size=1))
def test_every_problem_is_reported_at_once(
    data: st.DataObject, definitions: tuple[SettingDefinition, ...]
) -> None:
    values = dict.fromkeys((definition.name for definition in definitions), 3.25)
    extra = data.draw(st.text(min_size=1))
    assume(extra not in values)
    found = problems(function(*definitions), {**values, extra: "x"})
    assert len(found) == len(definitions) + 1
    for definition, problem in zip(definitions, found, strict=False):
        assert repr(definition.name) in problem
        assert "a number came" in problem
    assert repr(extra) in found[-1]


@pytest.mark.parametrize("type_", SettingType)
@pytest.mark.parametrize("values", [{}, {"apiKey": None}, {"apiKey": ""}])
def test_a_required_setting_needs_a_value(type_: SettingType, values: dict[str, Any]) -> None:
    (problem,) = problems(one(type_, required=True), values)
    assert "'apiKey' is required" in problem


def test_an_empty_string_is_a_value_where_none_is_required() -> None:
    assert validate(one(SettingType.STRING), {"apiKey": ""}) == b'{"apiKey":""}'


def test_a_message_says_what_was_expected_and_what_came() -> None:
    func = function(
        SettingDefinition(name="apiKey", required=True),
        SettingDefinition(name="lists", type=SettingType.ARRAY),
        SettingDefinition(name="debug", type=SettingType.BOOLEAN),
    )
    assert problems(func, {"lists": ["a", 2], "debug": "yes", "apikey": "k"}) == (
        "setting 'apiKey' is required (a string), and has no value",
        "setting 'lists' takes a list of strings, but a list with a number at index 1 came",
        "setting 'debug' takes true or false, but a string came",
        "the function has no setting 'apikey': did you mean 'apiKey'?",
    )


def test_an_unknown_name_far_from_all_lists_those_there_are() -> None:
    assert problems(one(SettingType.STRING), {"zzz": 1}) == (
        "the function has no setting 'zzz': it has 'apiKey'",
    )
    assert problems(function(), {"zzz": 1}) == ("the function has no setting 'zzz': it has none",)


def test_text_that_utf_8_cannot_hold_is_refused() -> None:
    (problem,) = problems(one(SettingType.TEXT_MAP), {"apiKey": {"a": "\ud800"}})
    assert "an object with text with half a surrogate pair in it came" in problem


def test_a_tuple_is_a_list_and_any_mapping_an_object() -> None:
    assert validate(one(SettingType.ARRAY), {"apiKey": ("a", "b")}) == b'{"apiKey":["a","b"]}'

    class Text(str):
        __slots__ = ()

    assert validate(one(SettingType.STRING), {"apiKey": Text("a")}) == b'{"apiKey":"a"}'


@given(st.data(), setting_definitions())
def test_sensitive_texts_are_those_of_sensitive_settings(
    data: st.DataObject, definitions: tuple[SettingDefinition, ...]
) -> None:
    func = function(*definitions)
    values = data.draw(settings_for(func))
    sensitive = sensitive_values(func, values)
    for definition in definitions:
        value = values.get(definition.name)
        match value:
            case str():
                texts = [value]
            case list():
                texts = value
            case dict():
                texts = list(value.values())
            case _:
                texts = []
        hidden = [text for text in texts if text] if definition.sensitive else []
        assert list(sensitive.get(definition.name, ())) == hidden
