"""Hypothesis strategies for what a function is given: events, batches, webhooks, settings, responses.

Needs the extra ``isthmus[testing]``.  Everything drawn is valid, but for what :func:`nearly` and
:func:`nearly_requests` make of it: a field dropped, of another type, huge, with odd Unicode.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from hypothesis import strategies as st

from isthmus.events import Request
from isthmus.functions import Function, SettingDefinition, SettingType

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

EVENT_TYPES = ("identify", "track", "page", "screen", "group", "alias", "delete")
"""The seven types of the Segment spec."""

_EventStrategy = st.SearchStrategy[dict[str, Any]]

# Text that JSON and UTF-8 can both hold: no half of a surrogate pair.
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)
_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)  # what a JavaScript number holds exactly
    | st.floats(allow_nan=False, allow_infinity=False)
    | _text
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)
_objects = st.dictionaries(_text, _values, max_size=4)
_ids = st.uuids(version=4).map(str)
_times = st.datetimes().map(lambda time: time.isoformat(timespec="milliseconds") + "Z")
_integrations = st.dictionaries(
    st.just("All") | _names, st.booleans() | st.dictionaries(_names, _scalars, max_size=2), max_size=3
)
_contexts = st.fixed_dictionaries(
    {},
    optional={
        "ip": st.ip_addresses().map(str),
        "locale": st.sampled_from(["en-US", "de-DE", "ja-JP"]),
        "userAgent": _text,
        "library": st.fixed_dictionaries({"name": _names, "version": st.just("2.4.0")}),
        "traits": _objects,
        "page": st.fixed_dictionaries({"url": st.just("https://example.com/"), "title": _text}),
    },
)


def _event(type_: str, required: Mapping[str, Any], optional: Mapping[str, Any]) -> _EventStrategy:
    """Draw the common fields (Segment spec: common) with those of one type."""
    common = {
        "type": st.just(type_),
        "messageId": _ids,
        "timestamp": _times,
        "receivedAt": _times,
    }
    sometimes = {
        "context": _contexts,
        "integrations": _integrations,
        "originalTimestamp": _times,
        "sentAt": _times,
        "version": st.just(2),
        "writeKey": _names,
        "projectId": _names,
    }
    always = {**common, **required}
    maybe = {**sometimes, **optional}
    return st.fixed_dictionaries(always, optional={key: maybe[key] for key in maybe if key not in always})


def _with_user(type_: str, required: Mapping[str, Any], optional: Mapping[str, Any]) -> _EventStrategy:
    """Draw an event with a user id, an anonymous id, or both; an absent one is null at times."""
    known = _event(type_, {**required, "userId": _ids}, {**optional, "anonymousId": _ids | st.none()})
    anonymous = _event(type_, {**required, "anonymousId": _ids}, {**optional, "userId": _ids | st.none()})
    return known | anonymous


def identify_events() -> _EventStrategy:
    """Draw ``identify`` events."""
    return _with_user("identify", {"traits": _objects}, {})


def track_events() -> _EventStrategy:
    """Draw ``track`` events."""
    return _with_user("track", {"event": _text.filter(bool), "properties": _objects}, {})


def page_events() -> _EventStrategy:
    """Draw ``page`` events."""
    return _with_user("page", {"properties": _objects}, {"name": _text, "category": _text})


def screen_events() -> _EventStrategy:
    """Draw ``screen`` events."""
    return _with_user("screen", {"properties": _objects}, {"name": _text, "category": _text})


def group_events() -> _EventStrategy:
    """Draw ``group`` events."""
    return _with_user("group", {"groupId": _ids, "traits": _objects}, {})


def alias_events() -> _EventStrategy:
    """Draw ``alias`` events."""
    return _event("alias", {"userId": _ids, "previousId": _ids}, {})


def delete_events() -> _EventStrategy:
    """Draw ``delete`` events, whose ``context`` and ``integrations`` are lists in real ones."""
    return _event(
        "delete",
        {
            "userId": _ids,
            "messageId": _ids.map("delete-{}".format),
            "context": st.just([]),
            "integrations": st.just([]),
        },
        {"channel": st.just("server")},
    )


def events(type: str | None = None) -> _EventStrategy:  # noqa: A002 -- the event's own word for it
    """Draw events, as mappings that JSON can hold.

    Args:
        type: one of `EVENT_TYPES`, None for all of them.

    Raises:
        ValueError: there is no such type.
    """
    by_type = {
        "identify": identify_events,
        "track": track_events,
        "page": page_events,
        "screen": screen_events,
        "group": group_events,
        "alias": alias_events,
        "delete": delete_events,
    }
    if type is None:
        return st.sampled_from(EVENT_TYPES).flatmap(lambda chosen: by_type[chosen]())
    if type not in by_type:
        raise ValueError(f"an event's type is one of {', '.join(EVENT_TYPES)}, not {type!r}")
    return by_type[type]()


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
        fields = draw(st.dictionaries(_names, _text, max_size=4))
        content_type, body = "application/x-www-form-urlencoded", urlencode(fields)
    else:
        payload = draw(_objects | st.lists(_objects, max_size=3) if bodies is None else bodies)
        content_type, body = "application/json", json.dumps(payload, ensure_ascii=draw(st.booleans()))
    query = urlencode(draw(st.dictionaries(_names, _text, max_size=2)))
    more = draw(st.dictionaries(_names.map("X-{}".format), _names, max_size=3))
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
    names = draw(st.lists(_names, min_size=min_size, max_size=max_size, unique=True))
    return tuple(
        SettingDefinition(
            name=name,
            label=draw(_text),
            description=draw(_text),
            type=draw(st.sampled_from(SettingType)),
            required=draw(st.booleans()),
            sensitive=draw(st.booleans()),
        )
        for name in names
    )


def settings_for(function: Function) -> st.SearchStrategy[dict[str, Any]]:
    """Draw values that fit a function's settings; optional ones are absent at times."""
    by_type: dict[SettingType, st.SearchStrategy[Any]] = {
        SettingType.STRING: _text,
        SettingType.BOOLEAN: st.booleans(),
        SettingType.ARRAY: st.lists(_text, max_size=4),
        SettingType.TEXT_MAP: st.dictionaries(_text, _text, max_size=4),
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
    bodies = st.just({"ok": True}) | _objects | st.lists(_objects, max_size=2) | st.none() | _text
    answered = st.builds(
        lambda status, body: StubResponse(status=status, body=msgspec.Raw(msgspec.json.encode(body))),
        st.sampled_from([200, 200, 201, 204, 400, 401, 404, 422, 429, 500, 503]),
        bodies,
    )
    silent = st.sampled_from(["ECONNREFUSED", "ETIMEDOUT", "ENOTFOUND"]).map(
        lambda code: StubResponse(error=code)
    )
    return answered | silent
