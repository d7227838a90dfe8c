"""The image of a guest: all that a world of it is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import msgspec
import wasmtime

from ._binary import PAGE, Binary, Memory
from ._driver import driver_text
from ._kernel import OFFERS, text
from ._refit import GLOBAL, INIT, TABLE, memory_module, refit, runs_of
from ._wasm import new_host_type

if TYPE_CHECKING:
    from ._compiled import CompiledCache

__all__ = ["Image", "Started", "Workshop"]


@final
class Started(msgspec.Struct, frozen=True):
    """What a guest holds once it has started: its memory, and its globals by their exported names."""

    memory: bytes
    globals: dict[str, int | float]


@final
class Image(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """What a world is made from.

    Attributes:
        engine: of its modules.
        host_type: of the function through which a guest reaches its host.
        kernel: what the guest may import.
        code: the guest.
        memory: defines its memory, None where it has none.
        driver: puts globals and tables back.
        sources: for each of the guest's imports, the kernel's name for it; "" for the memory.
        pages: of its memory at first.
        most_pages: that its memory may ever have, None where the guest says nothing.
        starts: functions that a new world calls before anything else, in order.
        parts: exported names of its globals and tables, as the driver imports them.
        globals: values that a new world's globals get, by their exported names.
        renewable: a world can be put back as the image has it.
        memory_cap: bytes that a memory of it may have.
        fuel: units of work a call may take, 0 where they are not counted.
    """

    engine: wasmtime.Engine
    host_type: wasmtime.FuncType
    kernel: wasmtime.Module
    code: wasmtime.Module
    memory: wasmtime.Module | None
    driver: wasmtime.Module
    sources: tuple[str, ...]
    pages: int
    most_pages: int | None
    starts: tuple[str, ...]
    parts: tuple[str, ...]
    globals: dict[str, int | float]
    renewable: bool
    memory_cap: int
    fuel: int


@final
class Workshop:
    """Makes images, for one engine.

    Used from any thread.
    """

    def __init__(self, engine: wasmtime.Engine, cache: CompiledCache) -> None:
        self.engine = engine
        self._cache = cache
        self._host_type = new_host_type()
        self._kernel: wasmtime.Module | None = None

    def image(self, binary: Binary, *, starts: tuple[str, ...], memory_cap: int, fuel: int = 0) -> Image:
        """The image of a guest of which nothing has run yet.

        Raises:
            wasmtime.WasmtimeError: it is not valid.
        """
        fitted = refit(binary)
        if self._kernel is None:
            self._kernel = self._cache.get(wasmtime.Module, bytes(wasmtime.wat2wasm(text())))
        driver = bytes(wasmtime.wat2wasm(driver_text(fitted.globals, binary.tables)))
        return Image(
            engine=self.engine,
            host_type=self._host_type,
            kernel=self._kernel,
            code=self._cache.get(wasmtime.Module, fitted.code),
            memory=None if fitted.memory is None else self._cache.get(wasmtime.Module, fitted.memory),
            driver=self._cache.get(wasmtime.Module, driver),
            sources=(
                *(OFFERS[each.module][each.name] for each in binary.imports),
                *([""] if fitted.memory is not None else []),
            ),
            pages=fitted.initial.minimum,
            most_pages=fitted.initial.maximum,
            starts=(*([INIT] if binary.start is not None else []), *starts),
            parts=(
                *(f"{GLOBAL}{each.index}" for each in fitted.globals),
                *(f"{TABLE}{index}" for index in range(fitted.tables)),
            ),
            globals={},
            renewable=fitted.renewable,
            memory_cap=memory_cap,
            fuel=fuel,
        )

    def after(self, image: Image, started: Started) -> Image:
        """The image of the same guest, whose worlds begin as one that has started."""
        memory = Memory(len(started.memory) // PAGE, image.most_pages)
        module = self._cache.get(wasmtime.Module, memory_module(memory, runs_of(started.memory)))
        return msgspec.structs.replace(
            image,
            memory=None if image.memory is None else module,
            pages=memory.minimum,
            starts=(),
            globals=started.globals,
        )

    def without_renewal(self, image: Image) -> Image:
        """The same image, each world of which is used once."""
        return msgspec.structs.replace(image, renewable=False)
