"""Synchronous calls out of a running guest: what the host answers at once."""

from __future__ import annotations

from collections.abc import Mapping

import wasmtime

from . import _natives
from ._world import current

__all__ = ["define_host_calls"]


MODULE = "module:"


def define_host_calls(linker: wasmtime.Linker, modules: Mapping[str, bytes]) -> None:
    """Define all that the guest imports but its memory.

    Args:
        linker: where to.
        modules: bytecode of the prelude's modules, by name, which the guest asks for one by one.
    """

    def host_call(op: int, op_length: int, at: int, length: int) -> int:
        """A synchronous call out of the guest; the length of its answer, -1 where there is none."""
        try:
            world = current.world
            name = world.peek(op & 0xFFFFFFFF, op_length & 0xFFFFFFFF).decode()
            if name.startswith(MODULE):
                current.answer = modules[name.removeprefix(MODULE)]
            else:
                current.answer = _natives.answer(name, world.peek(at & 0xFFFFFFFF, length & 0xFFFFFFFF))
            return len(current.answer)
        except Exception:  # noqa: BLE001 -- a guest's nonsense; it is told so, and nothing passes its frames
            current.answer = b""
            return -1

    linker.define_wasi()
    i32, i64 = wasmtime.ValType.i32(), wasmtime.ValType.i64()
    linker.define_func("host", "call", wasmtime.FuncType([i32] * 4, [i32]), host_call)
    linker.define_func("host", "take", wasmtime.FuncType([i32], []), _host_take)
    # What the C library imports for printing, which nothing here does: "bad file descriptor".
    for name, parameters in (
        ("fd_close", [i32]),
        ("fd_fdstat_get", [i32, i32]),
        ("fd_seek", [i32, i64, i32, i32]),
        ("fd_write", [i32] * 4),
    ):
        linker.define_func("wasi_snapshot_preview1", name, wasmtime.FuncType(parameters, [i32]), lambda *_: 8)


def _host_take(at: int) -> None:
    current.world.poke(at & 0xFFFFFFFF, current.answer)
