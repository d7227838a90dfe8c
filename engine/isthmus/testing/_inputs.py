"""What a hunt tries a function with: cases for the handlers that it has, made of its own words and samples."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from hypothesis import strategies as st

from isthmus._rules.dispatch import EVENT_HANDLERS, HANDLERS
from isthmus.errors import InvalidInput
from isthmus.events import Request
from isthmus.functions import Kind

from ._nearly import nearly, nearly_requests
from ._seasoning import seasoned, words_of
from .cases import Case
from .strategies import events, requests

__all__ = ["case_inputs"]


def case_inputs(
    kind: Kind, handlers: frozenset[str], code: str | bytes, samples: Sequence[dict[str, Any]]
) -> st.SearchStrategy[Case]:
    """Cases for the handlers that a function has.

    Raises:
        InvalidInput: it has none that its kind calls.
    """
    if kind is Kind.SOURCE:
        return (requests() | nearly_requests(requests())).map(_request_case)
    words = words_of(code)
    found: list[st.SearchStrategy[Case]] = []
    by_type: dict[str, st.SearchStrategy[dict[str, Any]]] = {}
    for type_, handler in EVENT_HANDLERS.items():
        if handler in handlers:
            own = [event for event in samples if event.get("type") == type_]
            plain = seasoned(events(type_), words, own)
            by_type[type_] = plain | nearly(plain, around=words.names).map(partial(_of_type, type_))
            found.append(by_type[type_].map(lambda event: Case(event=_raw(event))))
    if "onBatch" in handlers & HANDLERS[kind]:
        single = st.one_of(*(by_type.values() or [events() | nearly(events())]))
        batches = st.lists(single, min_size=1, max_size=4)
        found.append(batches.map(lambda batch: Case(events=[_raw(event) for event in batch])))
    if not found:
        raise InvalidInput(f"the function has no handler that a {kind.value} function is called by")
    return st.one_of(*found)


def _of_type(type_: str, event: dict[str, Any]) -> dict[str, Any]:
    """An event that reaches its handler, whatever else is wrong with it."""
    return {**event, "type": type_}


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _request_case(request: Request) -> Case:
    """A webhook as a case holds it; a body that is no UTF-8 as Base64."""
    fields: dict[str, object] = {
        "method": request.method,
        "url": request.url,
        "headers": request.headers,
    }
    try:
        fields["body"] = request.body.decode()
    except UnicodeDecodeError:
        fields["body_base64"] = request.body
    return Case(request=_raw(fields))
