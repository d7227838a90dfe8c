"""The host's side of a zygote: how it is started, told to fork, and heard of what became of its children."""

from __future__ import annotations

import array
import contextlib
import errno
import json
import logging
import os
import socket
import struct
import subprocess
import tempfile
from collections.abc import Iterable
from typing import IO, Final, final

import msgspec
import trio

from isthmus.errors import RuntimeFault

from ._cgroups import Group
from ._levels import Isolation
from ._process import Exit, Process
from ._spawning import Recipe, isolation_of, spawn
from ._wire import Connection

__all__ = ["Image", "Zygote"]

logger = logging.getLogger("isthmus.cpython")

RECORD: Final = struct.Struct("<cQqddq")
FORK, ADOPT, KILL = b"F", b"A", b"K"
READY, STARTED, EXITED, FAILED = b"R", b"S", b"X", b"E"
MOST_REPORT: Final = 1 << 20
STARTING: Final = 60.0
"""Seconds that a zygote may take to be ready, on a machine that has other things to do."""
ENDING: Final = 2.0
"""Seconds that a zygote may take to be gone once its host has hung up, before it is killed."""


@final
class Image(msgspec.Struct, frozen=True, kw_only=True):
    """What all children of a zygote find.

    Attributes:
        source: the author's text, for the lines of traces.
        code: the same compiled.
        file: the name it goes by.
        modules: of the standard library, imported ahead.
        asynchronous: handlers need an event loop.
        keep: a child takes one call after the other.
        lenient: see :class:`isthmus.Function`.
        log_bytes, output_bytes: see :class:`isthmus.Limits`.
    """

    source: str
    code: bytes
    file: str
    modules: tuple[str, ...] = ()
    asynchronous: bool = False
    keep: bool = False
    lenient: bool = False
    log_bytes: int
    output_bytes: int


@final
class Zygote:
    """A zygote that is ready; made by :meth:`start`, within Trio.

    Attributes:
        isolation: what its children are confined by.
        dead: it has ended, and every process of it.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], control: socket.socket, said: IO[bytes], group: Group | None
    ) -> None:
        self._process = process
        self._group = group
        self._control = trio.socket.from_stdlib_socket(control)
        self._said = said
        self._number = 0
        self._awaited: dict[int, _Awaited] = {}
        self._children: dict[int, Process] = {}
        self._adopted = trio.Event()
        self._sending = trio.Lock()
        self._reader: trio.CancelScope | None = None
        self._stopped = trio.Event()
        self.isolation = Isolation.of({}, scratch=False)
        self.dead = False

    @classmethod
    async def start(cls, recipe: Recipe, group: Group | None = None) -> Zygote:
        """Start one, and hear how far its confinement went.

        Args:
            recipe: how it is to be.
            group: the control group that it enters; removed when it is closed.

        Raises:
            RuntimeFault: it did not start.
        """
        here, there = socket.socketpair()
        with there:
            said = tempfile.TemporaryFile()  # noqa: SIM115 -- closed with the zygote
            zygote = cls(spawn(recipe, there, said), here, said, group)
        try:
            with trio.fail_after(STARTING):
                zygote.isolation = isolation_of(await zygote._report())
        except trio.TooSlowError:
            await zygote.aclose()
            raise RuntimeFault(f"a zygote was not ready within {STARTING:g} s") from None
        except BaseException:
            await zygote.aclose()
            raise
        # No task of the engine's owns a program, so its zygote is heard by one of the loop's own.
        trio.lowlevel.spawn_system_task(zygote._hear)
        return zygote

    async def adopt(self, image: Image) -> None:
        """Hand over what all children from here on are to find.

        Raises:
            RuntimeFault: the zygote has ended.
        """
        fields = msgspec.structs.asdict(image)
        header = {**fields, "code": len(image.code), "source": None}
        with tempfile.TemporaryFile() as file:
            for part in (json.dumps(header).encode(), b"\n", image.code, image.source.encode()):
                file.write(part)
            file.flush()
            await self._tell(ADOPT, 0, [file.fileno()])
        await self._adopted.wait()
        self._check()

    async def fork(self, caps: dict[int, int]) -> Process:
        """Fork a child; it is the caller's to end.

        Args:
            caps: for its connection.

        Raises:
            RuntimeFault: the zygote has ended, or there is no room for another process.
        """
        self._number += 1
        number = self._number
        awaited = self._awaited[number] = _Awaited(caps)
        try:
            await self._tell(FORK, number)
        except BaseException:
            self._awaited.pop(number, None)
            raise
        try:
            await awaited.there.wait()
        except BaseException:
            # It will be there all the same, and whoever hears of it ends it.
            awaited.abandoned = True
            if awaited.process is not None:
                awaited.process.let_go()
            raise
        if awaited.process is None:
            self._check()
            raise RuntimeFault(f"no process could be forked: {os.strerror(awaited.error)}")
        return awaited.process

    async def aclose(self) -> None:
        """Hang up; the zygote ends, and with it all its children.  Done whoever cancels, within a bound."""
        with trio.CancelScope(shield=True):
            self.dead = True
            self._control.close()
            if self._reader is not None:
                await self._stopped.wait()
            with trio.move_on_after(ENDING):
                await trio.to_thread.run_sync(self._process.wait, abandon_on_cancel=True)
            if self._process.poll() is None:
                self._process.kill()
                await trio.to_thread.run_sync(self._process.wait)
            self._said.close()
            if self._group is not None:
                self._group.close()

    # ------------------------------------------------------------ private

    async def _report(self) -> bytes:
        head = await self._exactly(4)
        size = int.from_bytes(head, "little")
        report = await self._exactly(size) if len(head) == 4 and size <= MOST_REPORT else b""
        if not report:
            self._said.seek(0)
            said = self._said.read(4000).decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise RuntimeFault(f"a zygote did not start: {said or 'it said nothing'}")
        return report

    async def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = await self._control.recv(size - len(data))
            if not part:
                return b""
            data += part
        return data

    def _check(self) -> None:
        if self.dead:
            raise RuntimeFault("the zygote of this function has ended")

    async def _tell(self, kind: bytes, number: int, files: list[int] | None = None) -> None:
        self._check()
        record = RECORD.pack(kind, number, 0, 0.0, 0.0, 0)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))] if files else []
        async with self._sending:
            try:
                # Half a record would garble all that follow: one that is begun is sent.
                with trio.CancelScope(shield=True):
                    sent = await self._control.sendmsg([record], rights)
                    while sent < len(record):
                        sent += await self._control.send(record[sent:])
            except (OSError, trio.ClosedResourceError):
                self._lost()
                self._check()

    async def _hear(self) -> None:
        with trio.CancelScope() as self._reader:
            try:
                while (heard := await self._record()) is not None:
                    self._note(*heard)
            except Exception:  # in a task of the loop's own, where an exception would end the whole program
                logger.exception("hearing a zygote failed")
        self._lost()
        self._stopped.set()

    async def _record(self) -> tuple[bytes, list[int]] | None:
        record, files = b"", []
        while len(record) < RECORD.size:
            try:
                part, ancillary, _, _ = await self._control.recvmsg(
                    RECORD.size - len(record), socket.CMSG_SPACE(2 * 4), _CLOSE_ON_EXEC
                )
            except (OSError, trio.ClosedResourceError):
                part, ancillary = b"", []
            files += _descriptors(ancillary)
            if not part:
                for file in files:
                    os.close(file)
                return None
            record += part
        return record, files

    def _note(self, record: bytes, files: list[int]) -> None:
        kind, number, figure, user, system, peak = RECORD.unpack(record)
        if kind == STARTED:
            self._started(number, files)
        elif kind == EXITED:
            if (child := self._children.pop(number, None)) is not None:
                child.gone(Exit(figure, user + system, peak))
        elif kind == FAILED:
            if (awaited := self._awaited.pop(number, None)) is not None:
                awaited.error = figure
                awaited.there.set()
        elif kind == READY:
            self._adopted.set()

    def _started(self, number: int, files: list[int]) -> None:
        awaited = self._awaited.pop(number)
        if not files:  # they could not be handed over: this process holds as many as it may
            awaited.error = errno.EMFILE
            awaited.there.set()
            self._kill(number)
            return
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=files[0])
        connection = Connection(sock, awaited.caps)
        pidfd = files[1] if len(files) > 1 else -1
        child = self._children[number] = Process(connection, pidfd, lambda: self._kill(number))
        awaited.process = child
        awaited.there.set()
        if awaited.abandoned:
            child.let_go()

    def _kill(self, number: int) -> None:
        trio.lowlevel.spawn_system_task(self._tell_to_kill, number)

    async def _tell_to_kill(self, number: int) -> None:
        # In a task of the loop's own, where an exception would end the whole program.
        with contextlib.suppress(RuntimeFault):
            await self._tell(KILL, number)

    def _lost(self) -> None:
        """It has ended, or is as good as ended."""
        self.dead = True
        self._adopted.set()
        for child in self._children.values():
            child.gone(Exit())
        self._children.clear()
        for awaited in self._awaited.values():
            awaited.there.set()
        self._awaited.clear()


_CLOSE_ON_EXEC: Final[int] = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


@final
class _Awaited:
    """A child that is to be forked."""

    __slots__ = ("abandoned", "caps", "error", "process", "there")

    def __init__(self, caps: dict[int, int]) -> None:
        self.caps = caps
        self.there = trio.Event()
        self.process: Process | None = None
        self.error = 0
        self.abandoned = False


def _descriptors(ancillary: Iterable[tuple[int, int, bytes]]) -> list[int]:
    found = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return list(found)
