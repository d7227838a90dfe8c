"""The zygote: a small process of one thread that forks a confined child for every call, and sees each off.

It runs no code of the author's.  The host talks to it in records of one size over a stream socket: *fork*
is answered by *started*, which carries the child's end of a connection and a descriptor of the process,
and for every child there is in the end *exited*, with what it used.
"""

from __future__ import annotations

import array
import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
from typing import Any, NoReturn

from . import child
from .layers import Layers
from .serving import Interior, Native

__all__ = ["main", "serve"]

RECORD = struct.Struct("<cQqddq")
"""Kind, the host's number of the child, and up to four figures."""
FORK, ADOPT, KILL = b"F", b"A", b"K"
READY, STARTED, EXITED, FAILED = b"R", b"S", b"X", b"E"


class Zygote:
    """Forks children when it is told to, until the host is gone."""

    def __init__(self, control: socket.socket, layers: Layers, interior: Interior, parent: int) -> None:
        self._control = control
        self._layers = layers
        self._interior = interior
        self._parent = parent
        self._children: dict[int, int] = {}  # process to number
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        os.set_blocking(self._wake_read, False)

    def run(self) -> NoReturn:
        """Serve the host."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        poll = select.poll()
        for file in (self._control.fileno(), self._wake_read, *([self._parent] if self._parent >= 0 else [])):
            poll.register(file, select.POLLIN)
        self._settle()
        while True:
            for file, _ in poll.poll():
                if file == self._wake_read:
                    self._see_off()
                elif file == self._control.fileno():
                    self._obey()
                else:
                    self._end()

    def _settle(self) -> None:
        """What is here now stays: no child is to touch its pages by counting or collecting it."""
        gc.collect()
        gc.freeze()

    # ------------------------------------------------------------ what the host says

    def _obey(self) -> None:
        try:
            record, ancillary, _, _ = self._control.recvmsg(
                RECORD.size, socket.CMSG_SPACE(4), socket.MSG_WAITALL
            )
        except OSError:
            self._end()
        if len(record) < RECORD.size:
            self._end()
        kind, number, *_ = RECORD.unpack(record)
        if kind == FORK:
            self._fork(number)
        elif kind == ADOPT:
            self._adopt(_descriptors(ancillary)[0])
        elif kind == KILL:
            for process, known in self._children.items():
                if known == number:
                    os.kill(process, signal.SIGKILL)

    def _adopt(self, file: int) -> None:
        """Take what all children are to find."""
        with os.fdopen(file, "rb") as opened:
            opened.seek(0)
            header = json.loads(opened.readline())
            code, source = opened.read(header["code"]), opened.read().decode()
            self._interior.adopt({**header, "code": code, "source": source})
        self._settle()
        self._tell(READY, 0)

    def _fork(self, number: int) -> None:
        try:
            here, there = socket.socketpair()
            process = os.fork()
        except OSError as error:
            self._tell(FAILED, number, error.errno or 0)
            return
        if not process:
            child.live(there.detach(), self._layers, self._interior)
        self._children[process] = number
        there.close()
        files = [here.fileno()]
        if hasattr(os, "pidfd_open"):
            files.append(os.pidfd_open(process))
        self._tell(STARTED, number, process, files=files)
        here.close()
        for file in files[1:]:
            os.close(file)

    # ------------------------------------------------------------ what it says

    def _see_off(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 4096)
        while True:
            try:
                process, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not process:
                return
            number = self._children.pop(process, None)
            if number is not None:
                scale = 1 if sys.platform == "darwin" else 1024
                peak = used.ru_maxrss * scale
                self._tell(EXITED, number, status, used.ru_utime, used.ru_stime, peak)

    def _tell(
        self,
        kind: bytes,
        number: int,
        figure: int = 0,
        user: float = 0.0,
        system: float = 0.0,
        peak: int = 0,
        files: list[int] | None = None,
    ) -> None:
        record = RECORD.pack(kind, number, figure, user, system, peak)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))] if files else []
        try:
            self._control.sendmsg([record], rights)
        except OSError:
            self._end()

    def _end(self) -> NoReturn:
        for process in self._children:
            os.kill(process, signal.SIGKILL)
        os._exit(0)


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    found = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return list(found)


def _environment(*, writable: bool) -> dict[str, str]:
    """What a function finds in ``os.environ``: nothing of the host's."""
    named = {"LANG": "C.UTF-8", "TZ": "UTC", "HOME": "/"}
    return {**named, "HOME": "/tmp", "TMPDIR": "/tmp"} if writable else named


def main(control_file: int, config: dict[str, Any]) -> NoReturn:
    """The zygote of functions that this interpreter runs."""
    serve(control_file, config, Native())


def serve(control_file: int, config: dict[str, Any], interior: Interior) -> NoReturn:
    """Confine this process, say how far that went, and serve."""
    control = socket.socket(fileno=control_file)
    os.set_inheritable(control_file, False)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.setsid()
    parent = -1
    if hasattr(os, "pidfd_open"):
        try:
            parent = os.pidfd_open(config["parent"])
        except OSError:
            os._exit(0)  # it has gone already
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as opened:
            opened.write("1000")  # where memory runs out, the host is not what should go
    except OSError:
        pass
    for name in config["modules"]:
        importlib.import_module(name)
    layers = Layers(config)
    layers.enter_group()
    layers.enter_namespaces()
    layers.give_up_privileges()
    layers.prepare()
    os.environ.clear()
    os.environ.update(_environment(writable=layers.writable))
    report = json.dumps({"missing": layers.missing, "scratch": layers.writable}).encode()
    control.sendall(struct.pack("<I", len(report)) + report)
    Zygote(control, layers, interior, parent).run()
