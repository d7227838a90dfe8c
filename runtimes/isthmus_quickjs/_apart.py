"""Large code compiled apart from the image that it becomes part of.

A compiler leaves litter on the heap, several times as much as it makes, and what is on the heap of an image is copied
before every call, or is why each call gets a new world.  So what is large is compiled in a world that is thrown away,
which runs none of it, and comes into its image as bytecode without source text.  Bytecode is never taken from anybody.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Literal, cast

import msgspec

from isthmus.cachedir import cache_directory
from isthmus.errors import RuntimeFault

from ._frames import HANDLERS
from ._kept import read_kept, write_kept
from ._source import Source

__all__ = ["APART", "Apart", "compile_apart", "mentions"]

APART: Final = 64 * 1024
"""Characters of code from which on it is compiled apart; of less, the litter is not worth a world."""
MENTIONED: Final = (".buffer()", "headers", "url", *HANDLERS)
"""What loading looks for in the code, as text anywhere in it."""
PROCESS: Final = re.compile(r"\bprocess\b")


class Apart(msgspec.Struct, frozen=True):
    """What code was compiled to.

    Attributes:
        goal: what it is.
        bytecode: of this guest, and of no other.
    """

    goal: Literal["script", "module"]
    bytecode: bytes


def mentions(code: str) -> str:
    """A text that loading takes for the code: it mentions what the code does."""
    found = [text for text in MENTIONED if text in code]
    return " ".join([*found, "process"] if PROCESS.search(code) else found)


def compile_apart(source: Source, version: bytes, compiler: Callable[[], str]) -> Apart:
    """What the code is compiled to, from the cache on disk where it has been before.

    Args:
        source: the code.
        version: of the guest and of its prelude.
        compiler: asks a guest for it; the answer is the goal, a colon and base64.

    Raises:
        RuntimeFault: the answer is none.
    """
    identity = msgspec.msgpack.encode([version, source.code, source.file, source.goal])
    path = cache_directory() / "functions" / f"{hashlib.sha256(identity).hexdigest()[:32]}.msgpack"
    if (content := read_kept(path)) is not None:
        with suppress(msgspec.MsgspecError):
            return msgspec.msgpack.decode(content, type=Apart)
    goal, _, text = compiler().partition(":")
    try:
        made = Apart(cast("Literal['script', 'module']", goal), base64.b64decode(text, validate=True))
    except binascii.Error as error:
        raise RuntimeFault(f"compiling answered no bytecode: {error}") from error
    write_kept(path, msgspec.msgpack.encode(made))
    return made
