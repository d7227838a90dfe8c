"""What fuzzed bytes stand for: every input means something, and a small change of it a small change.

Inputs of text are read line by line, so that a corpus file can be read and written by hand and a
mutation spoils no more than its own line.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from isthmus.functions import Function, Kind, SettingDefinition, SettingType
from isthmus_quickjs._frames import RETURNED, STALLED, THROWN, WAITING
from isthmus_quickjs._image import PAGE

__all__ = [
    "HttpRequest",
    "crossings",
    "function_with_settings",
    "http_request",
    "json_or_text",
    "sparse_memory",
    "text",
]

_HEAD = struct.Struct("<8I")
_RUN = struct.Struct("<HB")
_GRAIN = 512
_MOST_PAGES = 64


def text(data: bytes) -> str:
    """Text with everything Python's can hold, half surrogate pairs too."""
    return (
        data.decode("utf-8", "surrogatepass" if b"\xed" in data else "replace")
        if _decodes(data)
        else data.decode("latin-1")
    )


def _decodes(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def json_or_text(data: bytes) -> Any:
    """The value that JSON text stands for, else the text itself."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return text(data)


# ---------------------------------------------------------------- memories


def sparse_memory(data: bytes) -> bytes:
    """A memory with holes: {u16 hole in 512-byte grains, u8 length, bytes}, the last bytes being filled up."""
    memory, at = bytearray(), 0
    while at + _RUN.size <= len(data):
        hole, length = _RUN.unpack_from(data, at)
        at += _RUN.size
        run = data[at : at + length]
        at += length
        if len(memory) + hole * _GRAIN + len(run) > _MOST_PAGES * PAGE:
            break
        memory += bytes(hole * _GRAIN) + run
    return bytes(memory)


# ---------------------------------------------------------------- a hostile world


def crossings(data: bytes) -> Iterator[tuple[bytes, bytes] | None]:
    r"""What a world says at each crossing, one a line: (frame, log), or None where it traps.

    The first byte of a line says how the crossing ends, the rest is what the frame holds::

        R value     returned            r value     returned, requests still under way
        T thrown    threw               t thrown    threw, requests still under way
        W report    waits               S           waits for nothing
        M report    returned null with a report (messages)
        N note      returned what has no JSON form
        X bytes     the frame itself    !           a trap
        L log       console output of the crossing after it

    Within ``X`` and ``L`` the escapes of a Python bytes literal are read.
    """
    log = b""
    for line in data.split(b"\n"):
        kind, rest = line[:1], line[2:]
        if kind == b"L":
            log = unescaped(rest)
        elif kind == b"!":
            yield None
        elif kind == b"X":
            yield unescaped(rest), log
        elif kind == b"S":
            yield _frame(STALLED), log
        elif kind == b"W":
            yield _frame(WAITING, report=rest), log
        elif kind == b"M":
            yield _frame(RETURNED, settled=1, value=b"null", report=rest), log
        elif kind == b"N":
            yield _frame(RETURNED, settled=1, note=rest), log
        elif kind in {b"R", b"r"}:
            yield _frame(RETURNED if kind == b"R" else WAITING, settled=1, value=rest), log
        elif kind in {b"T", b"t"}:
            yield _frame(THROWN if kind == b"T" else WAITING, settled=1, failed=1, value=rest), log
        if kind != b"L":
            log = b""


def unescaped(data: bytes) -> bytes:
    """Bytes with the escapes of a Python literal; as they are where those make no sense."""
    try:
        return (
            data.decode("latin-1")
            .encode("ascii", "backslashreplace")
            .decode("unicode_escape")
            .encode("latin-1")
        )
    except (UnicodeError, DeprecationWarning):
        return data


def _frame(
    status: int,
    *,
    settled: int = 0,
    failed: int = 0,
    value: bytes = b"",
    note: bytes = b"",
    report: bytes = b"",
) -> bytes:
    head = _HEAD.pack(status, settled, failed, len(value), len(note), len(report), 5 << 20, 0)
    return head + value + note + report


# ---------------------------------------------------------------- settings

_TYPES = {letter: type_ for type_ in SettingType for letter in (type_.value[0].lower(),)}


def function_with_settings(data: bytes) -> tuple[Function, dict[str, Any]]:
    """A function and values for its settings, one of either a line.

    ``+name s*!`` defines a setting (its type's first letter, ``*`` required, ``!`` sensitive);
    ``name=value`` gives a value, JSON or else text.
    """
    definitions: dict[str, SettingDefinition] = {}
    values: dict[str, Any] = {}
    for line in data.split(b"\n"):
        if line.startswith(b"+"):
            name, _, flags = text(line[1:]).partition(" ")
            if name:
                definitions[name] = SettingDefinition(
                    name=name,
                    type=_TYPES.get(flags[:1], SettingType.STRING),
                    required="*" in flags,
                    sensitive="!" in flags,
                )
        elif b"=" in line:
            given, _, value = line.partition(b"=")
            values[text(given)] = json_or_text(value)
    function = Function(
        name="fuzzed", kind=Kind.DESTINATION, language="none", code="", settings=tuple(definitions.values())
    )
    return function, values


# ---------------------------------------------------------------- HTTP


class HttpRequest(NamedTuple):
    """A request as a client sends it."""

    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


_TOKEN = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_TARGET = re.compile(rb"/[\x21-\x7e]*")


def http_request(data: bytes) -> HttpRequest | None:
    """A request written as it is on the wire, with LF for CRLF; None for what no client could send.

    ``METHOD /target``, header lines, an empty line, the body.
    """
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    method, _, target = first.partition(b" ")
    if not (_TOKEN.fullmatch(method) and _TARGET.fullmatch(target)):
        return None
    headers = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not (colon and _TOKEN.fullmatch(name)) or any(byte < 32 or byte == 127 for byte in value):
            return None
        if name.lower() not in {b"content-length", b"transfer-encoding"}:
            headers.append((name, value.strip()))
    return HttpRequest(method.decode(), target.decode(), tuple(headers), body)
