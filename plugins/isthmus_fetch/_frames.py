"""HTTP/2 frames, looked at before h2 sees them.

A server that retires a connection says GOAWAY and goes on answering what it has taken
on (RFC 9113 section 6.8); nginx does so after every thousandth request.  h2 takes the
frame for the end and refuses whatever comes after it, which would fail requests that
the server is answering.  So the frame is taken out of the stream of bytes.

h2 also holds a frame of any announced length, up to 16 MiB, before it looks whether
that was allowed; here the announcement is enough.
"""

from __future__ import annotations

from typing import final

import msgspec

from ._faults import Fault

__all__ = ["FrameFilter", "GoAway"]

_HEADER = 9
_GOAWAY = 7
_MAX_FRAME = 16 * 1024  # RFC 9113 section 6.5.2: what a client takes that announces nothing else


@final
class GoAway(msgspec.Struct, frozen=True):
    """The server takes no stream beyond ``last_stream``; ``code`` says why."""

    last_stream: int
    code: int


@final
class FrameFilter:
    """Splits what comes in into what h2 is to see and the GOAWAY frames among it."""

    def __init__(self) -> None:
        self._held = b""
        self._passing = 0

    def feed(self, data: bytes) -> tuple[bytes, list[GoAway]]:
        """Take the next bytes, cut anywhere.

        Raises:
            Fault: a frame is longer than this side has allowed.
        """
        if not self._held and len(data) <= self._passing:
            self._passing -= len(data)
            return data, []
        data = self._held + data
        passed: list[bytes] = []
        farewells: list[GoAway] = []
        start = 0
        while start < len(data):
            if self._passing:
                end = min(start + self._passing, len(data))
                self._passing -= end - start
                passed.append(data[start:end])
                start = end
                continue
            if len(data) - start < _HEADER:
                break
            length, kind = int.from_bytes(data[start : start + 3], "big"), data[start + 3]
            if length > _MAX_FRAME:
                raise Fault("ERR_HTTP2_SESSION_ERROR", f"the server sends a frame of {length} bytes")
            if kind != _GOAWAY or length < 8:  # one too short is for h2 to judge
                self._passing = _HEADER + length
                continue
            end = start + _HEADER + length
            if end > len(data):
                break
            body = data[start + _HEADER : end]
            farewells.append(
                GoAway(int.from_bytes(body[:4], "big") & 0x7FFFFFFF, int.from_bytes(body[4:8], "big"))
            )
            start = end
        self._held = data[start:]
        return b"".join(passed), farewells
