"""What became of the events of a run: lines for who reads them, numbers, and the calls worth showing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, final

import msgspec

from isthmus.outcomes import Outcome, Status

from .stream import Place
from .tally import Tally

__all__ = ["SMALL", "Results", "heads_of"]

SMALL: Final = 100
"""Events of a run that somebody looks at more than measures; one of its calls is shown in full."""

_BAD: Final = frozenset({Status.REFUSED, Status.RETRY})


@final
class Results:
    """Takes outcomes as they come, in any order.

    Args:
        heads: see :func:`heads_of`.
        put: takes each outcome with the head of its line, or None.

    Attributes:
        tally: in numbers.
        sample: the outcome of the first event of all.
        failing: that of the first one that was not good; one that ran says more than one that had no handler to run.
    """

    def __init__(self, heads: Sequence[bytes], put: Callable[[bytes, Outcome], None] | None) -> None:
        self._heads = heads
        self._put = put
        self._any_ran = False
        self.tally = Tally()
        self.sample: tuple[Place, Outcome] | None = None
        self.failing: tuple[Place, Outcome] | None = None

    def add(self, place: Place, outcome: Outcome) -> None:
        """Take the outcome of one event; the path of every event, so it does little."""
        file, number = place
        if self._put is not None:
            self._put(self._heads[file] % number, outcome)
        self.tally.add_one(outcome, number, file)
        if self.tally.events <= SMALL or (outcome.problem is not None and not self._any_ran):
            self.remember(place, outcome)

    def add_batch(self, places: Sequence[Place], outcome: Outcome) -> None:
        """Take the outcome of a call that several events of one file went into."""
        file, first = places[0]
        numbers = [number for _, number in places]
        if self._put is not None:
            lines = b',"lines":' + msgspec.json.encode(numbers)
            self._put(self._heads[file] % first + lines, outcome)
        self.tally.add(outcome, numbers, file)
        self.remember(places[0], outcome)

    def remember(self, place: Place, outcome: Outcome) -> None:
        """Keep an outcome if it is worth showing."""
        if self.sample is None or place < self.sample[0]:
            self.sample = place, outcome
        if outcome.status not in _BAD:
            return
        ran = outcome.usage.wall > 0
        if self.failing is None or (not ran, place) < (not self._any_ran, self.failing[0]):
            self.failing, self._any_ran = (place, outcome), ran


def heads_of(paths: Sequence[str]) -> list[bytes]:
    """How the lines of outcomes begin, for each file: a template that takes the number of the event's line."""
    if len(paths) == 1:
        return [b'{"line":%d']
    return [b'{"file":%b,"line":%%d' % msgspec.json.encode(path).replace(b"%", b"%%") for path in paths]
