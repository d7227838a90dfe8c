"""A process of a soak: asked a line, it answers a line; and what it has started itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, final

import trio

__all__ = ["Child", "Ended", "descendants", "running"]

PATIENCE: Final = 400.0
"""Seconds for an answer."""


class Ended(Exception):
    """The process has ended, or said nothing for too long."""


@final
class Child:
    """A module of this package, run in a process of its own."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._held = b""
        self.pid = process.pid

    async def ask(self, line: bytes) -> bytes:
        """Say a line, and wait for one.

        Raises:
            Ended: it is gone, or took longer than ``PATIENCE``.
        """
        assert self._process.stdin is not None
        try:
            await self._process.stdin.send_all(line + b"\n")
        except trio.BrokenResourceError:
            raise Ended(f"process {self.pid} has ended") from None
        return await self.line()

    async def line(self) -> bytes:
        """Wait for a line."""
        assert self._process.stdout is not None
        with trio.move_on_after(PATIENCE):
            while b"\n" not in self._held:
                data = await self._process.stdout.receive_some()
                if not data:
                    raise Ended(f"process {self.pid} has ended with {await self._process.wait()}")
                self._held += data
            line, _, self._held = self._held.partition(b"\n")
            return line
        raise Ended(f"process {self.pid} has said nothing for {PATIENCE:g} s")

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    async def leave(self) -> int:
        """Give it no more input, and wait until it has ended: its exit status."""
        assert self._process.stdin is not None
        await self._process.stdin.aclose()
        return await self._process.wait()


@asynccontextmanager
async def running(module: str, *arguments: str) -> AsyncIterator[Child]:
    """Run ``benchmarks.soak.MODULE``, ready once it has written its first line; killed in the end, if it has not ended."""
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", f"benchmarks.soak.{module}", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    child = Child(process)
    try:
        await child.line()
        yield child
    finally:
        with trio.CancelScope(shield=True):
            process.kill()
            await process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    await stream.aclose()


def descendants(pid: int) -> list[int]:
    """Processes that a process has started, and that those have, as far as they live."""
    found: list[int] = []
    with suppress(OSError):  # it ends meanwhile
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text("ascii").split():
                found += [int(child), *descendants(int(child))]
    return found
