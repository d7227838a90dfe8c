"""The pieces that WebAssembly binaries are made of, read and written: numbers, names, sections.

Source for the layouts: WebAssembly core specification, 5 Binary Format.
"""

from __future__ import annotations

from typing import final

__all__ = ["Malformed", "Reader", "read_uleb", "section", "sleb", "string", "uleb"]


class Malformed(ValueError):
    """The binary is not one that is understood here."""


@final
class Reader:
    """A section's body, read from its beginning."""

    __slots__ = ("_at", "_body")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def byte(self) -> int:
        value = self.peek()
        self._at += 1
        return value

    def peek(self) -> int:
        if self._at >= len(self._body):
            raise Malformed("a section ends too early")
        return self._body[self._at]

    def uleb(self) -> int:
        value, self._at = read_uleb(self._body, self._at)
        return value

    def sleb(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value - (1 << shift) if byte & 0x40 else value
            if shift > 70:
                raise Malformed("a number is longer than 64 bits")

    def take(self, count: int) -> bytes:
        if self._at + count > len(self._body):
            raise Malformed("a section ends too early")
        start, self._at = self._at, self._at + count
        return self._body[start : self._at]

    def name(self) -> str:
        try:
            return self.take(self.uleb()).decode()
        except UnicodeDecodeError as error:
            raise Malformed("a name is not UTF-8") from error

    def rest(self) -> bytes:
        return self.take(len(self._body) - self._at)


def read_uleb(data: bytes, at: int) -> tuple[int, int]:
    """(value, position after it)."""
    value = shift = 0
    while shift < 35:
        if at >= len(data):
            raise Malformed("a number runs past the end")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at
    raise Malformed("a number is longer than 32 bits")


def uleb(value: int) -> bytes:
    """Unsigned LEB128."""
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def sleb(value: int) -> bytes:
    """Signed LEB128, as ``i32.const`` takes its operand."""
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        if (value == 0 and not byte & 0x40) or (value == -1 and byte & 0x40):
            out.append(byte)
            return bytes(out)
        out.append(byte | 0x80)


def string(text: str) -> bytes:
    """A name with its length."""
    encoded = text.encode()
    return uleb(len(encoded)) + encoded


def section(number: int, body: bytes) -> bytes:
    """A section with its head."""
    return bytes([number]) + uleb(len(body)) + body
