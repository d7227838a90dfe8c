"""Setting values from a file, the environment and the command line; none of them is ever shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from isthmus.functions import SettingDefinition, SettingType

from .definition import read_file
from .faults import UsageFault

__all__ = ["ENV_PREFIX", "gather", "guess_definitions"]

ENV_PREFIX: Final = "ISTHMUS_SETTING_"

_SECRET = re.compile(r"key|token|secret|passw|passphrase|auth|credential|signature", re.IGNORECASE)


def gather(
    definitions: Sequence[SettingDefinition] | None,
    *,
    file: str | None = None,
    environ: Mapping[str, str],
    prefix: str = ENV_PREFIX,
    pairs: Sequence[str] = (),
    below: Mapping[str, object],
) -> dict[str, object]:
    """Gather the values of an instance's settings; what comes later in this list wins.

    ``below``; the file, JSON or TOML; variables of the environment, ``<prefix>apiKey`` or
    ``<prefix>API_KEY``; ``NAME=VALUE`` pairs.

    Args:
        definitions: the settings the function defines, None where nothing says which.
        file: path, or None.
        environ: the environment.
        prefix: of the variables that count.
        pairs: as given on the command line.
        below: values that any other overrides.

    Raises:
        UsageFault: the file is none, or a pair has no ``=``.
    """
    types = {definition.name: definition.type for definition in definitions or ()}
    values = dict(below)
    if file is not None:
        values |= _read(Path(file))
    by_spelling = {_plain(name): name for name in types}
    for variable, text in environ.items():
        if prefix and variable.startswith(prefix):
            given = variable[len(prefix) :]
            name = given if given in types or definitions is None else by_spelling.get(_plain(given))
            if name:  # others may be for other functions
                values[name] = _value(text, types.get(name))
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not (name and equals):
            raise UsageFault(f"--set takes NAME=VALUE, and {name!r} has no value")
        values[name] = _value(text, types.get(name))
    return values


def guess_definitions(values: Mapping[str, object]) -> tuple[SettingDefinition, ...]:
    """Define settings by the values given, for a function that comes without definitions.

    What is called a key, a token, a password and the like counts as sensitive.
    """
    return tuple(
        SettingDefinition(name=name, type=_type_of(value), sensitive=bool(_SECRET.search(name)))
        for name, value in values.items()
    )


def _value(text: str, type_: SettingType | None) -> object:
    """Read a value as JSON where that fits the setting, else as the text it is."""
    try:
        value = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return text
    if type_ is SettingType.STRING or type_ is None:
        # A zip code is no number, and Segment has no setting that is one.
        fits = isinstance(value, str) or (type_ is None and isinstance(value, bool | list | dict))
        return value if fits else text
    return value


def _type_of(value: object) -> SettingType:
    if isinstance(value, bool):
        return SettingType.BOOLEAN
    if isinstance(value, list):
        return SettingType.ARRAY
    return SettingType.TEXT_MAP if isinstance(value, dict) else SettingType.STRING


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _read(path: Path) -> dict[str, Any]:
    data = read_file(path)
    decode = msgspec.toml.decode if path.suffix.lower() == ".toml" else msgspec.json.decode
    try:
        values = decode(data)
    except (ValueError, RecursionError):
        # The message of a parser may repeat what it read.
        kind = "TOML" if path.suffix.lower() == ".toml" else "JSON (or TOML, by the suffix .toml)"
        raise UsageFault(f"the settings in {path} are not {kind}") from None
    if not isinstance(values, dict):
        raise UsageFault(f"the settings in {path} are not an object")
    return values
