"""The values an instance gives a function's settings, checked against their definitions."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any, Final, final

import msgspec

from .capabilities import Caller
from .errors import EngineError, InvalidSettings
from .functions import Function, SettingDefinition, SettingType

__all__ = ["SettingsSource", "sensitive_values", "validate"]


@final
class SettingsSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where an instance's setting values come from: a secrets manager, say; for ``settings=`` of :meth:`isthmus.Engine.load`.

    It is asked when the instance is loaded.  Values that are older than ``refresh`` are asked for again with the next
    call, which does not wait for them: calls go on with what there is, and where others have come, those that begin from
    then on have these.  Where asking fails, the values stay, the failure is logged by its type, and it is asked again
    after as long.  ``Engine.replace(instance)`` asks at once, and waits.

    Attributes:
        ask: called with a :class:`isthmus.Caller`, which names function and instance; gives values by setting name; async or plain.
        refresh: seconds that values are good for.
    """

    ask: Callable[[Caller], Any]
    refresh: float = 300.0

    def __post_init__(self) -> None:
        if not self.refresh > 0:
            raise EngineError(
                f"SettingsSource.refresh takes a positive number of seconds, not {self.refresh!r}"
            )


_EXPECTED: Final[Mapping[SettingType, str]] = {
    SettingType.STRING: "a string",
    SettingType.BOOLEAN: "true or false",
    SettingType.ARRAY: "a list of strings",
    SettingType.TEXT_MAP: "an object of strings",
}


def validate(function: Function, values: Mapping[str, object]) -> bytes:
    """Check values for a function's settings and encode them for its handlers.

    None counts as not given, and so does an empty string where a value is required.  What is not
    given is absent from the result, so that a handler sees ``undefined`` (Segment: settings).

    Args:
        function: whose definitions count.
        values: by setting name; a string, a bool, a list of strings, a mapping of strings to strings.

    Returns:
        JSON text of an object, in the order of the definitions.

    Raises:
        InvalidSettings: with every problem there is, none of them showing a value.
    """
    if not isinstance(values, Mapping):
        raise InvalidSettings(
            f"the settings of function {function.name!r} are a mapping by name, not {_kind(values)}"
        )
    problems = []
    checked: dict[str, object] = {}
    for definition in function.settings:
        value = values.get(definition.name)
        if value is None or (definition.required and value == ""):
            if definition.required:
                expected = _EXPECTED[definition.type]
                problems.append(f"setting {definition.name!r} is required ({expected}), and has no value")
            continue
        try:
            checked[definition.name] = _CHECKS[definition.type](value)
        except _Unfit as unfit:
            expected = _EXPECTED[definition.type]
            problems.append(f"setting {definition.name!r} takes {expected}, but {unfit} came")
    problems += _unknown(function.settings, values)
    if problems:
        head = f"the settings of function {function.name!r} do not fit: "
        raise InvalidSettings(head + "; ".join(problems), tuple(problems))
    return msgspec.json.encode(checked)


def sensitive_values(function: Function, values: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """Collect the texts that must not be shown, by setting: what a redactor is made of.

    Of a map its values count, not its keys: they are names (of events, of lists), and redacting
    those would make a log unreadable.  Booleans hide nothing.

    Args:
        function: whose definitions say which settings are sensitive.
        values: as `validate` has accepted them.
    """
    texts: dict[str, tuple[str, ...]] = {}
    for definition in function.settings:
        value = values.get(definition.name)
        if not definition.sensitive:
            continue
        found = (
            (value,) if isinstance(value, str) else value.values() if isinstance(value, Mapping) else value
        )
        if isinstance(found, bool) or not hasattr(found, "__iter__"):
            continue
        if strings := tuple(text for text in found if isinstance(text, str) and text):
            texts[definition.name] = strings
    return texts


class _Unfit(Exception):
    """A value is not of its setting's type; the text says of which it is, and not the value."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _Unfit(_kind(value))
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _Unfit("text with half a surrogate pair") from None
    return str.__str__(value)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise _Unfit(_kind(value))
    return value


def _array(value: object) -> list[str]:
    if not isinstance(value, list | tuple):
        raise _Unfit(_kind(value))
    texts = []
    for index, item in enumerate(value):
        try:
            texts.append(_text(item))
        except _Unfit as unfit:
            raise _Unfit(f"a list with {unfit} at index {index}") from None
    return texts


def _text_map(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise _Unfit(_kind(value))
    try:
        return {_text(key): _text(item) for key, item in value.items()}
    except _Unfit as unfit:
        raise _Unfit(f"an object with {unfit} in it") from None


_CHECKS: Final[Mapping[SettingType, Callable[[object], Any]]] = {
    SettingType.STRING: _text,
    SettingType.BOOLEAN: _boolean,
    SettingType.ARRAY: _array,
    SettingType.TEXT_MAP: _text_map,
}


def _kind(value: object) -> str:
    """Name the kind of a value as JSON does, or else its Python type."""
    if value is None:
        return "null"
    for kind, name in (
        (bool, "a boolean"),
        (str, "a string"),
        (int | float, "a number"),
        (list | tuple, "a list"),
        (Mapping, "an object"),
    ):
        if isinstance(value, kind):
            return name
    return f"a Python {type(value).__name__}"


def _unknown(definitions: tuple[SettingDefinition, ...], values: Mapping[str, object]) -> list[str]:
    names = [definition.name for definition in definitions]
    problems = []
    for name in values:
        if name in names:
            continue
        near = difflib.get_close_matches(str(name), names, n=1)
        known = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(map(repr, names)) or 'none'}"
        problems.append(f"the function has no setting {name!r}: {known}")
    return problems
