import json
from typing import Any

from isthmus_guest import (
    EventNotSupported,
    FetchError,
    InvalidEventPayload,
    RetryError,
    ValidationError,
    fetch,
    log,
)


def number(value: Any, otherwise: float) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else otherwise


def on_track(event: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    user = event.get("userId")
    if not (isinstance(user, str) and user):
        raise InvalidEventPayload("whose is it?")
    if event.get("event") == "Ignored":
        raise EventNotSupported("nobody wants it")
    properties = event.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    if properties.get("later") is True:
        raise RetryError("later")
    count, total, first = 0, 0.0, None
    items = properties.get("items")
    for item in items if isinstance(items, list) else []:
        if not isinstance(item, dict):
            continue
        if count == 0:
            first = item.get("name")
        count += 1
        total += number(item.get("quantity"), 1) * number(item.get("price"), 0)
    log.info(f"{count} items")
    if total > 1000:
        raise ValidationError("too much")
    body = json.dumps({"user": user, "count": count, "total": total})
    try:
        response = fetch(
            settings["endpoint"], method="POST", headers={"Content-Type": "application/json"}, body=body
        )
    except FetchError:
        raise RetryError("no answer") from None
    if response.status == 429 or response.status >= 500:
        raise RetryError(f"status {response.status}")
    if response.status >= 400:
        raise InvalidEventPayload(f"status {response.status}")
    return {"user": user, "first": first, "count": count, "total": total, "large": total > 100}


def on_identify(event: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    return event


def on_group(event: dict[str, Any], settings: dict[str, Any]) -> None:
    pass
