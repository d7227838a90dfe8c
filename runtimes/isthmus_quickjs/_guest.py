"""The guest program, compiled once per process, and the images made of it.

binary -> code (compiled, kept on disk) -> base image (the prelude evaluated) -> image of a function
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec
import wasmtime

from isthmus.cachedir import cache_directory
from isthmus.errors import LoadError, RuntimeFault

from ._apart import APART, Apart, compile_apart, mentions
from ._boot import Boot
from ._code import GuestCode
from ._cold import ColdPages
from ._driver import driver_text
from ._frames import HANDLERS, RETURNED, THROWN, WAITING, Frame, parse_thrown
from ._image import image_module, initial_memory, without_data
from ._libraries import LibraryScripts
from ._memory import PAGE
from ._prelude import START, compile_prelude
from ._source import Source
from ._wasm import WASM_STACK, Stopped
from ._world import EXCHANGE_PAGES, STACK
from .libraries.bundles import Bundles

__all__ = ["Guest", "Image", "load_script"]

HERE: Final = Path(__file__).parent
JS_STACK: Final = 3 * 1024 * 1024
"""Bytes of its 4 MiB stack that QuickJS may use before it throws a RangeError."""
COLLECT_AFTER: Final = 8 * 1024 * 1024
"""Bytes a call allocates before QuickJS looks for cycles."""
INLINE_STACK: Final = 1024 * 1024
"""Bytes of native stack for inline calls: any thread has them; what recurses deeper runs in a lane."""
PRELUDE_MEMORY: Final = 64 * 1024 * 1024
COMPILER_MEMORY: Final = 256 * 1024 * 1024
"""Bytes that compiling large code may take."""

COPY_LIMIT: Final = 6 * 1024 * 1024
"""Bytes of code and heap up to which a used world is restored by copying the image back.

Copying costs about 40 µs a MB while it fits the caches and twice that beyond; a world made anew, its
memory mapped copy on write, costs about 400 µs whatever its size.
"""


class Image:
    """A loaded function's memory, from which worlds are made.

    Attributes:
        guest: the program it is an image of.
        memory: what it holds.
        stack_low: address of the lowest stack address seen.
        end: first byte above its heap.
        memory_cap: bytes a world's memory may grow to.
        handlers: the handlers its code defines.
        source: what it was compiled from.
        cold: its pages that no call writes.
        copied: a used world is restored from it; of a larger image each call gets a new world.
    """

    def __init__(
        self,
        guest: Guest,
        memory: bytes,
        stack_low: int,
        memory_cap: int,
        handlers: frozenset[str],
        source: Source,
    ) -> None:
        self.guest = guest
        self.source = source
        self.memory = memory
        self.stack_low = stack_low
        self.end = len(memory)
        self.copied = self.end - STACK <= COPY_LIMIT
        self.handlers = handlers
        pages = -(-self.end // PAGE)
        self.memory_cap = max(STACK + memory_cap, pages * PAGE, EXCHANGE_PAGES * PAGE)
        self.cold = ColdPages(self.end, STACK)
        self.module = wasmtime.Module(guest.code.engine, image_module(memory, pages))
        text = driver_text(
            pages=pages,
            exchange_pages=EXCHANGE_PAGES,
            vitals=guest.vitals,
            stack=STACK,
            stack_low=stack_low,
            image_end=self.end,
            waiting=WAITING,
        )
        self.driver = wasmtime.Module(guest.code.engine, text)


class Guest:
    """The compiled guest; shared by all worlds and lanes of a runtime.

    Attributes:
        code: for the lanes.
        fingerprint: a hash of its binary.
        initial: what its data segments put into memory.
        least_pages: size of the memory it asks for.
        vitals: address of its ``struct vitals``.
        bundles: Segment's libraries, as far as this machine has them.
    """

    vitals: int

    def __init__(self, prelude: Path = HERE / "prelude", bundles: Bundles | None = None) -> None:
        binary = (HERE / "guest" / "quickjs.wasm").read_bytes()
        self.fingerprint = hashlib.sha256(binary).digest()
        self._scripts: dict[str, bytes] = {}
        self.bundles = Bundles.find() if bundles is None else bundles
        self._libraries = LibraryScripts(self, self.bundles)
        self._bare = without_data(binary)
        self.code = GuestCode(self._bare, self._scripts, self._libraries, WASM_STACK)
        self.initial = initial_memory(binary)
        memory_type = next(i.type for i in self.code.module.imports if i.name == "memory")
        assert isinstance(memory_type, wasmtime.MemoryType)  # noqa: S101 -- the guest is linked so
        self.least_pages = memory_type.limits.min
        self._prelude = prelude
        self._lock = threading.Lock()
        self._bases: dict[int, bytes] = {}

    @cached_property
    def inline(self) -> GuestCode:
        """The code for threads that have no lane's stack; made when it is first asked for."""
        return GuestCode(self._bare, self._scripts, self._libraries, INLINE_STACK)

    # -- images

    def load(
        self,
        source: Source,
        options: dict[str, object],
        *,
        memory: int,
        log_bytes: int,
        proceed: Callable[[int, float], bool],
    ) -> Image:
        """Evaluate a function's code over the prelude and take the image.

        Args:
            source: the code.
            options: what else the prelude's ``__load`` takes.
            memory: bytes a world of it may have.
            log_bytes: how much console output a call may leave.
            proceed: asked at every epoch, as :meth:`World.run_many` says.

        Raises:
            LoadError: the code throws, or is stopped, while it loads.
        """
        if len(source.code) < APART:
            return self._loaded(source, options, None, memory, log_bytes, proceed)
        apart = self._apart(source, log_bytes, proceed)
        try:
            return self._loaded(source, options, apart, memory, log_bytes, proceed)
        except LoadError as error:
            if error.line is not None:
                raise
        # Of an import that can't be linked only the text of the code tells where it is.
        return self._loaded(source, options, None, memory, log_bytes, proceed)

    def _loaded(
        self,
        source: Source,
        options: dict[str, object],
        apart: Apart | None,
        memory: int,
        log_bytes: int,
        proceed: Callable[[int, float], bool],
    ) -> Image:
        boot = Boot(self, self._base(log_bytes), max(memory, PRELUDE_MEMORY) + 2 * log_bytes, source)
        try:
            if apart is not None:
                boot.memory.bytecode = apart.bytecode
                options = {**options, "task": "revive"}
            script = load_script(source, options, apart)
            handlers = frozenset(_evaluated(boot, script, source, proceed).split(","))
            image, stack_low = boot.seal(memory)
        except Stopped as error:
            raise LoadError(_why_stopped(error), file=source.name) from error
        finally:
            boot.close()
        return Image(self, image, stack_low, memory, handlers & frozenset(HANDLERS), source)

    def _apart(self, source: Source, log_bytes: int, proceed: Callable[[int, float], bool]) -> Apart:
        """The code as bytecode, compiled in a guest that runs none of it."""
        base = self._base(log_bytes)
        version = hashlib.sha256(self.fingerprint + msgspec.msgpack.encode(sorted(self._scripts.items())))

        def compiler() -> str:
            boot = Boot(self, base, COMPILER_MEMORY, source)
            try:
                return _evaluated(boot, load_script(source, {"task": "compile"}), source, proceed)
            except Stopped as error:
                raise LoadError(_why_stopped(error), file=source.name) from error
            finally:
                boot.close()

        return compile_apart(source, version.digest(), compiler)

    def _base(self, log_bytes: int) -> bytes:
        """The prelude's image; one for each size of the log, which is part of it."""
        with self._lock:
            if log_bytes not in self._bases:
                if not self._scripts:
                    cache = cache_directory() / "prelude"
                    compiled = compile_prelude(self, self._prelude, cache, JS_STACK, PRELUDE_MEMORY)
                    self._scripts.update(compiled)
                boot = Boot(self, None, PRELUDE_MEMORY + 2 * log_bytes)
                boot.boot(JS_STACK, log_bytes)
                frame = boot.evaluate("isthmus:start", START)
                if frame.status == THROWN:
                    raise RuntimeFault(f"the prelude does not load: {frame.value.decode(errors='replace')}")
                self.vitals = boot.memory.vitals_at
                self._bases[log_bytes] = boot.snapshot()
                boot.close()
            return self._bases[log_bytes]


def load_script(source: Source, options: dict[str, object], apart: Apart | None = None) -> bytes:
    """What is evaluated to load a function.

    Args:
        source: the code.
        options: what else the prelude's ``__load`` takes.
        apart: what the code has been compiled to, if it has been.
    """
    mapped = source.map is not None
    code, goal = (source.code, source.goal) if apart is None else (mentions(source.code), apart.goal)
    text = {"code": code, "file": source.file, "goal": goal, "mapped": mapped}
    return b"__load(" + msgspec.json.encode(options | text) + b")"


def _evaluated(boot: Boot, script: bytes, source: Source, proceed: Callable[[int, float], bool]) -> str:
    """The text that loading answers with."""
    frame = boot.evaluate("isthmus:load", script, proceed)
    if frame.status == THROWN:
        raise _load_error(frame, source)
    if frame.status != RETURNED:
        raise LoadError(
            "a top-level await waits for what does not come while the code loads", file=source.name
        )
    try:
        return msgspec.json.decode(frame.value, type=str)
    except msgspec.MsgspecError as error:
        raise RuntimeFault(f"loading answered no text: {error}") from error


def _load_error(frame: Frame, source: Source) -> LoadError:
    thrown = parse_thrown(frame.value)
    file, line, column = source.name, thrown.line, thrown.column
    if source.map is not None:
        place = source.place(thrown.stack)
        file, line, column = place or (file, None, None)
    column = source.column_within(file, line, column)  # a stack may say anything
    excerpt = "" if line is None else source.excerpt(file, line, column)
    return LoadError(f"{thrown.name}: {thrown.message}", file=file, line=line, column=column, excerpt=excerpt)


def _why_stopped(stopped: Stopped) -> str:
    if stopped.code is None:
        return "the code did not finish loading in time: what stands outside the handlers runs too long"
    if stopped.code is wasmtime.TrapCode.STACK_OVERFLOW:
        return "RangeError: Maximum call stack size exceeded"
    return "the code could not be loaded: its world failed, or needed more memory than there is"
