"""A driver's process: asked a line, it answers a line, or is killed."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, final

from .installing import Absent

__all__ = ["Conversation", "Silent"]


class Silent(Exception):
    """A driver did not answer in time, or ended; it is gone."""


@final
class Conversation:
    """A driver of a contender; a context manager that ends it, and all that it started."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 -- closed on leaving
        self.began = time.perf_counter()
        try:
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                start_new_session=True,
            )
        except OSError as error:
            self._said.close()
            raise Absent(f"it can't be started: {error}") from error
        self._held = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(ProcessLookupError):  # it may have ended by itself
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._said):
            if stream is not None:
                stream.close()

    def ask(self, what: str, patience: float, **details: object) -> dict[str, Any]:
        """Ask and wait for the answer.

        Raises:
            Silent: none came within so many seconds.
        """
        self.tell(what, **details)
        return self.answer(patience)

    def tell(self, what: str, **details: object) -> None:
        """Ask without waiting."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": what, **details}).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Silent(f"its process has ended{self._last_words()}") from None

    def answer(self, patience: float) -> dict[str, Any]:
        """Wait for an answer.

        Raises:
            Silent: none came within so many seconds.
        """
        assert self._process.stdout is not None
        descriptor, until = self._process.stdout.fileno(), time.monotonic() + patience
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while b"\n" not in self._held:
                if not selector.select(max(until - time.monotonic(), 0)):
                    raise Silent(f"no answer within {patience:g} s")
                data = os.read(descriptor, 1 << 20)
                if not data:
                    raise Silent(f"its process ended with {self._process.wait()}{self._last_words()}")
                self._held += data
        line, _, self._held = self._held.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return f": {said[-1][:120]}" if said else ""
