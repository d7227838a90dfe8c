"""The runtime for WebAssembly: recognises a module, makes its image, and owns the crew that runs its worlds.

Every process that loads plugins makes one, so what it needs is imported with its first function.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

from isthmus.abc import Program, Runtime
from isthmus.cachedir import cache_directory
from isthmus.errors import EngineError, LoadError
from isthmus.processors import processors

if TYPE_CHECKING:
    from isthmus.functions import Function
    from isthmus.limits import Limits

    from ._crew import Crew
    from ._image import Workshop

__all__ = ["WasmtimeRuntime"]

MOST_CODE: Final = 64 * 1024 * 1024
"""Bytes of a module at the most: compiling it takes some seconds a megabyte."""
THREADS: Final = 128
MOST_FUEL: Final = 1 << 63


class WasmtimeRuntime(Runtime):
    """Runs WebAssembly: WASI commands, Extism plug-ins and components.

    Args:
        running: how many guests run at the same time; by default as many as there are processors.
        threads: how many guests have a thread, those that wait for their host included.
        handlers: which exports of a plug-in are which handlers (``{"onTrack": "count_vowels"}``), for
            modules that do not say so themselves; components, which do, are refused then.
        cache: directory for compiled code; by default in the user's cache directory, None for none.
        fuel: units of work (about one a WebAssembly instruction) that a call may take, 0 for no bound;
            unlike time, the same call takes the same fuel everywhere. Counting it slows guests down.
    """

    language = "wasm"
    suffixes: tuple[str, ...] = (".wasm", ".wat")
    isolation = "WebAssembly (wasmtime): memory-safe, no file, no socket, a fresh world for every call"

    @cached_property
    def version(self) -> str:
        """Of the engine that runs it; see :class:`isthmus.abc.Runtime`."""
        return f"wasmtime {version_of('wasmtime')}"

    def __init__(
        self,
        running: int | None = None,
        *,
        threads: int = THREADS,
        handlers: Mapping[str, str] | None = None,
        cache: Path | str | None = "",
        fuel: int = 0,
    ) -> None:
        self._count = running or processors()
        self._thread_count = max(threads, self._count)
        self._handlers = handlers
        self._directory = (
            cache_directory() / "wasm" if cache == "" else None if cache is None else Path(cache)
        )
        if not isinstance(fuel, int) or isinstance(fuel, bool) or not 0 <= fuel < MOST_FUEL:
            raise EngineError(f"WasmtimeRuntime(fuel=) takes a whole number from 0 below 2**63, not {fuel!r}")
        self._fuel = fuel
        self._workshop: Workshop | None = None
        self._crew: Crew | None = None
        self._opening = trio.Lock()

    async def load(self, function: Function, limits: Limits) -> Program:
        """Make a program of a module, binary or text; see :class:`isthmus.abc.Runtime`."""
        workshop, crew = await self._open()
        return await trio.to_thread.run_sync(self._load, function, limits, workshop, crew)

    async def aclose(self) -> None:
        """End the crew."""
        if self._crew is not None:
            await self._crew.aclose()

    async def _open(self) -> tuple[Workshop, Crew]:
        async with self._opening:
            if self._workshop is None or self._crew is None:
                from ._compiled import CompiledCache
                from ._crew import Crew
                from ._image import Workshop
                from ._wasm import new_engine

                engine = new_engine(fuel=bool(self._fuel))
                cache = CompiledCache(engine, self._directory, "fuel" if self._fuel else "")
                self._workshop = Workshop(engine, cache)
                self._crew = Crew(engine, self._count, self._thread_count)
            return self._workshop, self._crew

    def _load(self, function: Function, limits: Limits, workshop: Workshop, crew: Crew) -> Program:
        from ._loading import load_module

        code = binary_of(function.code, function.file)
        return load_module(code, function, limits, workshop, crew, handlers=self._handlers, fuel=self._fuel)


def binary_of(code: str | bytes, file: str) -> bytes:
    """The binary of a module that may be written as text.

    Raises:
        LoadError: it is neither.
    """
    # A short binary can happen to be UTF-8, and is then handed over as text by whoever reads files.
    data = code.encode("utf-8", "surrogatepass") if isinstance(code, str) else code
    if len(data) > MOST_CODE:
        raise LoadError(f"the module has {len(data)} bytes, more than {MOST_CODE}", file=file)
    if data[:4] == b"\0asm":
        return data
    if not data.lstrip().startswith((b"(", b";;")):
        raise LoadError("the code is no WebAssembly: neither a binary nor text", file=file)
    import wasmtime

    try:
        return bytes(wasmtime.wat2wasm(data))
    except wasmtime.WasmtimeError as error:
        raise _text_error(str(error), file) from None


def _text_error(message: str, file: str) -> LoadError:
    """An error in WebAssembly text, with the place that the message names."""
    place = re.search(r"<anon>:(\d+):(\d+)", message)
    said = message.strip().splitlines()[0]
    if place is None:
        return LoadError(said, file=file)
    excerpt = "\n".join(line for line in message.splitlines()[2:] if "|" in line)
    return LoadError(said, file=file, line=int(place[1]), column=int(place[2]), excerpt=excerpt)
