"""Which events a destination wants: a filter by type, by name, and by a condition on any field."""

from __future__ import annotations

from typing import final

import msgspec

from .conditions import Condition, condition

__all__ = ["Filter"]


@final
class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions that an event meets all; an empty one is met by every event.

    Attributes:
        types: its ``type`` is one of these.
        events: its ``event``, the name of a track call, is one of these, where its type is ``track``.
        except_events: its ``event`` is none of these.
        where: a condition such as ``properties.total >= 30 and context.locale in ['de', 'fr']``; "" for none.

    Raises:
        EngineError: ``where`` is no condition.
    """

    types: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    except_events: tuple[str, ...] = ()
    where: str = ""

    def __post_init__(self) -> None:
        if self.where:
            condition(self.where)

    @property
    def condition(self) -> Condition | None:
        """What ``where`` says, for the decoded fields of an event; None where it says nothing."""
        return condition(self.where) if self.where else None

    def admits(self, event_type: object, event: object) -> bool:
        """Say whether an event passes all but ``where``; both are as decoded, of any type."""
        if self.types and event_type not in self.types:
            return False
        if event_type == "track" and self.events and event not in self.events:
            return False
        return event not in self.except_events
