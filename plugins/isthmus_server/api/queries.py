"""A query as an object: fields below others may be written with dots, in brackets, or as JSON.

The documentation writes ``pagination.count=3``, the SDKs for TypeScript and Go ``pagination[count]=3``, the one for Python
``pagination={"count": 3}``; and a body of JSON may stand in for the query.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from .problems import problem

__all__ = ["nested"]

FIELDS: Final = 100
"""Fields of a query; more are refused."""
DEPTH: Final = 4
STEP: Final = re.compile(r"\[([^\[\]]*)\]|\.([^.\[\]]+)")


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """An object of a query's names and values; where one comes twice, the last counts.

    Args:
        pairs: decoded, in order.

    Raises:
        Problem: 400, there are too many.
    """
    found: dict[str, Any] = {}
    for number, (name, value) in enumerate(pairs):
        if number >= FIELDS:
            raise problem(400, f"The query has more than {FIELDS} parameters.")
        path = _path(name)
        below = found
        for step in path[:-1]:
            inner = below.get(step)
            if not isinstance(inner, dict):
                inner = below[step] = {}
            below = inner
        below[path[-1]] = _value(value)
    return {name: _listed(value) for name, value in found.items()}


def _listed(value: Any) -> Any:
    """An object whose fields are numbered from 0 is a list: ``groupBy[0]=...``."""
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(each) for name, each in value.items()}
    return list(inner.values()) if inner and list(inner) == [str(n) for n in range(len(inner))] else inner


def _path(name: str) -> list[str]:
    """The steps of a name; a name that is not written so is a step of its own."""
    head = re.split(r"[.\[]", name, maxsplit=1)[0]
    rest = name[len(head) :]
    steps = [bracketed or dotted for bracketed, dotted in STEP.findall(rest)]
    whole = head + "".join(match.group(0) for match in STEP.finditer(rest))
    return [head, *steps] if head and whole == name and len(steps) < DEPTH else [name]


def _value(text: str) -> Any:
    """Text, or the object that it is as JSON."""
    if not text.startswith("{"):
        return text
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return text
