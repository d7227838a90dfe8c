"""Synchronous calls out of a running guest: what the host answers at once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final, Protocol

import wasmtime

from . import _natives
from ._memory import running
from ._wasm import define_raw

__all__ = ["define_host_calls"]


MODULE: Final = "module:"
LIBRARY: Final = "library:"
TABLE: Final = "table:"
AUTHOR: Final = "author"
"""The bytecode of the author's code."""
FRAMES: Final = "frames"
"""A stack, to be told in terms of the files that the author wrote."""
QUICK_LENGTH: Final = 64 * 1024
"""Bytes of a stack, at the most."""


class Libraries(Protocol):
    """What guests ask of libraries; both raise KeyError for what there is not."""

    def bytecode(self, part: str) -> bytes:
        """Of a part."""

    def look_up(self, table: str, key: bytes) -> bytes:
        """A byte and a text, or nothing."""


def define_host_calls(linker: wasmtime.Linker, modules: Mapping[str, bytes], libraries: Libraries) -> None:
    """Define all that the guest imports but its memory.

    Args:
        linker: where to.
        modules: bytecode of the prelude's modules, by name, which the guest asks for one by one.
        libraries: what else it may ask for.
    """

    def host_call(op: int, op_length: int, at: int, length: int) -> int:
        """A synchronous call out of the guest; the length of its answer, -1 where there is none."""
        try:
            memory = running.memory
            name = memory.peek(op, op_length).decode()
            if memory.thrifty and not _is_quick(name, length):
                memory.stop()
                return -1
            if name.startswith(MODULE):
                running.answer = modules[name.removeprefix(MODULE)]
            elif name == AUTHOR and memory.bytecode is not None:
                running.answer = memory.bytecode
            elif name == FRAMES and memory.source is not None:
                size = min(length, QUICK_LENGTH)  # a stack may be any text, and this is not stopped half way
                stack = memory.peek(at, size).decode(errors="replace")
                running.answer = memory.source.frames(stack).encode()
            elif name.startswith(LIBRARY):
                running.answer = libraries.bytecode(name.removeprefix(LIBRARY))
            elif name.startswith(TABLE):
                key = memory.peek(at, length)
                running.answer = libraries.look_up(name.removeprefix(TABLE), key)
            else:
                payload = memory.peek(at, length)
                if memory.host is not None and name in _natives.DRAWN:
                    running.answer = memory.host.drawn(name, payload, partial(_natives.answer, name, payload))
                else:
                    running.answer = _natives.answer(name, payload)
            return len(running.answer)
        except Exception:  # noqa: BLE001 -- a guest's nonsense; it is told so, and nothing passes its frames
            running.answer = b""
            return -1

    linker.define_wasi()
    i32, i64 = wasmtime.ValType.i32(), wasmtime.ValType.i64()
    define_raw(linker, "host", "call", host_call, parameters=4)
    define_raw(linker, "host", "take", _host_take, parameters=1, returns=False)
    # What the C library imports for printing, which nothing here does: "bad file descriptor".
    for name, parameters in (
        ("fd_close", [i32]),
        ("fd_fdstat_get", [i32, i32]),
        ("fd_seek", [i32, i64, i32, i32]),
        ("fd_write", [i32] * 4),
    ):
        linker.define_func("wasi_snapshot_preview1", name, wasmtime.FuncType(parameters, [i32]), lambda *_: 8)


def _is_quick(name: str, length: int) -> bool:
    """Whether the answer takes less than a millisecond."""
    return (
        name.startswith((MODULE, TABLE))
        or name == FRAMES
        or length <= _natives.QUICK.get(name.partition(":")[0], -1)
    )


def _host_take(at: int) -> None:
    running.memory.poke(at, running.answer)
