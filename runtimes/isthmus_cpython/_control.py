"""The connection to a zygote: records of one size, some with descriptors; the zygote's half is ``inside.zygote``."""

from __future__ import annotations

import array
import os
import socket
import struct
from collections.abc import Iterable
from typing import Final, NamedTuple, final

import trio

__all__ = ["ADOPT", "EXITED", "FAILED", "FORK", "KILL", "READY", "STARTED", "Control", "Told"]

FORK, ADOPT, KILL = b"F", b"A", b"K"
READY, STARTED, EXITED, FAILED = b"R", b"S", b"X", b"E"
MOST_REPORT: Final = 1 << 20
_RECORD: Final = struct.Struct("<cQqddq")
_CLOSE_ON_EXEC: Final[int] = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


class Told(NamedTuple):
    """One record of a zygote.

    Attributes:
        kind: READY, STARTED, EXITED or FAILED.
        number: of the child that it is about.
        figure: its status, or an error's number.
        cpu: seconds that it has used.
        peak: bytes resident at the most.
        files: descriptors that came along; this process's to close.
    """

    kind: bytes
    number: int
    figure: int
    cpu: float
    peak: int
    files: list[int]


@final
class Control:
    """This end of the connection.

    Args:
        sock: connected, a stream.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = trio.socket.from_stdlib_socket(sock)
        self._sending = trio.Lock()

    async def report(self) -> bytes:
        """What a zygote says first; nothing where it has ended before."""
        head = await self._exactly(4)
        size = int.from_bytes(head, "little")
        return await self._exactly(size) if len(head) == 4 and size <= MOST_REPORT else b""

    async def tell(self, kind: bytes, number: int, files: Iterable[int] = ()) -> None:
        """Send a record.

        Raises:
            OSError: the zygote has ended.
            trio.ClosedResourceError: this end is closed.
        """
        record = _RECORD.pack(kind, number, 0, 0.0, 0.0, 0)
        sent = array.array("i", files)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, sent)] if sent else []
        # Half a record would garble all that follow: one that is begun is sent.
        async with self._sending:
            with trio.CancelScope(shield=True):
                done = await self._socket.sendmsg([record], rights)
                while done < len(record):
                    done += await self._socket.send(record[done:])

    async def hear(self) -> Told | None:
        """The next record, None where the zygote has ended or this end is closed."""
        record, files = b"", list[int]()
        while len(record) < _RECORD.size:
            try:
                part, ancillary, _, _ = await self._socket.recvmsg(
                    _RECORD.size - len(record), socket.CMSG_SPACE(2 * 4), _CLOSE_ON_EXEC
                )
            except (OSError, trio.ClosedResourceError):
                part, ancillary = b"", []
            files += _descriptors(ancillary)
            if not part:
                for file in files:
                    os.close(file)
                return None
            record += part
        kind, number, figure, user, system, peak = _RECORD.unpack(record)
        return Told(kind, number, figure, user + system, peak, files)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    async def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = await self._socket.recv(size - len(data))
            if not part:
                return b""
            data += part
        return data


def _descriptors(ancillary: Iterable[tuple[int, int, bytes]]) -> list[int]:
    found = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return list(found)
