"""Which events a destination wants: a filter by type and by name."""

from __future__ import annotations

from typing import final

import msgspec

__all__ = ["Filter"]


@final
class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions that an event meets all; an empty one is met by every event.

    Attributes:
        types: its ``type`` is one of these.
        events: its ``event``, the name of a track call, is one of these, where its type is ``track``.
        except_events: its ``event`` is none of these.
    """

    types: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    except_events: tuple[str, ...] = ()

    def admits(self, event_type: object, event: object) -> bool:
        """Say whether an event passes; both are as decoded, of any type."""
        if self.types and event_type not in self.types:
            return False
        if event_type == "track" and self.events and event not in self.events:
            return False
        return event not in self.except_events
