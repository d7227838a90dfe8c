"""A body or a query of the Public API is a value of its type that is read again as the same, or a problem for each field."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from isthmus_server.api.calls import Route
from isthmus_server.api.decoding import decode, parse
from isthmus_server.api.problems import Problem
from isthmus_server.api.queries import nested
from isthmus_server.api.table import ROUTES

BY_NAME: dict[bytes, Route] = {route.operation.encode(): route for route in ROUTES}
REFUSED = {400, 422}
SHOWN = 500
"""Characters of what is said of one field: it repeats no value of the sender's."""


def check(data: bytes) -> None:
    """The first line names an operation, by its id; the rest is its body, or after ``?`` its query."""
    name, _, rest = data.partition(b"\n")
    route = BY_NAME.get(name)
    if route is None:
        return
    if rest.startswith(b"?"):
        if route.query is not None:
            _hold(route.query, lambda: _query(rest[1:].decode("latin-1")), from_text=True)
    elif route.body is not None:
        _hold(route.body, lambda: parse(rest), from_text=False)


def _query(text: str) -> dict[str, Any]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=1000, errors="strict")
    except ValueError:
        return {}
    return nested(pairs)


def _hold(kind: type[msgspec.Struct], read: Any, *, from_text: bool) -> None:
    try:
        value = decode(kind, read(), from_text=from_text)
    except Problem as problem:
        refused = problem
    else:
        written = msgspec.json.encode(value)
        assert decode(kind, parse(written)) == value, "what was written is read as something else"
        return
    assert refused.status in REFUSED
    assert refused.errors
    msgspec.json.encode(refused.errors)
    for error in refused.errors:
        assert error.message
        assert len(error.message) - 2 * len(error.field or "") < SHOWN, error
