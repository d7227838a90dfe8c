"""The host of a call that is replayed: it answers from a tape, in the tape's order, and says where the world leaves it.

What the world asks is held against the tape, one effect after the other.  Answers are given out one at a time, each
when the world has asked all that stands before it, so that they come in the order in which they came.  From the first
divergence on the tape is a stock of answers: a request gets that of a request like it, a wait is over at once,
the cache has what it had.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, final

import msgspec
import trio

from isthmus._host import InvocationHost
from isthmus.abc import CacheEntry, FetchRequest, FetchResponse, Hop, Host
from isthmus.errors import CapabilityError, FetchError
from isthmus.tapes import (
    Answer,
    Answered,
    Asked,
    CacheDelete,
    CacheFail,
    CacheLoad,
    CacheStore,
    Capability,
    Divergence,
    Done,
    Drawn,
    Effect,
    Failed,
    Fetch,
    Found,
    Passed,
    Responded,
    Said,
    Sleep,
    Tape,
)

from .concealing import Concealer
from .recording import question_of
from .stock import Stock

__all__ = ["ReplayHost"]

_encode = msgspec.msgpack.Encoder().encode


@final
class ReplayHost(Host):
    """Answers one call from a tape.

    Args:
        inner: keeps what is logged, and what is shown of requests.
        tape: to answer from.
        concealer: takes out what stands for secrets on both sides before they are compared, or None.

    Attributes:
        divergence: where the world first left the tape, or None.
        played: what came, each with whether it is on the tape.
    """

    taped = True

    def __init__(self, inner: InvocationHost, tape: Tape, concealer: Concealer | None) -> None:
        self._inner = inner
        self._effects = tape.effects
        self._draws = tape.drawn
        self._concealer = concealer
        self._stock = Stock(tape.effects, self._same)
        self._at = 0
        self._drawn_at = 0
        self._fresh = 0
        self._waiting: dict[int, trio.Event] = {}
        self._owed: deque[Answered] = deque()
        self._answers: dict[int, Answered] = {}
        self._moved = trio.Event()
        self._clock = self._moment = 0.0
        self._off = False  # the world has left the tape
        self._times: Iterator[float] = iter(())
        self.divergence: Divergence | None = None
        self.played: list[tuple[Effect, bool]] = []

    def finish(self) -> None:
        """The call has ended: what else it asked for, as the tape has it, it did not ask for now."""
        for at in range(self._at, len(self._effects)):
            if not isinstance(self._effects[at], Answered):
                self._diverge(at, None)
                return
        if self._drawn_at < len(self._draws):
            self._diverge(self._drawn_at, None, self._draws[self._drawn_at])

    # ------------------------------------------------------------ what waits

    def fetch(self, request: FetchRequest) -> Coroutine[Any, Any, FetchResponse]:
        return self._fetched(request, self._ask(Fetch(0, request)))

    def sleep(self, seconds: float) -> Coroutine[Any, Any, None]:
        return self._slept(seconds, self._ask(Sleep(0, float(seconds))))

    def cache_load(self, key: str) -> Coroutine[Any, Any, CacheEntry]:
        return self._loaded(self._ask(CacheLoad(0, key)))

    def capability(self, name: str, argument: bytes) -> Coroutine[Any, Any, bytes]:
        return self._used(self._ask(Capability(0, name, argument)))

    async def _fetched(self, request: FetchRequest, number: int) -> FetchResponse:
        self._inner.fetches += 1
        answer = await self._answer(number)
        shown = Hop(
            method=request.method,
            url=request.url,
            request_headers=request.headers,
            request_body=request.body or b"",
            started=trio.current_time(),
        )
        if isinstance(answer, Responded):
            response = answer.response
            self._inner.note_hop(
                msgspec.structs.replace(
                    shown,
                    status=response.status,
                    response_headers=response.headers,
                    response_body=response.body,
                )
            )
            return response
        failed = answer if isinstance(answer, Failed) else Failed("the tape has no response", kind="system")
        self._inner.note_hop(msgspec.structs.replace(shown, error=failed.message))
        raise FetchError(failed.message, code=failed.code, type=failed.kind)

    async def _slept(self, seconds: float, number: int) -> None:
        answer = await self._answer(number)
        if self._off and seconds > 0:
            self._clock += seconds
        _raise_failed(answer)

    async def _loaded(self, number: int) -> CacheEntry:
        answer = await self._answer(number)
        _raise_failed(answer)
        return CacheEntry(answer.value if isinstance(answer, Found) else None)

    async def _used(self, number: int) -> bytes:
        self._inner.uses += 1
        answer = await self._answer(number)
        if isinstance(answer, Found) and answer.value is not None:
            return answer.value
        failed = answer if isinstance(answer, Failed) else Failed("the tape has no answer", "failed")
        raise CapabilityError(failed.message, code=failed.code)

    # ------------------------------------------------------------ what does not

    def cache_store(self, key: str, value: bytes, ttl: float | None) -> None:
        self._stock.store(key, value)
        self._say(CacheStore(key, value, None if ttl is None else float(ttl)))

    def cache_fail(self, key: str) -> None:
        self._say(CacheFail(key))

    def cache_delete(self, key: str) -> None:
        self._stock.delete(key)
        self._say(CacheDelete(key))

    def log(self, level: str, text: str, at: float = 0.0) -> None:
        self._inner.log(level, text, at)

    def log_left_out(self, size: int) -> None:
        self._inner.log_left_out(size)

    async def turn(self, answered: trio.Event) -> None:
        """Wait until the tape says that the world is told; where it asks for less than on the tape, that is at once."""
        while not self._off and (self._owed or not self._next_is(Passed)):
            if not self._owed and self._at < len(self._effects):
                self._diverge(self._at, None)  # the world waits, and was to ask for something
                break
            self._moved = trio.Event()
            await self._moved.wait()
        await answered.wait()
        await trio.lowlevel.checkpoint()

    def elapsed(self, seconds: float) -> float:
        effect = self._effects[self._at] if self._at < len(self._effects) else None
        if not self._off and isinstance(effect, Passed):
            self._clock = effect.seconds
            self._play(effect, on_tape=True)
            self._go_on()
            return effect.seconds
        del seconds  # what a replay takes has nothing to do with it
        self._diverge(self._at, Passed(self._clock))
        self._clock = max(self._clock, next(self._times, self._clock))
        passed = Passed(self._clock)
        self._play(passed, on_tape=False)
        return passed.seconds

    def moment(self) -> float:
        return self._moment

    def drawn(self, what: str, question: bytes, draw: Callable[[], bytes]) -> bytes:
        at = self._drawn_at
        expected = self._draws[at] if at < len(self._draws) else None
        digest = question_of(question)
        if expected is not None and expected.what == what and expected.question in {b"", digest}:
            self._drawn_at += 1
            return expected.answer
        answer = draw()
        if self.divergence is None:
            self.divergence = Divergence(at=at, expected=expected, came=Drawn(what, digest, answer))
        return answer

    # ------------------------------------------------------------ in step with the tape

    def _ask(self, asked: Asked) -> int:
        """Hold against the tape what the world asks; the number that its answer goes by."""
        expected = self._effects[self._at] if self._at < len(self._effects) else None
        if not self._off and isinstance(expected, Fetch | Sleep | CacheLoad | Capability):
            numbered = msgspec.structs.replace(asked, number=expected.number)
            if self._same(expected, numbered):
                self._stock.take(expected.number)
                self._waiting[expected.number] = trio.Event()
                self._play(numbered, on_tape=True)
                self._go_on()
                return expected.number
        self._diverge(self._at, asked)
        self._fresh -= 1
        self._play(msgspec.structs.replace(asked, number=self._fresh), on_tape=False)
        self._answers[self._fresh] = Answered(self._fresh, self._stock.answer(asked), self._clock)
        return self._fresh

    def _say(self, said: Said) -> None:
        expected = self._effects[self._at] if self._at < len(self._effects) else None
        if not self._off and expected is not None and self._same(expected, said):
            self._play(said, on_tape=True)
            self._go_on()
        else:
            self._diverge(self._at, said)
            self._play(said, on_tape=False)

    def _go_on(self) -> None:
        """The effect at the place was played: what follows of answers is due."""
        self._at += 1
        while self._next_is(Answered):
            effect = self._effects[self._at]
            assert isinstance(effect, Answered)  # noqa: S101 -- it was looked at
            if effect.number in self._waiting:
                self._owed.append(effect)
            self._at += 1
        self._release()

    def _release(self) -> None:
        """Give out the first answer that is due; the next follows when that has arrived."""
        if self._owed:
            due = self._owed[0]
            self._answers[due.number] = due
            self._waiting[due.number].set()
        else:
            self._moved.set()

    async def _answer(self, number: int) -> Answer:
        if number < 0:
            await trio.lowlevel.checkpoint()
            return self._given(number, on_tape=False)
        try:
            await self._waiting[number].wait()
        finally:
            del self._waiting[number]
            if self._owed and self._owed[0].number == number:
                self._owed.popleft()
                self._release()
            else:
                self._owed = deque(owed for owed in self._owed if owed.number != number)
        return self._given(number, on_tape=True)

    def _given(self, number: int, *, on_tape: bool) -> Answer:
        answered = self._answers.pop(number)
        self._moment = max(self._moment, answered.at)
        self._play(answered, on_tape=on_tape)
        return answered.answer

    def _next_is(self, kind: type[Effect]) -> bool:
        return self._at < len(self._effects) and isinstance(self._effects[self._at], kind)

    def _diverge(self, at: int, came: Effect | None, expected: Effect | Drawn | None = None) -> None:
        """Leave the tape; who waits for an answer gets that of the tape, or none."""
        if self._off:
            return
        self._off = True
        self._times = iter([each.seconds for each in self._effects[at:] if isinstance(each, Passed)])
        if expected is None and at < len(self._effects):
            expected = self._effects[at]
        if self.divergence is None:
            self.divergence = Divergence(at=at, expected=expected, came=came)
        due = {owed.number: owed for owed in self._owed}
        self._owed.clear()
        for number, event in self._waiting.items():
            stocked = Answered(number, self._stock.answer_of(number), self._clock)
            self._answers.setdefault(number, due.get(number, stocked))
            event.set()
        self._moved.set()

    def _play(self, effect: Effect, *, on_tape: bool) -> None:
        self.played.append((effect, on_tape))

    def _same(self, expected: Effect, came: Effect) -> bool:
        """Whether two effects are one, whatever stands in them for secrets."""
        if self._concealer is None:
            return _encode(expected) == _encode(came)
        hide = self._concealer.effect
        return _encode(hide(expected)) == _encode(hide(came))


def _raise_failed(answer: Answer) -> None:
    if isinstance(answer, Failed):
        raise FetchError(answer.message, code=answer.code, type=answer.kind)
    if not isinstance(answer, Found | Done):
        raise FetchError("the tape has another answer", type="system")
