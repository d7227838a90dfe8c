"""Whether what came is what was expected, where an expectation may leave things out."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

__all__ = ["differences"]

_SHOWN = 200


def differences(expected: object, came: object, place: str = "") -> Iterator[str]:
    """Say in a sentence each where ``came`` is not as expected.

    An object has what the expected one has, and may have more; an array has as many elements, each
    as expected in its place, but for ``requests``, which may have been made at the same time and so
    come in any order; anything else is equal.

    Args:
        expected: decoded JSON.
        came: decoded JSON.
        place: where in the whole they are.
    """
    if isinstance(expected, dict) and isinstance(came, dict):
        for name, value in expected.items():
            inner = f"{place}.{name}" if place else name
            if name in came:
                yield from differences(value, came[name], inner)
            elif value not in (None, [], ""):  # a field that is empty is left out of an outcome
                yield f"{inner}: expected {_shown(value)}, and there is none"
    elif isinstance(expected, list) and isinstance(came, list):
        if len(expected) != len(came):
            yield f"{place}: expected {len(expected)} elements, and {len(came)} came: {_shown(came)}"
            return
        if place == "requests" and _fit_in_some_order(expected, came):
            return
        for index, (one, other) in enumerate(zip(expected, came, strict=True)):
            yield from differences(one, other, f"{place}[{index}]")
    elif expected != came or isinstance(expected, bool) is not isinstance(came, bool):
        yield f"{place}: expected {_shown(expected)}, and {_shown(came)} came"


def _fit_in_some_order(expected: list[object], came: list[object]) -> bool:
    """Whether each expected element finds one of its own; the first that fits is taken."""
    free = list(came)
    for element in expected:
        for place, candidate in enumerate(free):
            if not any(differences(element, candidate)):
                del free[place]
                break
        else:
            return False
    return True


def _shown(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
