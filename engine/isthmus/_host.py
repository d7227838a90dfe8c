"""The one door: every effect of every runtime goes through it, within the call's limits."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, final

import msgspec
import trio

from ._cache import Cache, Flight
from ._linetrace import current_trace
from ._redact import Redactor
from .abc import CacheEntry, Egress, Fetcher, FetchRequest, FetchResponse, Hop, Host
from .capabilities import Caller, Capability
from .errors import CapabilityError, FetchError, IsthmusError, RuntimeFault
from .limits import Limits
from .outcomes import Exchange, LogLine

if TYPE_CHECKING:
    from ._sharing import Shelf

__all__ = ["Door", "InvocationHost"]

logger = logging.getLogger("isthmus")

LEVELS = frozenset({"debug", "log", "info", "warn", "error", "notice"})

MAX_NOTICES = 16
"""Lines of level ``notice`` kept per call; a runtime's own, not counted as output."""

NONE_GRANTED: Final[Mapping[str, Capability]] = MappingProxyType({})
NOBODY: Final = Caller(function="", instance="")

NOTICE_LENGTH = 1000
"""Characters kept of one."""

LONGEST_ERROR = 16 * 1024
"""Characters kept of an error's name, its message and its stack."""


@final
class Door:
    """What all invocations of one instance have in common."""

    __slots__ = ("cache", "caller", "capabilities", "egress", "fetcher", "limits", "redactor", "shelf")

    def __init__(
        self,
        limits: Limits,
        *,
        fetcher: Fetcher | None,
        egress: Egress,
        redactor: Redactor | None,
        capabilities: Mapping[str, Capability] = NONE_GRANTED,
        caller: Caller = NOBODY,
        shelf: Shelf | None = None,
    ) -> None:
        self.limits = limits
        self.fetcher = fetcher
        self.egress = egress
        self.redactor = redactor
        self.capabilities = capabilities
        self.caller = caller
        self.shelf = shelf
        self.cache = Cache()

    def show(self, text: str, *, cut_off: bool = False) -> str:
        """The text as it may be seen; one that was cut off, without a value that it ends within."""
        return text if self.redactor is None else self.redactor(text, cut_off=cut_off)

    def excerpt(self, text: str) -> str:
        """What is told of an error: its beginning, where it is very long.

        Redacted before it is cut: half a secret is one that no redactor knows.  The runtime may have
        cut it as well, a good deal later than here.
        """
        is_long = len(text) > LONGEST_ERROR
        shown = self.show(text, cut_off=is_long)
        return f"{shown[:LONGEST_ERROR]}…" if is_long else shown

    def head(self, body: bytes) -> str:
        """The beginning of a body as it may be seen."""
        cap = self.limits.trace_bytes
        return (
            body[:cap].decode("utf-8", "replace") if self.redactor is None else self.redactor.head(body, cap)
        )


@final
class InvocationHost(Host):
    """The host of one invocation.

    Most calls ask for nothing, so that making one must cost next to nothing: what holds state is
    None until it is needed.  Methods that wait raise only :class:`FetchError` (a limit was reached),
    which the function sees as its own.

    Attributes:
        fetches: requests begun.
        uses: of capabilities, begun.
        log_bytes: UTF-8 bytes of console output, before any cut.
    """

    # Of the class until one of its calls sets its own.
    fetches = 0
    uses = 0
    log_bytes = 0
    _operations = 0
    _ended = False
    _exchanges: list[Exchange] | None = None
    _flights: dict[str, Flight] | None = None
    _console: _Console | None = None

    def __init__(self, door: Door) -> None:
        self._door = door

    @property
    def traced(self) -> bool:
        return current_trace.get() is not None

    def ran(self, lines: Iterable[int], among: Iterable[int]) -> None:
        if (trace := current_trace.get()) is not None:
            trace.add(lines, among)

    # ------------------------------------------------------------ what a world may ask

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        door = self._door
        limits = door.limits
        if door.fetcher is None:
            raise _failed(request, "no plugin of this engine carries requests out", type="system")
        if self.fetches >= limits.fetches:
            raise _failed(request, f"one call may start {limits.fetches} requests (Limits.fetches)")
        size = len(request.body or b"")
        if size > limits.fetch_request_bytes:
            most = f"{limits.fetch_request_bytes} (Limits.fetch_request_bytes)"
            raise _failed(request, f"its body has {size} bytes, more than {most}")
        self._begin(request)
        self.fetches += 1
        try:
            return await door.fetcher.fetch(
                request, door.egress, max_response_bytes=limits.fetch_response_bytes, on_hop=self.note_hop
            )
        except FetchError:
            raise
        except Exception as exc:
            # A fault of the fetcher's is not the runtime's, whose program would be discarded for it.
            logger.error("the fetcher failed: %s", describe(exc, door))
            raise _failed(request, f"the fetcher failed ({type(exc).__name__})", type="system") from exc
        finally:
            self._operations -= 1

    async def sleep(self, seconds: float) -> None:
        self._begin()
        try:
            await trio.sleep(max(0.0, seconds))  # NaN too is no time at all
        finally:
            self._operations -= 1

    async def cache_load(self, key: str) -> CacheEntry:
        self._begin()
        try:
            found = await self._door.cache.load(key)
            if self._door.shelf is not None and not isinstance(found, bytes):
                found = await _from_shelf(self._door.shelf, key, found)
        finally:
            self._operations -= 1
        if isinstance(found, bytes):
            return CacheEntry(found)
        if self._ended:
            found.fail()
            raise FetchError("the call has ended", type="limit")
        if self._flights is None:
            self._flights = {}
        # The same key again, after a delete that detached the first load: that one's waiters
        # must not hang on it for good.
        if (earlier := self._flights.pop(key, None)) is not None:
            earlier.fail()
        self._flights[key] = found
        return CacheEntry(None)

    async def capability(self, name: str, argument: bytes) -> bytes:
        door = self._door
        most, limits = door.limits.capability_bytes, door.limits
        offered = door.capabilities.get(name)
        if offered is None:
            raise CapabilityError(
                f"the function has not been granted the capability {name[:100]!r}", code="not_granted"
            )
        if self.uses >= limits.capabilities:
            raise _limit(f"one call may use capabilities {limits.capabilities} times (Limits.capabilities)")
        if self._operations >= limits.operations:
            raise _limit(
                f"{limits.operations} operations of one call may wait at the same time (Limits.operations)"
            )
        if len(argument) > most:
            raise _limit(f"the argument of {name!r} has more than {most} bytes (Limits.capability_bytes)")
        self.uses += 1
        self._operations += 1
        try:
            answer = await offered.use(argument, door.caller)
        except CapabilityError:
            raise
        except Exception as exc:  # noqa: BLE001 -- the embedder's, and logged
            # What an embedder's code says of its insides is for its log; the function only learns that it failed.
            logger.error("the capability %r failed: %s", name, describe(exc, door))
            raise CapabilityError(f"the capability {name!r} failed", code="failed") from None
        finally:
            self._operations -= 1
        if len(answer) > most:
            raise _limit(f"what {name!r} gave has more than {most} bytes (Limits.capability_bytes)")
        return answer

    def cache_store(self, key: str, value: bytes, ttl: float | None) -> None:
        flight = self._flights.pop(key, None) if self._flights else None
        shelf = self._door.shelf
        if shelf is not None:
            shelf.store(key, value, ttl)
            ttl = 0.0  # in memory only those have it who wait for it
        if flight is None:
            self._door.cache.put(key, value, ttl)
        else:
            flight.store(value, ttl)

    def cache_fail(self, key: str) -> None:
        flight = self._flights.pop(key, None) if self._flights else None
        if flight is not None:
            flight.fail()

    def cache_delete(self, key: str) -> None:
        self._door.cache.delete(key)
        if self._door.shelf is not None:
            self._door.shelf.delete(key)

    def log(self, level: str, text: str, at: float = 0.0) -> None:
        if level not in LEVELS:
            raise RuntimeFault(
                f"a console line has a level of {', '.join(sorted(LEVELS))}, not {level[:20]!r}"
            )
        if self._console is None:
            self._console = _Console(self._door.limits.log_bytes)
        self.log_bytes += self._console.add(level, text, at, self._door)

    def log_left_out(self, size: int) -> None:
        self.log_bytes += max(0, size)

    # ------------------------------------------------------------ what the engine asks

    def logs(self) -> tuple[LogLine, ...]:
        """Console output, a cut said in its last line."""
        return () if self._console is None else self._console.lines(self.log_bytes)

    def exchanges(self, started: float) -> tuple[Exchange, ...]:
        """The requests made, their times counted from ``started`` (a ``trio.current_time()``)."""
        if self._exchanges is None:
            return ()
        return tuple(
            msgspec.structs.replace(exchange, started=max(0.0, exchange.started - started))
            for exchange in self._exchanges
        )

    def note_hop(self, hop: Hop) -> None:
        """Keep what is shown of a request on the wire."""
        door = self._door
        show = door.show
        if self._exchanges is None:
            self._exchanges = []
        self._exchanges.append(
            Exchange(
                method=hop.method,
                url=show(hop.url),
                request_headers=tuple((name, show(value)) for name, value in hop.request_headers),
                request_body=door.head(hop.request_body),
                request_bytes=len(hop.request_body),
                status=hop.status,
                response_headers=tuple((name, show(value)) for name, value in hop.response_headers),
                response_body=door.head(hop.response_body),
                response_bytes=len(hop.response_body),
                address=hop.address,
                http_version=hop.http_version,
                started=hop.started,
                duration=hop.duration,
                error=show(hop.error),
            )
        )

    def close(self) -> None:
        """The call has ended: whoever waits for what it was loading loads it instead."""
        self._ended = True
        if self._flights:
            flights, self._flights = self._flights, None
            for flight in flights.values():
                flight.fail()

    # ------------------------------------------------------------ private

    def _begin(self, request: FetchRequest | None = None) -> None:
        most = self._door.limits.operations
        if self._operations >= most:
            text = f"{most} operations of one call may wait at the same time (Limits.operations)"
            raise FetchError(text, type="limit") if request is None else _failed(request, text)
        self._operations += 1


async def _from_shelf(shelf: Shelf, key: str, flight: Flight) -> bytes | Flight:
    """A value for all who wait for a key, or the duty to load it."""
    try:
        value = await shelf.load(key)
    except BaseException:  # cancelled
        flight.fail()
        raise
    if value is None:
        return flight
    flight.store(value, 0.0)
    return value


@final
class _Console:
    """Lines of console output up to a number of bytes."""

    __slots__ = ("_cut", "_limit", "_lines", "_notices", "_room")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._room = limit
        self._cut = False
        self._lines: list[LogLine] = []
        self._notices = 0

    def add(self, level: str, text: str, at: float, door: Door) -> int:
        """Keep a line or its beginning; its size in bytes."""
        if level == "notice":
            if self._notices < MAX_NOTICES:
                self._notices += 1
                self._lines.append(LogLine(level, door.show(text)[:NOTICE_LENGTH], at))
            return 0
        size = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
        if self._cut:
            return size
        if size > self._room or not self._room:
            self._cut = True
        if self._room:
            # Redacted before it is cut: half a secret is one that no redactor knows.  The runtime may
            # have cut it as well, a little later than here.
            shown = door.show(text, cut_off=self._cut).encode("utf-8", "replace")[: self._room]
            self._lines.append(LogLine(level, shown.decode("utf-8", "ignore"), at))
            self._room -= min(self._room, max(1, size))  # an empty line takes room as well
        return size

    def lines(self, total: int) -> tuple[LogLine, ...]:
        if self._cut:
            at = self._lines[-1].at if self._lines else 0.0
            text = f"console output cut: {self._limit} of {total} bytes are kept (Limits.log_bytes)"
            return (*self._lines, LogLine("notice", text, at))
        return tuple(self._lines)


def _failed(request: FetchRequest, reason: str, *, type: str = "limit") -> FetchError:  # noqa: A002 -- node-fetch's name
    return FetchError(f"request to {request.url} failed, reason: {reason}", type=type)


def _limit(reason: str) -> CapabilityError:
    return CapabilityError(reason, code="limit")


def describe(exc: BaseException, door: Door | None) -> str:
    """An exception for the log: its class and where it came from.

    Its message only where its class is ours: a foreign one may quote the event or a setting.
    """
    if isinstance(exc, BaseExceptionGroup):
        return "; ".join(describe(part, door) for part in exc.exceptions)
    frame = exc.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f" at {frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame is not None else ""
    said = ""
    if isinstance(exc, IsthmusError):
        said = f": {exc if door is None else door.show(str(exc))}"
    cause = exc.__cause__
    return f"{type(exc).__name__}{said}{place}" + (f", caused by {describe(cause, door)}" if cause else "")
