"""The kernel's layout, and what it offers guests to import; the kernel itself is kernel.wat.

A guest may write what it likes over its blocks, and so make the kernel write over its own head.  So the
head is read as what a stranger says: every number is held against its bounds.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

__all__ = [
    "CHANCE",
    "CHANCE_AT",
    "CHANCE_SIZE",
    "CLOCK_AT",
    "ERR",
    "ERR_SIZE",
    "HEAD",
    "HEAP",
    "HTTP_STATUS_AT",
    "IN",
    "IN_SIZE",
    "OFFERS",
    "OUT",
    "OUT_SIZE",
    "PAGES",
    "block_head",
    "head",
    "text",
]

PAGES: Final = 20
ARGUMENT: Final = 1024
CHANCE, CHANCE_SIZE = 4096, 4096
IN, IN_SIZE = 65536, 65536
OUT, OUT_SIZE = 131072, 65536
ERR, ERR_SIZE = 196608, 16384
HEAP: Final = 262144

HEAD: Final = struct.Struct("<10Iqq8B12I")
"""Input from, to, more; output held, log held; exited, status; answer, chance used; clocks; streams; blocks."""

CHANCE_AT: Final = 36
CLOCK_AT: Final = 48
HTTP_STATUS_AT: Final = 100
FIRST_NS: Final = 1_000_000_000
"""What the steady clock begins with; some languages take zero for a broken one."""

WASI: Final = frozenset(
    [
        "args_get",
        "args_sizes_get",
        "clock_res_get",
        "clock_time_get",
        "environ_get",
        "environ_sizes_get",
        "fd_advise",
        "fd_allocate",
        "fd_close",
        "fd_datasync",
        "fd_fdstat_get",
        "fd_fdstat_set_flags",
        "fd_fdstat_set_rights",
        "fd_filestat_get",
        "fd_filestat_set_size",
        "fd_filestat_set_times",
        "fd_pread",
        "fd_prestat_dir_name",
        "fd_prestat_get",
        "fd_pwrite",
        "fd_read",
        "fd_readdir",
        "fd_renumber",
        "fd_seek",
        "fd_sync",
        "fd_tell",
        "fd_write",
        "path_create_directory",
        "path_filestat_get",
        "path_filestat_set_times",
        "path_link",
        "path_open",
        "path_readlink",
        "path_remove_directory",
        "path_rename",
        "path_symlink",
        "path_unlink_file",
        "poll_oneoff",
        "proc_exit",
        "proc_raise",
        "random_get",
        "sched_yield",
        "sock_accept",
        "sock_recv",
        "sock_send",
        "sock_shutdown",
    ]
)
EXTISM: Final = frozenset(
    [
        "alloc",
        "config_get",
        "error_get",
        "error_set",
        "free",
        "get_log_level",
        "http_headers",
        "http_request",
        "http_status_code",
        "input_length",
        "input_load_u64",
        "input_load_u8",
        "input_offset",
        "input_set",
        "length",
        "length_unsafe",
        "load_u64",
        "load_u8",
        "log_debug",
        "log_error",
        "log_info",
        "log_trace",
        "log_warn",
        "memory_bytes",
        "output_length",
        "output_offset",
        "output_set",
        "reset",
        "store_u64",
        "store_u8",
        "var_get",
        "var_set",
    ]
)


def _same(names: frozenset[str]) -> Mapping[str, str]:
    return MappingProxyType({name: name for name in names})


OFFERS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "wasi_snapshot_preview1": _same(WASI),
        "extism:host/env": _same(EXTISM),
        "extism:host/user": MappingProxyType({"isthmus_ask": "user_ask"}),
        "isthmus": _same(frozenset({"ask", "answer"})),
    }
)
"""What a guest may import, by module and name, and what the kernel calls it."""


def text() -> str:
    """The kernel as WebAssembly text."""
    return (Path(__file__).parent / "kernel.wat").read_text("utf-8")


def head(*, held: int, more: bool, now_ns: int, extism: int = 0) -> bytes:
    """The head of a world before its call.

    Args:
        held: bytes of input that are in the input area.
        more: the host has more of it.
        now_ns: the time, in nanoseconds since the epoch.
        extism: bytes of a plug-in's input, which are in the first block.
    """
    block = HEAP + 16 if extism else 0
    top = HEAP + 16 + (extism + 31) // 16 * 16 if extism else HEAP
    return HEAD.pack(
        IN, IN + held, more, 0, 0, 0, 0, 0, 0, CHANCE_SIZE,
        now_ns - FIRST_NS, FIRST_NS, 1, 2, 3, 0, 0, 0, 0, 0,
        top, 0, block, extism, 0, 0, 0, 0, 0, 0, 0, 0,
    )  # fmt: skip


def block_head(size: int) -> bytes:
    """The head of the first block, with so many bytes used."""
    return struct.pack("<4I", (size + 31) // 16 * 16, size, 0, 0x6C697665 ^ (HEAP + 16))
