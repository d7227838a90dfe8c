"""TOML as it is written: tables whose order and spelling depend on nothing but their values, so that versions compare."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["toml_text"]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def toml_text(values: Mapping[str, Any], tables: Mapping[str, Any] | None = None) -> str:
    """A file of TOML.

    Args:
        values: the keys of the file itself: texts, numbers, booleans, lists and maps of such.
        tables: what follows: a map is a table, a list of maps an array of tables.
    """
    lines = [f"{_key(name)} = {_value(value)}" for name, value in values.items()]
    for name, table in (tables or {}).items():
        several = isinstance(table, list)
        for one in table if several else [table]:
            lines += ["", f"[[{_key(name)}]]" if several else f"[{_key(name)}]"]
            lines += [f"{_key(field)} = {_value(value)}" for field, value in one.items()]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _value(value: object) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        fields = ", ".join(f"{_key(name)} = {_value(field)}" for name, field in value.items())
        return f"{{ {fields} }}" if fields else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value)


def _text(text: str) -> str:
    """A basic string: that of JSON, but that TOML has no raw DEL in it."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
