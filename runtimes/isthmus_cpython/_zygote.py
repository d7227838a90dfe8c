"""The host's side of a zygote: how it is started, told to fork, and heard of what became of its children."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterable
from typing import IO, Final, final

import msgspec
import trio

from isthmus.errors import RuntimeFault

from ._cgroups import Group
from ._control import ADOPT, EXITED, FAILED, FORK, KILL, READY, STARTED, Control, Told
from ._levels import Isolation
from ._process import Exit, Process
from ._spawning import Recipe, isolation_of, last_words, spawn
from ._wire import Connection

__all__ = ["Image", "Zygote"]

logger = logging.getLogger("isthmus.cpython")

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
        self, process: subprocess.Popen[bytes], control: Control, said: IO[bytes], group: Group | None
    ) -> None:
        self._process = process
        self._group = group
        self._control = control
        self._said = said
        self._number = 0
        self._awaited: dict[int, _Awaited] = {}
        self._children: dict[int, Process] = {}
        self._adopted = trio.Event()
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
        with contextlib.ExitStack() as stack:
            if group is not None:
                stack.callback(group.close)
            here, there = socket.socketpair()
            stack.callback(here.close)
            said = stack.enter_context(tempfile.TemporaryFile())
            with there:
                zygote = cls(spawn(recipe, there, said), Control(here), said, group)
            stack.pop_all()  # they are the zygote's to close
        try:
            with trio.fail_after(STARTING):
                report = await zygote._control.report()
            if not report:
                raise RuntimeFault(f"a zygote did not start: {last_words(said)}")
            zygote.isolation = isolation_of(report)
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

    def _check(self) -> None:
        if self.dead:
            raise RuntimeFault("the zygote of this function has ended")

    async def _tell(self, kind: bytes, number: int, files: Iterable[int] = ()) -> None:
        self._check()
        try:
            await self._control.tell(kind, number, files)
        except (OSError, trio.ClosedResourceError):
            self._lost()
            self._check()

    async def _hear(self) -> None:
        with trio.CancelScope() as self._reader:
            try:
                while (told := await self._control.hear()) is not None:
                    self._note(told)
            except Exception:  # in a task of the loop's own, where an exception would end the whole program
                logger.exception("hearing a zygote failed")
        self._lost()
        self._stopped.set()

    def _note(self, told: Told) -> None:
        if told.kind == STARTED:
            self._started(told.number, told.files)
        elif told.kind == EXITED:
            if (child := self._children.pop(told.number, None)) is not None:
                child.gone(Exit(told.figure, told.cpu, told.peak))
        elif told.kind == FAILED:
            if (awaited := self._awaited.pop(told.number, None)) is not None:
                awaited.error = told.figure
                awaited.there.set()
        elif told.kind == READY:
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
            child.signal(signal.SIGKILL)  # one that was forked this moment may not die with its zygote yet
            child.gone(Exit())
        self._children.clear()
        for awaited in self._awaited.values():
            awaited.there.set()
        self._awaited.clear()


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
