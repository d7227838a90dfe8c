"""Hypothesis strategies for what a function is given: events, batches, webhooks, settings, responses.

Needs the extra ``isthmus[testing]``.  Everything drawn is valid, but for what :func:`nearly` and
:func:`nearly_requests` make of it: a field dropped, of another type, huge, with odd Unicode.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import msgspec
from hypothesis import strategies as st

from isthmus.events import Request
from isthmus.functions import Function, SettingDefinition, SettingType

from ._event_strategies import (
    EVENT_TYPES as EVENT_TYPES,
    alias_events as alias_events,
    delete_events as delete_events,
    events as events,
    group_events as group_events,
    identify_events as identify_events,
    names,
    objects,
    page_events as page_events,
    screen_events as screen_events,
    texts,
    track_events as track_events,
)
from ._nearly import nearly as nearly, nearly_requests as nearly_requests
from .http import StubResponse

__all__ = [
    "EVENT_TYPES",
    "alias_events",
    "batches",
    "delete_events",
    "events",
    "group_events",
    "identify_events",
    "nearly",
    "nearly_requests",
    "page_events",
    "requests",
    "responses",
    "screen_events",
    "setting_definitions",
    "settings_for",
    "track_events",
]


def batches(*, min_size: int = 1, max_size: int = 20) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Draw batches: events of mixed types, no two with one ``messageId``.

    Args:
        min_size: events at the least.
        max_size: events at the most; Segment's default for a batch is 20.
    """
    return st.lists(
        events(), min_size=min_size, max_size=max_size, unique_by=lambda event: str(event["messageId"])
    )


@st.composite
def requests(draw: st.DrawFn, *, bodies: st.SearchStrategy[Any] | None = None) -> Request:
    """Draw webhooks, with a body of JSON or of a form.

    Args:
        draw: given by Hypothesis.
        bodies: of what the body is made; JSON of any kind, or a form, if None.
    """
    as_form = bodies is None and draw(st.booleans())
    if as_form:
        fields = draw(st.dictionaries(names, texts, max_size=4))
        content_type, body = "application/x-www-form-urlencoded", urlencode(fields)
    else:
        payload = draw(objects | st.lists(objects, max_size=3) if bodies is None else bodies)
        content_type, body = "application/json", json.dumps(payload, ensure_ascii=draw(st.booleans()))
    query = urlencode(draw(st.dictionaries(names, texts, max_size=2)))
    more = draw(st.dictionaries(names.map("X-{}".format), names, max_size=3))
    return Request(
        url=f"https://fn.segmentapis.com/?{query}",
        headers=(("Content-Type", content_type), *more.items()),
        body=body.encode(),
    )


@st.composite
def setting_definitions(
    draw: st.DrawFn, *, min_size: int = 0, max_size: int = 5
) -> tuple[SettingDefinition, ...]:
    """Draw the settings of a function: names differ, types and switches are mixed.

    Args:
        draw: given by Hypothesis.
        min_size: definitions at the least.
        max_size: definitions at the most.
    """
    chosen = draw(st.lists(names, min_size=min_size, max_size=max_size, unique=True))
    return tuple(
        SettingDefinition(
            name=name,
            label=draw(texts),
            description=draw(texts),
            type=draw(st.sampled_from(SettingType)),
            required=draw(st.booleans()),
            sensitive=draw(st.booleans()),
        )
        for name in chosen
    )


def settings_for(function: Function) -> st.SearchStrategy[dict[str, Any]]:
    """Draw values that fit a function's settings; optional ones are absent at times."""
    by_type: dict[SettingType, st.SearchStrategy[Any]] = {
        SettingType.STRING: texts,
        SettingType.BOOLEAN: st.booleans(),
        SettingType.ARRAY: st.lists(texts, max_size=4),
        SettingType.TEXT_MAP: st.dictionaries(texts, texts, max_size=4),
    }
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for definition in function.settings:
        values = by_type[definition.type]
        if definition.required:
            is_string = definition.type is SettingType.STRING
            required[definition.name] = values.filter(bool) if is_string else values
        else:
            optional[definition.name] = values
    return st.fixed_dictionaries(required, optional=optional)


def responses() -> st.SearchStrategy[StubResponse]:
    """Draw what an API may answer: well, with an error of its own, with something else than JSON, or not at all."""
    bodies = st.just({"ok": True}) | objects | st.lists(objects, max_size=2) | st.none() | texts
    answered = st.builds(
        lambda status, body: StubResponse(status=status, body=msgspec.Raw(msgspec.json.encode(body))),
        st.sampled_from([200, 200, 201, 204, 400, 401, 404, 422, 429, 500, 503]),
        bodies,
    )
    silent = st.sampled_from(["ECONNREFUSED", "ETIMEDOUT", "ENOTFOUND"]).map(
        lambda code: StubResponse(error=code)
    )
    return answered | silent
