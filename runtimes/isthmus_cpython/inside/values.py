"""JSON text of what a handler returns and sends."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["text_of"]


def text_of(value: Any) -> str:
    """JSON text, half-surrogates escaped.

    Beyond JSON's own types: dataclasses and mappings are objects; tuples and sets arrays; dates, UUIDs and
    paths their text; decimals numbers where they are that exactly as written, enums their values.

    Raises:
        TypeError: it holds something that JSON has no form for.
        ValueError: it holds NaN or an infinity, or itself.
        RecursionError: it is nested too deeply.
    """
    return _encoder.encode(value)


def _stand_in(value: Any) -> Any:
    if hasattr(type(value), "__dataclass_fields__"):
        fields = sys.modules["dataclasses"].fields(value)
        return {field.name: getattr(value, field.name) for field in fields}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return list(value)
    if _is(value, "datetime", "date") or _is(value, "datetime", "time"):
        return value.isoformat()
    if _is(value, "decimal", "Decimal"):
        return int(value) if value == value.to_integral_value() else float(value)
    if _is(value, "enum", "Enum"):
        return value.value
    if _is(value, "uuid", "UUID") or hasattr(value, "__fspath__"):
        return str(value)
    kind = type(value).__name__
    if isinstance(value, bytes | bytearray):
        raise TypeError(f"{kind} has no JSON form; base64.b64encode makes text of it: {_begin(value)}")
    raise TypeError(f"{kind} has no JSON form")


def _is(value: Any, module: str, name: str) -> bool:
    """Whether a value is of a class of a module that is imported only where something has a use for it."""
    known = sys.modules.get(module)
    return known is not None and isinstance(value, getattr(known, name))


def _begin(value: bytes | bytearray) -> str:
    return base64.b64encode(bytes(value[:12])).decode() + ("..." if len(value) > 12 else "")


_encoder = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=True, default=_stand_in)
