"""Settings are encoded as their handler will see them, or refused in words that no value changes; nothing sensitive is missed."""

from __future__ import annotations

from typing import Any

from fuzz.generators import function_with_settings
from fuzz.oracles import json_value
from isthmus.errors import InvalidFunction, InvalidSettings
from isthmus.functions import Function, SettingType
from isthmus.settings import sensitive_values, validate


def check(data: bytes) -> None:
    try:
        function, values = function_with_settings(data)
    except InvalidFunction:
        return
    if refusal := _refusal(function, values):
        assert _refusal(function, {name: _another(value) for name, value in values.items()}) == refusal
        return
    seen = json_value(validate(function, values))
    assert set(seen) <= {definition.name for definition in function.settings}
    for definition in function.settings:
        value = values.get(definition.name)
        if definition.name in seen:
            assert seen[definition.name] == value
        else:
            assert value is None
            assert not definition.required
    _hold_hidden(function, values)


def _refusal(function: Function, values: dict[str, Any]) -> str:
    try:
        validate(function, values)
    except InvalidSettings as error:
        return str(error)
    return ""


def _another(value: Any, depth: int = 3) -> Any:
    """A value of the same shape, with other texts and numbers in it, as deep as anyone looks."""
    if not depth:
        return value
    if isinstance(value, str):
        return (
            ""
            if not value
            else "\udfff"
            if any("\ud800" <= letter <= "\udfff" for letter in value)
            else "other"
        )
    if isinstance(value, list):
        return [_another(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {
            f"{_another(key)}{place}": _another(item, depth - 1)
            for place, (key, item) in enumerate(value.items())
        }
    return 7 if isinstance(value, int | float) and not isinstance(value, bool) else value


def _hold_hidden(function: Function, values: dict[str, Any]) -> None:
    hidden = sensitive_values(function, values)
    for definition in function.settings:
        value = values.get(definition.name)
        if not definition.sensitive or not value or definition.type is SettingType.BOOLEAN:
            assert definition.name not in hidden
            continue
        texts = [value] if isinstance(value, str) else value.values() if isinstance(value, dict) else value
        assert set(hidden.get(definition.name, ())) == {item for item in texts if item}
