"""Hypothesis strategies for events of the Segment spec, and the texts and objects that they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

__all__ = [
    "EVENT_TYPES",
    "alias_events",
    "delete_events",
    "events",
    "group_events",
    "identify_events",
    "names",
    "objects",
    "page_events",
    "screen_events",
    "texts",
    "track_events",
]

EVENT_TYPES = ("identify", "track", "page", "screen", "group", "alias", "delete")
"""The seven types of the Segment spec."""

EventStrategy = st.SearchStrategy[dict[str, Any]]

# Text that JSON and UTF-8 can both hold: no half of a surrogate pair.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)  # what a JavaScript number holds exactly
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, _values, max_size=4)
_ids = st.uuids(version=4).map(str)
_times = st.datetimes().map(lambda time: time.isoformat(timespec="milliseconds") + "Z")
_integrations = st.dictionaries(
    st.just("All") | names, st.booleans() | st.dictionaries(names, scalars, max_size=2), max_size=3
)
_contexts = st.fixed_dictionaries(
    {},
    optional={
        "ip": st.ip_addresses().map(str),
        "locale": st.sampled_from(["en-US", "de-DE", "ja-JP"]),
        "userAgent": texts,
        "library": st.fixed_dictionaries({"name": names, "version": st.just("2.4.0")}),
        "traits": objects,
        "page": st.fixed_dictionaries({"url": st.just("https://example.com/"), "title": texts}),
    },
)


def _event(type_: str, required: Mapping[str, Any], optional: Mapping[str, Any]) -> EventStrategy:
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
        "writeKey": names,
        "projectId": names,
    }
    always = {**common, **required}
    maybe = {**sometimes, **optional}
    return st.fixed_dictionaries(always, optional={key: maybe[key] for key in maybe if key not in always})


def _with_user(type_: str, required: Mapping[str, Any], optional: Mapping[str, Any]) -> EventStrategy:
    """Draw an event with a user id, an anonymous id, or both; an absent one is null at times."""
    known = _event(type_, {**required, "userId": _ids}, {**optional, "anonymousId": _ids | st.none()})
    anonymous = _event(type_, {**required, "anonymousId": _ids}, {**optional, "userId": _ids | st.none()})
    return known | anonymous


def identify_events() -> EventStrategy:
    """Draw ``identify`` events."""
    return _with_user("identify", {"traits": objects}, {})


def track_events() -> EventStrategy:
    """Draw ``track`` events."""
    return _with_user("track", {"event": texts.filter(bool), "properties": objects}, {})


def page_events() -> EventStrategy:
    """Draw ``page`` events."""
    return _with_user("page", {"properties": objects}, {"name": texts, "category": texts})


def screen_events() -> EventStrategy:
    """Draw ``screen`` events."""
    return _with_user("screen", {"properties": objects}, {"name": texts, "category": texts})


def group_events() -> EventStrategy:
    """Draw ``group`` events."""
    return _with_user("group", {"groupId": _ids, "traits": objects}, {})


def alias_events() -> EventStrategy:
    """Draw ``alias`` events."""
    return _event("alias", {"userId": _ids, "previousId": _ids}, {})


def delete_events() -> EventStrategy:
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


def events(type: str | None = None) -> EventStrategy:  # noqa: A002 -- the event's own word for it
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
