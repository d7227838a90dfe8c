"""Segment's tracking API: events of its libraries, one or many at a time.

An event is answered with success only once the queue has it.  Of a batch those events that are not to be taken are left
out and named in the answer; where none is left, and where a call holds one only, the answer is 400.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Callable
from typing import Final, final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from .answers import ACCEPTED, Refusal, check_available, json_answer
from .bodies import inflated, read_body
from .envelopes import Envelope, Flaw, read_batch, read_single
from .limits import ADDED_BYTES, IngressLimits
from .messages import Arrival, as_event
from .rates import Turnstile
from .sources import Enter, Entrance, Sources

__all__ = ["CALL_PATHS", "Tracking"]

CALL_PATHS: Final = {
    "identify": ("identify", "i"),
    "track": ("track", "t"),
    "page": ("page", "p"),
    "screen": ("screen", "s"),
    "group": ("group", "g"),
    "alias": ("alias", "a"),
    "batch": ("batch", "b", "import"),
}
"""What follows ``/v1/``, by what it takes; the short ones are those of the library for browsers."""

SHOWN_FLAWS: Final = 100
GROWTH: Final = 8
"""By which the events of a batch may outgrow it, by what it says for all of them."""


@final
class _Shown(msgspec.Struct, frozen=True):
    index: int
    code: str
    message: str


@final
class Tracking:
    """Takes calls.

    Args:
        enter: gives who may send, and where it goes.
        limits: bounds.
        turnstile: rates.
        clock: seconds since the epoch.
        taken: told of a source, how many events of it were taken, and the codes of those that were not.
    """

    def __init__(
        self,
        enter: Enter,
        limits: IngressLimits,
        turnstile: Turnstile,
        *,
        clock: Callable[[], float],
        taken: Callable[[str, int, list[str]], None],
    ) -> None:
        self._enter = enter
        self._limits = limits
        self._turnstile = turnstile
        self._clock = clock
        self._taken = taken

    async def single(self, request: Request, call: str) -> Response:
        """One event, whose kind the path says."""
        text = await self._text(request, self._limits.event_bytes)
        return await self._take(request, read_single(text), call)

    async def batch(self, request: Request) -> Response:
        """Several events."""
        envelope = read_batch(await self._text(request, self._limits.batch_bytes))
        if len(envelope.events) > self._limits.batch_events:
            raise Flaw("batch_too_long", f"a batch has at most {self._limits.batch_events} events")
        return await self._take(request, envelope, None)

    async def _text(self, request: Request, most: int) -> bytes:
        try:
            body = await read_body(request, most=most, patience=self._limits.patience)
            return inflated(body, request.headers.get("content-encoding", ""), most=most)
        except Refusal as exc:
            if exc.status != 413:
                raise
            raise Refusal(400, exc.code, exc.message) from None  # as Segment answers it

    async def _take(self, request: Request, envelope: Envelope, call: str | None) -> Response:
        with self._enter() as serving:
            entrance = _entrance(
                serving.sources, request.headers.get("authorization", ""), envelope.write_key
            )
            self._turnstile.take(entrance, len(envelope.events))
            events, flaws = self._events(request, envelope, call, entrance)
            if events:
                await serving.pipeline.accept(entrance.source, events)
        self._taken(entrance.source, len(events), [flaw.code for flaw in flaws])
        if not flaws:
            return json_answer(ACCEPTED)
        if call is not None:
            raise Refusal(400, flaws[0].code, flaws[0].message)
        said = {"success": bool(events), "rejected": len(flaws), "errors": flaws[:SHOWN_FLAWS]}
        return json_answer(said, 200 if events else 400)

    def _events(
        self, request: Request, envelope: Envelope, call: str | None, entrance: Entrance
    ) -> tuple[list[bytes], list[_Shown]]:
        address = request.client.host if request.client else ""
        arrival = Arrival(at=self._clock(), address=address, source=entrance.source)
        most = self._limits.event_bytes
        left = GROWTH * self._limits.batch_bytes
        events: list[bytes] = []
        flaws: list[_Shown] = []
        for index, text in enumerate(envelope.events):
            try:
                event = as_event(bytes(text), envelope, arrival, call=call, most=most, message_id=_random_id)
                left -= len(event)
                if len(event) > most + ADDED_BYTES or left < 0:
                    raise Flaw("message_too_large", "with what its batch says for all, an event is too large")
            except Flaw as flaw:
                flaws.append(_Shown(index, flaw.code, flaw.message))
            else:
                events.append(event)
        return events, flaws


def _random_id() -> str:
    return str(uuid.uuid4())


def _entrance(sources: Sources, authorization: str, in_body: str) -> Entrance:
    """Whose events they are: by basic authentication, whose name is the key, or by the body."""
    entrance = None
    for key in (_basic_name(authorization), in_body):
        if key and entrance is None:
            entrance = sources.by_write_key(key)
    if entrance is None:
        raise Refusal(401, "invalid_write_key", "there is no source of this write key")
    check_available(entrance, webhook=False)
    return entrance


def _basic_name(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""
