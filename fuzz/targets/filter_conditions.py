"""A condition is compiled or refused with its place; compiled, it says yes or no of any event, and the same again."""

from __future__ import annotations

import msgspec

from fuzz.generators import text
from isthmus._rules.conditions import condition
from isthmus.errors import EngineError

_EVENT = {
    "type": "track",
    "messageId": "m",
    "userId": "u",
    "properties": {"total": 3, "list": ["a", 1, None, {"sku": "x"}], "text": "a*b", "on": True},
}


def check(data: bytes) -> None:
    """Lines: ``{`` begins an event, JSON, that the conditions after it are asked about; others are conditions."""
    event: dict[str, object] = dict(_EVENT)
    for line in text(data).split("\n"):
        if line.startswith("{"):
            try:
                given = msgspec.json.decode(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(given, dict):
                event = given
            continue
        try:
            compiled = condition(line)
        except EngineError as error:
            str(error)
            continue
        said = compiled(event)
        assert said in {True, False}
        assert compiled(event) is said
        assert condition(f"!({line})")(event) is not said
