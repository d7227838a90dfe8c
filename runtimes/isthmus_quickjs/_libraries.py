"""What guests ask of Segment's libraries: the bytecode of a part, a text of a table."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Final

from isthmus.cachedir import cache_directory

from ._kept import read_kept, write_kept
from ._memory import running
from ._prelude import compile_script
from .libraries.bundles import Bundles

if TYPE_CHECKING:
    from ._guest import Guest

__all__ = ["LibraryScripts"]

STACK: Final = 3 * 1024 * 1024
MEMORY: Final = 256 * 1024 * 1024
"""Bytes that compiling a part may take."""


class LibraryScripts:
    """The parts of this machine's bundles as bytecode, each compiled when a guest first asks for it.

    Args:
        guest: whose bytecode it is.
        bundles: what there is.
    """

    def __init__(self, guest: Guest, bundles: Bundles) -> None:
        self._guest = guest
        self._bundles = bundles
        self._compiled: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def bytecode(self, part: str) -> bytes:
        """A part's bytecode.

        Raises:
            KeyError: there is no such part.
            RuntimeFault: it does not compile.
        """
        compiled = self._compiled.get(part)
        if compiled is None:
            with self._lock:
                compiled = self._compiled[part] = self._compiled.get(part) or self._kept(part)
        return compiled

    def look_up(self, table: str, key: bytes) -> bytes:
        """A byte and a text of a table, or nothing where it has none under this key.

        Raises:
            KeyError: there is no such table.
        """
        text = self._bundles.look_up(table, key.decode())
        return b"" if text is None else b"+" + text.encode()

    def _kept(self, part: str) -> bytes:
        script = self._bundles.script(part)
        key = hashlib.sha256(self._guest.fingerprint + script.encode()).hexdigest()[:32]
        path = cache_directory() / "parts" / f"{key}.bin"
        if (content := read_kept(path)) is not None:
            return content
        asking = running.memory  # of the guest that this thread runs, and that waits for it
        try:
            compiled = compile_script(self._guest, part, script, STACK, MEMORY)
        finally:
            running.memory = asking
        write_kept(path, compiled)
        return compiled
