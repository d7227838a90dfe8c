"""Slots of the workspace and of its functions, that outlive what is loaded with them: calls of the old hold theirs to their end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from isthmus import Slots

from .store import UNBOUNDED, WORKSPACE, Bounds

__all__ = ["SharedSlots"]


@final
class SharedSlots:
    """Gives the same slots for the same bounds."""

    def __init__(self) -> None:
        self._whole: Slots | None = None
        self._slots: dict[str, Slots] = {}

    def of(self, function: str, bounds: Mapping[str, Bounds]) -> Slots | None:
        """The slots of a function, within those of the workspace; None where neither is bounded.

        Args:
            function: class id.
            bounds: of functions and of the workspace.
        """
        most = bounds.get(WORKSPACE, UNBOUNDED).concurrency
        if most != (None if self._whole is None else self._whole.most):
            self._whole = None if most is None else Slots(most)
            self._slots.clear()
        own = bounds.get(function, UNBOUNDED).concurrency
        if own is None:
            self._slots.pop(function, None)
            return self._whole
        kept = self._slots.get(function)
        if kept is None or kept.most != own:
            kept = self._slots[function] = Slots(own, within=self._whole)
        return kept
