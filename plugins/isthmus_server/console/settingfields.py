"""Values of settings as fields of a form have them: a line of text, a truth value, lines, or lines of names and values.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from isthmus.functions import SettingDefinition, SettingType
from isthmus_server.store import SettingValues

from .forms import Form

__all__ = ["text_of", "value_of", "values_of"]


def value_of(definition: SettingDefinition, text: str) -> Any:
    """The value that a field's text stands for; None where the field is empty.

    Args:
        definition: of the setting.
        text: of the field.
    """
    if not text.strip():
        return None
    match definition.type:
        case SettingType.STRING:
            return text
        case SettingType.BOOLEAN:
            return text == "true"
        case SettingType.ARRAY:
            return [line.strip() for line in text.splitlines() if line.strip()]
        case SettingType.TEXT_MAP:
            pairs = (line.partition("=") for line in text.splitlines() if line.strip())
            return {name.strip(): value.strip() for name, _, value in pairs}


def text_of(value: object) -> str:
    """What a field is filled with, of which :func:`value_of` makes the value again."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "\n".join(f"{name} = {each}" for name, each in value.items())
    return "\n".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def values_of(definitions: Iterable[SettingDefinition], had: SettingValues, form: Form) -> dict[str, Any]:
    """The values of an instance's settings as a form says them, to be put to those it has.

    A secret that is kept and not given stays; the field ``forget.NAME`` takes it away.

    Args:
        definitions: what the function takes.
        had: the values so far.
        form: has a field ``value.NAME`` for each.
    """
    given: dict[str, Any] = {}
    for definition in definitions:
        name = definition.name
        value = value_of(definition, form.text(f"value.{name}"))
        if value is not None:
            given[name] = value
        elif name in had.secret and f"forget.{name}" in form:
            given[name] = None
    return given
