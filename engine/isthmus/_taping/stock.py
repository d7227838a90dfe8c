"""The answers of a tape, for a world that has left it: each is given to what is most like what it answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

from isthmus.messages import FetchRequest
from isthmus.tapes import (
    Answer,
    Answered,
    Asked,
    CacheLoad,
    Capability,
    Done,
    Effect,
    Failed,
    Fetch,
    Found,
    Sleep,
)

__all__ = ["Stock"]


@final
class Stock:
    """What a tape has to answer with.

    Args:
        effects: of the tape.
        same: whether two effects of one number are the same.
    """

    def __init__(self, effects: Sequence[Effect], same: Callable[[Effect, Effect], bool]) -> None:
        self._same = same
        self._answers = {each.number: each.answer for each in effects if isinstance(each, Answered)}
        self._left = {
            each.number: each for each in effects if isinstance(each, Fetch | CacheLoad | Capability)
        }
        self._cached: dict[str, bytes | None] = {}

    def take(self, number: int) -> None:
        """What was asked under a number has been asked again."""
        self._left.pop(number, None)

    def store(self, key: str, value: bytes) -> None:
        """The world has put something into its cache."""
        self._cached[key] = value

    def delete(self, key: str) -> None:
        """The world has had its cache forget something."""
        self._cached[key] = None

    def answer_of(self, number: int) -> Answer:
        """The answer to what was asked under a number."""
        return self._answers.get(number) or Failed(
            "the call had ended before this was answered", kind="system"
        )

    def answer(self, asked: Asked) -> Answer:
        """The answer to something that is not on the tape, or not at this place."""
        if isinstance(asked, Sleep):
            return Done()
        if isinstance(asked, CacheLoad) and asked.key in self._cached:
            return Found(self._cached[asked.key])
        likeness = {number: self._likeness(asked, each) for number, each in self._left.items()}
        best = max(likeness, key=lambda number: (likeness[number], -number), default=0)
        if likeness.get(best):
            self.take(best)
            return self.answer_of(best)
        if isinstance(asked, CacheLoad):
            return Found(None)
        what = (
            f"request to {asked.request.url} failed, reason: the tape has no answer to it"
            if isinstance(asked, Fetch)
            else f"the tape has no answer of {asked.name}"
        )
        return Failed(what, kind="system")

    def _likeness(self, asked: Asked, other: Asked) -> int:
        """How much two questions have in common, 0 for too little."""
        match asked, other:
            case Fetch(request=request), Fetch(number=number, request=taped):
                if self._same(Fetch(number, request), other):
                    return 4
                return _likeness(request, taped)
            case CacheLoad(key=key), CacheLoad(key=taped_key):
                return int(key == taped_key)
            case Capability(name=name, argument=argument), Capability(
                name=taped_name, argument=taped_argument
            ):
                return int(name == taped_name) + int(name == taped_name and argument == taped_argument)
            case _:
                return 0


def _likeness(request: FetchRequest, taped: FetchRequest) -> int:
    if request.method != taped.method or _path(request.url) != _path(taped.url):
        return 0
    return 1 + int(request.url == taped.url) + int(request.body == taped.body)


def _path(url: str) -> str:
    """A URL without its query and its fragment."""
    return url.partition("#")[0].partition("?")[0]
