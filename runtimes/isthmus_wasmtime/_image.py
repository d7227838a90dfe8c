"""The image of a guest: all that a world of it is made from."""

from __future__ import annotations

import contextlib
import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, final

import msgspec
import wasmtime
import wasmtime.component

from ._binary import PAGE, Binary, Memory
from ._components.meter import EDITION, metered
from ._driver import NUMERIC, driver_text
from ._kernel import OFFERS, text
from ._pieces import Malformed
from ._refit import GLOBAL, INIT, TABLE, code_module, data_module, memory_module, runs_of
from ._shape import Shape
from ._wasm import new_host_type

if TYPE_CHECKING:
    from ._compiled import CompiledCache

__all__ = ["Image", "Original", "Started", "Workshop"]


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
        readable: its globals hold numbers alone; wasmtime ends the process that asks for anything else.
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
    readable: bool
    renewable: bool
    memory_cap: int
    fuel: int


@final
class Original:
    """A module as it was handed in.

    Attributes:
        data: its binary.
        digest: what tells it from others.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.digest = hashlib.sha256(data).digest()

    @cached_property
    def binary(self) -> Binary:
        """The module taken apart; nobody asks for it where all is kept on disk."""
        return Binary(self.data)


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

    def component(self, original: Original) -> tuple[wasmtime.component.Component, bool]:
        """A component, compiled; whether it has a meter in it.

        Raises:
            wasmtime.WasmtimeError: it is not valid.
        """
        kind, data = wasmtime.component.Component, original.data
        with contextlib.suppress(Malformed, wasmtime.WasmtimeError):
            made = self._cache.get(kind, EDITION + original.digest, lambda: metered(data), refitted=False)
            return made, True
        return self._cache.get(kind, b"component" + original.digest, lambda: data, refitted=False), False

    def shape(self, original: Original) -> Shape:
        """The shape of a module.

        Raises:
            wasmtime.WasmtimeError: it is not valid.
            Malformed: it has what worlds have not.
        """
        if (note := self._cache.note(original.digest)) is not None:
            with contextlib.suppress(msgspec.DecodeError):
                return msgspec.msgpack.decode(note, type=Shape)
        wasmtime.Module.validate(self.engine, original.data)
        shape = Shape.of(original.binary)
        self._cache.keep_note(original.digest, msgspec.msgpack.encode(shape))
        return shape

    def image(
        self, original: Original, shape: Shape, *, starts: tuple[str, ...], memory_cap: int, fuel: int = 0
    ) -> Image:
        """The image of a guest of which nothing has run yet.

        Raises:
            wasmtime.WasmtimeError: it does not compile.
        """
        if self._kernel is None:
            self._kernel = self._compiled(text())
        code = self._cache.get(
            wasmtime.Module, b"code" + original.digest, lambda: code_module(original.binary, shape)
        )
        memory: wasmtime.Module | None = None
        if shape.memories:
            memory = self._cache.get(
                wasmtime.Module, b"data" + original.digest, lambda: data_module(original.binary, shape)
            )
        initial = shape.memories[0] if shape.memories else Memory(0, 0)
        return Image(
            engine=self.engine,
            host_type=self._host_type,
            kernel=self._kernel,
            code=code,
            memory=memory,
            driver=self._compiled(driver_text(shape.changing, shape.tables)),
            sources=(
                *(OFFERS[each.module][each.name] for each in shape.imports),
                *([""] if shape.memories else []),
            ),
            pages=initial.minimum,
            most_pages=initial.maximum,
            starts=(*([INIT] if shape.starts else []), *starts),
            parts=(
                *(f"{GLOBAL}{each.index}" for each in shape.changing),
                *(f"{TABLE}{index}" for index in range(len(shape.tables))),
            ),
            globals={},
            readable=all(each.type in NUMERIC for each in shape.changing),
            renewable=shape.renewable,
            memory_cap=memory_cap,
            fuel=fuel,
        )

    def _compiled(self, source: str) -> wasmtime.Module:
        """A module of our own, from its text."""
        return self._cache.get(wasmtime.Module, source.encode(), lambda: bytes(wasmtime.wat2wasm(source)))

    def after(self, image: Image, started: Started) -> Image:
        """The image of the same guest, whose worlds begin as one that has started."""
        memory = Memory(len(started.memory) // PAGE, image.most_pages)
        wasm = memory_module(memory, runs_of(started.memory))
        module = self._cache.get(wasmtime.Module, wasm, lambda: wasm)
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
