"""WebAssembly functions in the hands of a test: written as text, loaded by the runtime itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import trio
from tests.javascript import LONGEST, FakeHost, call_of

from isthmus import Function, Kind, Limits
from isthmus.abc import Call, Host, Killed, Program, Reply, Returned, Thrown
from isthmus_wasmtime._runtime import WasmtimeRuntime

SIGNATURES = {
    "args_get": "i32 i32", "args_sizes_get": "i32 i32", "clock_res_get": "i32 i32",
    "clock_time_get": "i32 i64 i32", "environ_get": "i32 i32", "environ_sizes_get": "i32 i32",
    "fd_advise": "i32 i64 i64 i32", "fd_allocate": "i32 i64 i64", "fd_close": "i32", "fd_datasync": "i32",
    "fd_fdstat_get": "i32 i32", "fd_fdstat_set_flags": "i32 i32", "fd_fdstat_set_rights": "i32 i64 i64",
    "fd_filestat_get": "i32 i32", "fd_filestat_set_size": "i32 i64",
    "fd_filestat_set_times": "i32 i64 i64 i32", "fd_pread": "i32 i32 i32 i64 i32",
    "fd_prestat_dir_name": "i32 i32 i32", "fd_prestat_get": "i32 i32", "fd_pwrite": "i32 i32 i32 i64 i32",
    "fd_read": "i32 i32 i32 i32", "fd_readdir": "i32 i32 i32 i64 i32", "fd_renumber": "i32 i32",
    "fd_seek": "i32 i64 i32 i32", "fd_sync": "i32", "fd_tell": "i32 i32", "fd_write": "i32 i32 i32 i32",
    "path_create_directory": "i32 i32 i32", "path_filestat_get": "i32 i32 i32 i32 i32",
    "path_filestat_set_times": "i32 i32 i32 i32 i64 i64 i32", "path_link": "i32 i32 i32 i32 i32 i32 i32",
    "path_open": "i32 i32 i32 i32 i32 i64 i64 i32 i32", "path_readlink": "i32 i32 i32 i32 i32 i32",
    "path_remove_directory": "i32 i32 i32", "path_rename": "i32 i32 i32 i32 i32 i32",
    "path_symlink": "i32 i32 i32 i32 i32", "path_unlink_file": "i32 i32 i32",
    "poll_oneoff": "i32 i32 i32 i32", "proc_raise": "i32", "random_get": "i32 i32", "sched_yield": "",
    "sock_accept": "i32 i32 i32", "sock_recv": "i32 i32 i32 i32 i32 i32", "sock_send": "i32 i32 i32 i32 i32",
    "sock_shutdown": "i32 i32",
}  # fmt: skip
"""Parameters of WASI preview 1's functions; each gives an error number."""

WRITE = """
  (func $write (param $fd i32) (param $at i32) (param $n i32)
    (i32.store (i32.const 8) (local.get $at)) (i32.store (i32.const 12) (local.get $n))
    (drop (call $fd_write (local.get $fd) (i32.const 8) (i32.const 1) (i32.const 16))))
  (func $out (param $at i32) (param $n i32) (call $write (i32.const 1) (local.get $at) (local.get $n)))
  ;; a number in decimal, on standard output
  (func $number (param $v i64)
    (local $at i32)
    (local.set $at (i32.const 60))
    (if (i64.lt_s (local.get $v) (i64.const 0))
      (then (i32.store8 (i32.const 61) (i32.const 45)) (call $out (i32.const 61) (i32.const 1))
            (local.set $v (i64.sub (i64.const 0) (local.get $v)))))
    (loop $more
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $v) (i64.const 10)))))
      (local.set $v (i64.div_u (local.get $v) (i64.const 10)))
      (br_if $more (i64.ne (local.get $v) (i64.const 0))))
    (call $out (local.get $at) (i32.sub (i32.const 60) (local.get $at))))
  (func $hex (param $at i32) (param $n i32)
    (local $digit i32)
    (loop $more
      (if (i32.eqz (local.get $n)) (then (return)))
      (i32.store8 (i32.const 60) (i32.load8_u (i32.add (i32.const 32) (i32.shr_u (i32.load8_u (local.get $at)) (i32.const 4)))))
      (i32.store8 (i32.const 61) (i32.load8_u (i32.add (i32.const 32) (i32.and (i32.load8_u (local.get $at)) (i32.const 15)))))
      (call $out (i32.const 60) (i32.const 2))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br $more)))
"""


def command(body: str, *, uses: str = "", data: str = "", more: str = "", pages: str = "2") -> str:
    """A WASI command in WebAssembly text; ``$write``, ``$out``, ``$number`` and ``$hex`` are there.

    Bytes below 1024 are those functions' own; ``data`` lies at 1024.

    Args:
        body: of ``_start``.
        uses: names of the WASI functions it calls, beside ``fd_write``; ``proc_exit`` too.
        data: a WebAssembly string.
        more: further fields of the module.
        pages: limits of its memory.
    """
    imports = []
    for name in sorted({"fd_write", *uses.split()}):
        result = "" if name == "proc_exit" else "(result i32)"
        parameters = "i32" if name == "proc_exit" else SIGNATURES[name]
        imports.append(
            f'(import "wasi_snapshot_preview1" "{name}" (func ${name} (param {parameters}) {result}))'
        )
    return "\n".join(
        [
            "(module",
            *imports,
            f'(memory (export "memory") {pages})',
            '(data (i32.const 32) "0123456789abcdef")',
            f'(data (i32.const 1024) "{data}")',
            WRITE,
            more,
            f'(func (export "_start") {body}))',
        ]
    )


def says(text: str, more: str = "") -> str:
    """A command that writes a text and does this."""
    encoded = text.encode()
    data = "".join(f"\\{byte:02x}" for byte in encoded)
    return command(
        f"(call $out (i32.const 1024) (i32.const {len(encoded)})) {more}", data=data, uses="proc_exit"
    )


ECHO = command(
    """
    (local $n i32)
    (call $out (i32.const 1024) (i32.const 10))
    (loop $more
      (i32.store (i32.const 8) (i32.const 65536)) (i32.store (i32.const 12) (i32.const 30000))
      (drop (call $fd_read (i32.const 0) (i32.const 8) (i32.const 1) (i32.const 16)))
      (local.set $n (i32.load (i32.const 16)))
      (if (local.get $n)
        (then (call $out (i32.const 65536) (local.get $n)) (br $more))))
    (call $out (i32.const 1034) (i32.const 1))
    """,
    uses="fd_read",
    data='{\\"return\\":}',
)
"""Returns what it finds on its standard input."""


def plugin(
    body: str, *, uses: dict[str, str] | None = None, data: str = "", more: str = "", pages: str = "2"
) -> str:
    """An Extism plug-in in WebAssembly text, whose ``on_track`` has this body and gives an i32.

    Args:
        body: of the function.
        uses: of what it imports: name, then parameters and result.
        data: a WebAssembly string, at 1024.
        more: further fields of the module.
        pages: limits of its memory.
    """
    kit = {
        "alloc": "(param i64) (result i64)",
        "length": "(param i64) (result i64)",
        "store_u8": "(param i64 i32)",
        "load_u8": "(param i64) (result i32)",
        "input_length": "(result i64)",
        "input_load_u8": "(param i64) (result i32)",
        "output_set": "(param i64 i64)",
        **(uses or {}),
    }
    imports = [f'(import "extism:host/env" "{name}" (func ${name} {kind}))' for name, kind in kit.items()]
    return "\n".join(
        [
            "(module",
            *imports,
            f'(memory (export "memory") {pages})',
            f'(data (i32.const 1024) "{data}")',
            """
  ;; a block with bytes of the module's own memory
  (func $block (param $at i32) (param $n i32) (result i64)
    (local $p i64) (local $i i32)
    (local.set $p (call $alloc (i64.extend_i32_u (local.get $n))))
    (loop $each
      (if (i32.lt_u (local.get $i) (local.get $n))
        (then
          (call $store_u8 (i64.add (local.get $p) (i64.extend_i32_u (local.get $i)))
                          (i32.load8_u (i32.add (local.get $at) (local.get $i))))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br $each))))
    (local.get $p))
  (func $give (param $p i64) (call $output_set (local.get $p) (call $length (local.get $p))))
            """,
            more,
            f'(func (export "on_track") (result i32) {body}))',
        ]
    )


class Module:
    """A loaded function."""

    def __init__(self, program: Program) -> None:
        self.program = program

    async def run(self, call: Call | None = None, host: Host | None = None) -> Reply:
        return await self.program.run(call or call_of(), host or FakeHost())

    async def value(self, call: Call | None = None, host: Host | None = None) -> object:
        """What a call returned; the test fails where it did not return."""
        ending = (await self.run(call, host)).ending
        assert isinstance(ending, Returned), ending
        return json.loads(ending.value) if ending.value else None

    async def thrown(self, call: Call | None = None, host: Host | None = None) -> Thrown:
        ending = (await self.run(call, host)).ending
        assert isinstance(ending, Thrown), ending
        return ending

    async def killed(self, call: Call | None = None, host: Host | None = None) -> Killed:
        ending = (await self.run(call, host)).ending
        assert isinstance(ending, Killed), ending
        return ending


class Modules:
    """Loads functions into one runtime, and closes it all."""

    def __init__(self, runtime: WasmtimeRuntime) -> None:
        self.runtime = runtime
        self._programs: list[Program] = []

    async def __call__(
        self,
        code: str | bytes,
        *,
        kind: Kind = Kind.DESTINATION,
        isolation: Literal["call", "instance"] = "call",
        **limits: float,
    ) -> Module:
        function = Function(
            name="tested", kind=kind, language="wasm", code=code, file="tested.wasm", isolation=isolation
        )
        program = await self.runtime.load(function, Limits(**{"wall": LONGEST, **limits}))  # type: ignore[arg-type] # whatever Limits takes
        self._programs.append(program)
        return Module(program)

    @classmethod
    @asynccontextmanager
    async def opened(cls, runtime: WasmtimeRuntime) -> AsyncIterator[Modules]:
        modules = cls(runtime)
        try:
            yield modules
        finally:
            with trio.CancelScope(shield=True):
                for program in modules._programs:
                    await program.aclose()
                await runtime.aclose()
