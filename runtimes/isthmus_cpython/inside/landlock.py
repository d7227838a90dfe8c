"""Landlock: which files a function's process may see, and that it signals and connects to nothing outside."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterable

from .kernel import call

__all__ = ["Ruleset", "version"]

_CREATE, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_GET_VERSION = 1
_PATH_BENEATH = 1

_WRITE_FILE, _READ_FILE, _READ_DIRECTORY = 1 << 1, 1 << 2, 1 << 3
_EXECUTE, _MAKE_CHARACTER, _MAKE_SOCKET, _MAKE_BLOCK = 1 << 0, 1 << 6, 1 << 9, 1 << 11
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
"""By version of the interface, how many rights over files there are; 16 from version 5 on."""
_BIND_AND_CONNECT = 3
"""TCP, from version 4 on; no rule grants either."""
_ABSTRACT_SOCKETS_AND_SIGNALS = 3
"""Scopes, from version 6 on."""


def version() -> int:
    """Version of the kernel's interface, 0 where there is none."""
    try:
        return call(_CREATE, "landlock", 0, 0, _GET_VERSION)
    except OSError:
        return 0


class Ruleset:
    """Rules, made once and applied to every child, each being a domain of its own.

    Args:
        readable: files, and directories with all that is below.
        listed: directories whose names may be listed, at any depth, without reading a file.
        written: files to be read and written, which are there already.
        writable: directories to do everything in but execute and make devices and sockets.

    Raises:
        OSError: the kernel has no Landlock, or forbids it.
    """

    def __init__(
        self,
        *,
        readable: Iterable[str],
        listed: Iterable[str] = (),
        written: Iterable[str] = (),
        writable: Iterable[str] = (),
    ) -> None:
        self.version = version()
        if not self.version:
            raise OSError(errno.ENOSYS, "the kernel has no Landlock")
        self._handled = (1 << _RIGHTS.get(self.version, 16)) - 1
        network = _BIND_AND_CONNECT if self.version >= 4 else 0
        scopes = _ABSTRACT_SOCKETS_AND_SIGNALS if self.version >= 6 else 0
        size = 24 if scopes else 16 if network else 8
        attributes = struct.pack("<QQQ", self._handled, network, scopes)
        self._file = call(_CREATE, "landlock_create_ruleset", ctypes.c_char_p(attributes), size, 0)
        for path in readable:
            self._allow(path, _READ_FILE | _READ_DIRECTORY)
        for path in listed:
            self._allow(path, _READ_DIRECTORY)
        for path in written:
            self._allow(path, _READ_FILE | _WRITE_FILE)
        for path in writable:
            self._allow(path, ~(_EXECUTE | _MAKE_CHARACTER | _MAKE_SOCKET | _MAKE_BLOCK))

    def _allow(self, path: str, rights: int) -> None:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            if not os.path.isdir(path):
                rights &= ~_READ_DIRECTORY
            beneath = ctypes.c_char_p(struct.pack("<Qi", rights & self._handled, place))
            call(_ADD_RULE, "landlock_add_rule", self._file, _PATH_BENEATH, beneath, 0)
        finally:
            os.close(place)

    def restrict(self) -> None:
        """From here on this process sees only what the rules name, and so does all it starts."""
        call(_RESTRICT_SELF, "landlock_restrict_self", self._file, 0)

    def close(self) -> None:
        """Give the rules back."""
        os.close(self._file)
