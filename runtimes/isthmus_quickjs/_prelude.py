"""The prelude's scripts as bytecode, compiled in a guest of its own.

A compiler leaves litter on the heap, several times as much as it makes, and what is on the heap of an
image is copied before every call.  So images only ever see the bytecode.
"""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from isthmus.errors import RuntimeFault

from ._boot import Boot
from ._frames import THROWN
from ._kept import read_kept, write_kept

if TYPE_CHECKING:
    from ._guest import Guest

__all__ = ["START", "compile_prelude", "compile_script"]

START: Final = b"__native.load('module:core')"
"""Evaluated in a guest that has booted, it runs the prelude's heart."""

COMPILE: Final = "__native.base64Encode(__native.compile({}, {}), false)"


def compile_prelude(guest: Guest, directory: Path, cache: Path, stack: int, memory: int) -> dict[str, bytes]:
    """The bytecode of each script in a directory and below, by its path in there without suffix: ``crypto/keys``.

    Args:
        guest: what compiles it; bytecode of one guest is no other's.
        directory: where the scripts are.
        cache: where it is kept on disk, so that the next process starts in a tenth of the time.
        stack: bytes of stack the compiler may use.
        memory: bytes of memory it may use.

    Raises:
        RuntimeFault: a script has an error.
    """
    sources = {
        path.relative_to(directory).with_suffix("").as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(directory.rglob("*.js"))
    }
    key = hashlib.sha256(guest.fingerprint + msgspec.msgpack.encode(sources)).hexdigest()[:32]
    kept = cache / f"{key}.msgpack"
    if (content := read_kept(kept)) is not None:
        with suppress(msgspec.MsgspecError):
            return msgspec.msgpack.decode(content, type=dict[str, bytes])
    compiled = {name: compile_script(guest, name, text, stack, memory) for name, text in sources.items()}
    write_kept(kept, msgspec.msgpack.encode(compiled))
    return compiled


def compile_script(guest: Guest, name: str, text: str, stack: int, memory: int) -> bytes:
    """The bytecode of a script, compiled in a guest of its own.

    Raises:
        RuntimeFault: it has an error.
    """
    texts = (msgspec.json.encode(part).decode() for part in (text, f"isthmus:{name}"))
    boot = Boot(guest, None, memory)
    try:
        boot.boot(stack, 0)
        frame = boot.evaluate("isthmus:compile", COMPILE.format(*texts).encode())
    finally:
        boot.close()
    if frame.status == THROWN:
        raise RuntimeFault(f"{name}.js does not compile: {frame.value.decode(errors='replace')}")
    return base64.b64decode(msgspec.json.decode(frame.value, type=str))
