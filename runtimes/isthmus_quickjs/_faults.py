"""Whether a write to a page that cannot be written stops a guest, or the process.

wasmtime makes a trap of it in its handler of the signal.  Whoever puts another handler in front of it,
``faulthandler.enable()`` for one, ends the process with the first; so it is asked first.
"""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable
from typing import Final

__all__ = ["faults_are_traps", "find_mprotect"]

_LIBRARY: Final = b"wasmtime"
_ACTION_SIZE: Final = 256  # more than any C library's struct sigaction, which begins with the handler


def find_mprotect() -> Callable[[int, int, int], int] | None:
    """The system's own, None where there is none or nobody knows what a fault comes to."""
    if not sys.platform.startswith("linux"):
        return None
    function = ctypes.CDLL(None).mprotect
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    function.restype = ctypes.c_int
    checked: Callable[[int, int, int], int] = function
    return checked


class _Handlers:
    """Which handlers of the signal are wasmtime's, by their addresses."""

    def __init__(self) -> None:
        self._known: dict[int, bool] = {}
        self._action = ctypes.create_string_buffer(_ACTION_SIZE)
        self._handler = ctypes.c_void_p.from_buffer(self._action)
        library = ctypes.PyDLL(None)  # keeps Python's lock: it is asked before every crossing
        self._sigaction = library.sigaction
        self._dladdr = library.dladdr

    def __call__(self) -> bool:
        if self._sigaction(signal.SIGSEGV, None, self._action) != 0:
            return False
        address = self._handler.value or 0
        ours = self._known.get(address)
        if ours is None:
            ours = self._known[address] = _LIBRARY in self._file_of(address).rpartition(b"/")[2]
        return ours

    def _file_of(self, address: int) -> bytes:
        """The file from which what stands there was loaded, b"" where it was not."""
        symbol = (ctypes.c_void_p * 4)()  # a Dl_info, which begins with the file's name
        if not self._dladdr(ctypes.c_void_p(address), symbol):
            return b""
        return ctypes.cast(symbol[0] or 0, ctypes.c_char_p).value or b""


faults_are_traps: Final[Callable[[], bool]] = (
    _Handlers() if sys.platform.startswith("linux") else lambda: False
)
"""Whether wasmtime's handler is the first to hear of one, as things stand."""
