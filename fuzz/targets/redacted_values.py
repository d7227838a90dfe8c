"""What a destination returns is shown with every secret taken out of its texts, and as it is where it holds none."""

from __future__ import annotations

from typing import Any

import msgspec

from fuzz.generators import text
from isthmus._host import Door
from isthmus._invocation import _shown_json, _shown_value
from isthmus._redact import Redactor
from isthmus.abc import Egress
from isthmus.limits import Limits


def check(data: bytes) -> None:
    """The first line is the secret, the rest the JSON text of what was returned."""
    first, _, value = data.partition(b"\n")
    secret = text(first)
    try:
        returned = msgspec.json.decode(value)
        value.decode()
    except (ValueError, RecursionError):
        return  # such a value does not come this far
    if not secret:
        return
    door = Door(Limits(), fetcher=None, egress=Egress(), redactor=Redactor({"secret": (secret,)}))
    shown = msgspec.json.decode(_shown_value(msgspec.Raw(value), door))
    assert shown == _shown_json(returned, door)
    if len(secret) >= 4:
        assert not any(secret in string for string in _strings(shown)), "the secret is shown"


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [*value, *(string for item in value.values() for string in _strings(item))]
    return [string for item in value for string in _strings(item)] if isinstance(value, list) else []
