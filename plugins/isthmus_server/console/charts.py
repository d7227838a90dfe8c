"""Numbers of a chart: where its bars begin and how long they are, in percent.  Pure; templates draw them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import msgspec

from isthmus.outcomes import Exchange

__all__ = ["Bar", "waterfall"]


@final
class Bar(msgspec.Struct, frozen=True):
    """A bar, in percent of the width that there is."""

    start: float
    length: float


def waterfall(exchanges: Sequence[Exchange], took: float) -> list[Bar]:
    """A bar for each request, within the time of the call.

    Args:
        exchanges: of one call.
        took: seconds of the call.
    """
    whole = max([took, *(each.started + each.duration for each in exchanges), 1e-6])
    return [
        Bar(
            round(100 * each.started / whole, 2),
            round(max(100 * each.duration / whole, 0.6), 2),
        )
        for each in exchanges
    ]
