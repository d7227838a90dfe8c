"""What crosses between host and guest: call records in, frames and console output out.

The layouts are those of ``guest/guest.c`` and ``guest/log.c``.  A guest is hostile: every length is
checked against the bytes that came, and a frame that does not add up is a :class:`RuntimeFault`.
"""

from __future__ import annotations

import re
import struct
from typing import Final

import msgspec

from isthmus.abc import Call
from isthmus.errors import RuntimeFault

__all__ = [
    "HANDLERS",
    "RETURNED",
    "STALLED",
    "THROWN",
    "WAITING",
    "Answer",
    "Frame",
    "Operation",
    "Report",
    "ThrownValue",
    "asks_more_than",
    "heap_top",
    "pack_record",
    "parse_frame",
    "parse_logs",
    "parse_report",
    "parse_thrown",
]

HANDLERS: Final = (
    "onIdentify",
    "onTrack",
    "onPage",
    "onScreen",
    "onGroup",
    "onAlias",
    "onDelete",
    "onBatch",
    "onRequest",
)
RETURNED, THROWN, WAITING, STALLED = range(4)
LEVELS: Final = ("debug", "log", "info", "warn", "error", "notice")

_INDEX: Final = {name: index for index, name in enumerate(HANDLERS)}
_RECORD: Final = struct.Struct("<IIIIq32s")
_HEAD: Final = struct.Struct("<8I")
_LOG: Final = struct.Struct("<IIq")


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One crossing's worth of what a world says.

    Attributes:
        status: RETURNED, THROWN, WAITING or STALLED.
        settled: the handler has ended, though fetches it did not await may be under way.
        failed: it has ended by throwing.
        value: JSON text of what it returned, or of what it threw.
        note: JSON text of the error that kept the value from being encoded.
        report: JSON text of operations and messages.
        heap_top: first address of the world that was never written.
        log_total: bytes of console output, without the cap.
    """

    status: int
    settled: bool
    failed: bool
    value: bytes
    note: bytes
    report: bytes
    heap_top: int
    log_total: int


class Operation(msgspec.Struct, frozen=True):
    """What a world asks of its host."""

    op: str
    id: int = 0
    url: str = ""
    method: str = "GET"
    headers: list[tuple[str, str]] = []
    body: str | None = None
    base64: bool = False
    redirect: str = "follow"
    ms: float = 0.0
    key: str = ""
    value: str = "null"
    ttl: float | None = None


class Report(msgspec.Struct, frozen=True):
    """Operations begun and messages sent since the last frame."""

    ops: list[Operation] = []
    messages: msgspec.Raw = msgspec.Raw(b"")


class ThrownValue(msgspec.Struct, frozen=True):
    """What was thrown, described by the guest."""

    name: str = "Error"
    message: str = ""
    stack: str = ""
    line: int | None = None
    column: int | None = None
    retry_after: float | str | None = msgspec.field(default=None, name="retryAfter")


class Answer(msgspec.Struct, omit_defaults=True):
    """The host's answer to one operation."""

    id: int
    value: object = None
    error: dict[str, str] | None = None


def pack_record(call: Call, now_us: int | None = None) -> bytes:
    """A call as ``invoke`` takes it; ``now_us`` is its time in microseconds, where that is known already."""
    settings, argument = call.settings, call.argument
    if now_us is None:
        now_us = int(call.now * 1e6)
    head = _RECORD.pack(_INDEX[call.handler], len(settings), len(argument), 0, now_us, call.seed)
    return b"".join((head, settings, b"\0", argument, b"\0"))


def parse_frame(data: bytes) -> Frame:
    """A frame out of the bytes between its first and its last."""
    if len(data) < 32:
        raise RuntimeFault(f"a frame of {len(data)} bytes has no header")
    status, settled, failed, value, note, report, heap_top, log_total = _HEAD.unpack_from(data)
    after_value = 32 + value
    after_note = after_value + note
    if after_note + report != len(data) or status > STALLED:
        raise RuntimeFault("a frame's lengths do not add up")
    return Frame(
        status,
        bool(settled),
        bool(failed),
        data[32:after_value],
        data[after_value:after_note],
        data[after_note:],
        heap_top,
        log_total,
    )


def heap_top(frame: bytes) -> int:
    """First address of the world that was never written, out of an unparsed frame; 0 where there is none."""
    return int.from_bytes(frame[24:28], "little")


def parse_logs(data: bytes, start_us: int) -> list[tuple[str, str, float]]:
    """(level, text, seconds since the start of the call) of each line."""
    lines, at = [], 0
    while at < len(data):
        if len(data) - at < 16:
            raise RuntimeFault("a log record has no header")
        level, length, now_us = _LOG.unpack_from(data, at)
        at += 16
        if level >= len(LEVELS) or length > len(data) - at:
            raise RuntimeFault("a log record's length does not add up")
        text = _text_of(data[at : at + length])
        lines.append((LEVELS[level], text, max(0.0, (now_us - start_us) / 1e6)))
        at += length
    return lines


def _text_of(data: bytes) -> str:
    """Text as QuickJS writes it, where half a pair of surrogates is three bytes; it becomes U+FFFD, once."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _HALF.sub(b"\xef\xbf\xbd", data).decode("utf-8", "replace")


class _Counted(msgspec.Struct, frozen=True):
    ops: msgspec.Raw = msgspec.Raw(b"")


_HALF = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_counted_decoder = msgspec.json.Decoder(_Counted)
_report_decoder = msgspec.json.Decoder(Report)
_thrown_decoder = msgspec.json.Decoder(ThrownValue)


def asks_more_than(most: int, report: bytes) -> bool:
    """Whether a report holds more operations, found without making them."""
    mark = b'"op":'  # within a text its quotes would be escaped
    if report.count(mark) <= most:
        return False
    try:
        return bytes(_counted_decoder.decode(report).ops).count(mark) > most
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False  # no report at all, as parse_report will say


def parse_report(data: bytes) -> Report:
    """Operations and messages out of a frame's report."""
    if not data:
        return Report()
    try:
        return _report_decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RuntimeFault(f"a report is not one: {error}") from error


def parse_thrown(data: bytes) -> ThrownValue:
    """What was thrown; text that is no description (a world out of memory) gives a plain one."""
    try:
        return _thrown_decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ThrownValue(message="the function threw, and what it threw could not be described")
