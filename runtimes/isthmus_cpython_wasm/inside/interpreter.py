"""CPython in WebAssembly, in this process: compiled code once in a zygote, a fresh instance for every call of a child."""

from __future__ import annotations

import base64
import contextlib
import json
import os
from typing import Any, Final

import wasmtime
from wasmtime import component

from isthmus_guest._channel import Channel

from .world import World

__all__ = ["Interpreter", "engine"]

STACK: Final = 2 * 1024 * 1024
"""Bytes of stack for code in WebAssembly; a process's main thread has more."""
LOWEST, HIGHEST = 8, 64
"""Numbers of the descriptors that children may keep: lower ones are their own, and more there are not."""
EXHAUSTED: Final = "call stack exhausted"
"""How wasmtime says that code in WebAssembly has used up its stack."""


def engine() -> wasmtime.Engine:
    """What compiles the component, and what runs it: one is made like the other."""
    config = wasmtime.Config()
    config.wasm_component_model = True
    config.max_wasm_stack = STACK
    return wasmtime.Engine(config)


class Interpreter:
    """What interprets functions; see :class:`isthmus_cpython.inside.serving.Interior`.

    Args:
        code: file with the compiled component.
        memory: bytes that the memory of an instance may grow to.

    Attributes:
        files: what instances are mapped from.
    """

    def __init__(self, code: str, memory: int) -> None:
        self._engine = engine()
        self._memory = memory
        self._image: dict[str, Any] = {}
        self._text = ""
        reserved = [os.open(os.devnull, os.O_RDONLY)]
        while reserved[-1] < LOWEST:
            reserved.append(os.open(os.devnull, os.O_RDONLY))
        self._component = component.Component.deserialize_file(self._engine, code)
        for file in reserved:
            os.close(file)
        self.files = tuple(_descriptors_of(code))

    def adopt(self, image: dict[str, Any]) -> None:
        """Keep it as every instance is given it."""
        self._image = image
        self._text = json.dumps({**image, "code": base64.b64encode(image["code"]).decode()})

    def speak(self, channel: Channel) -> None:
        """Run call after call, each in an instance of its own, but where the image says that one is kept."""
        world = World(channel, keep=self._image.get("keep", False), calls=bool(self._image))
        linker = world.linker(self._engine)
        while True:
            world.begin()
            with wasmtime.Store(self._engine) as store:
                store.set_wasi(wasmtime.WasiConfig())
                store.set_limits(memory_size=self._memory)
                instance = linker.instantiate(store, self._component)
                live = instance.get_func(store, "live")
                assert live is not None  # noqa: S101 -- the component's world has it
                try:
                    live(store, self._text)
                except wasmtime.ExitTrap as end:
                    os._exit(end.code)  # the process goes as its code would have it
                except wasmtime.WasmtimeError as error:
                    if EXHAUSTED not in str(error) or not world.called:
                        raise
                    self._tell_exhausted(world)
            if not self._image:
                return

    def _tell_exhausted(self, world: World) -> None:
        thrown = {"name": "RecursionError", "message": "the call has used up its stack"}
        told = {"ok": False, "thrown": thrown} if self._image else {"error": thrown}
        world.end(json.dumps(told).encode())


def _descriptors_of(path: str) -> list[int]:
    """Descriptors of a file that are open in this process."""
    wanted = os.stat(path)
    found = []
    for file in range(LOWEST, HIGHEST):
        with contextlib.suppress(OSError):
            status = os.fstat(file)
            if (status.st_dev, status.st_ino) == (wanted.st_dev, wanted.st_ino):
                found.append(file)
    return found
