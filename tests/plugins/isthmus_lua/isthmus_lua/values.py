"""JSON as Lua has it, and back: ``null`` is a value of its own, and an array from outside stays one when it is empty."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, final

__all__ = ["NULL", "Values"]

NULL: Final = object()
"""``null`` in Lua, whose ``nil`` cannot stand in a table."""

DEEPEST: Final = 200
"""Tables within tables; one that holds itself is deeper."""


@final
class Values:
    """Takes values into one Lua state, and out of it.

    Args:
        lua: the state.
        mark: the metatable that makes a table an array.
        is_array: whether it has that.
    """

    def __init__(self, lua: Any, mark: Any, is_array: Callable[[Any], bool]) -> None:
        self._lua = lua
        self._mark = mark
        self._is_array = is_array
        self._set = lua.eval("setmetatable")

    def into(self, value: object) -> Any:
        """Make a Lua value of decoded JSON."""
        if value is None:
            return NULL
        if isinstance(value, dict):
            table = self._lua.table()
            for key, item in value.items():
                table[key] = self.into(item)
            return table
        if isinstance(value, list):
            return self._set(self._lua.table(*map(self.into, value)), self._mark)
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            return float(value)
        return value

    def out(self, value: Any, depth: int = 0) -> Any:
        """Make what JSON can hold of a Lua value.

        Raises:
            ValueError: it cannot.
        """
        if value is None or value is NULL:
            return None
        if isinstance(value, bool | int | float | str):
            if isinstance(value, float) and value - value != 0:
                raise ValueError("a number that is not finite has no JSON form")
            return value
        if not hasattr(value, "items") or depth >= DEEPEST:
            what = (
                "a table that holds itself, or is nested too deeply,"
                if hasattr(value, "items")
                else "a function"
            )
            raise ValueError(f"{what} has no JSON form")
        pairs = list(value.items())
        if self._is_array(value) or (pairs and [key for key, _ in pairs] == list(range(1, len(pairs) + 1))):
            return [self.out(value[n], depth + 1) for n in range(1, len(pairs) + 1)]
        return {str(key): self.out(item, depth + 1) for key, item in pairs}
