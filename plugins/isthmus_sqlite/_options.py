"""How a file is kept: the options of ``sqlite:PATH?name=value``, decoded and held to what is safe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, final
from urllib.parse import unquote, urlsplit

import msgspec

from isthmus import EngineError, QueueError

__all__ = ["Options", "options_from", "path_from"]

_MIB: Final = 1024 * 1024


@final
class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be said of one file.

    Attributes:
        sync: ``full``: a commit is on the disk before it counts; ``normal``: a power cut takes back the last ones.
        unsafe: take an option that can lose what was accepted.
        max_bytes: of the file in use; beyond that nothing is taken in until something has gone.
        min_free: bytes of the disk that are left to what settles deliveries: nothing is taken in below.
        check: how the file is read through when it is opened: ``quick`` for its structure, ``full`` for its indexes
            as well, ``none``.
        cache: bytes of the file kept in memory.
        beside: ask the process that has the file open, and do not open it here.
    """

    sync: Literal["full", "normal"] = "full"
    unsafe: bool = False
    max_bytes: int = 2**62
    min_free: int = 64 * _MIB
    check: Literal["quick", "full", "none"] = "quick"
    cache: int = 32 * _MIB
    beside: bool = False


def options_from(given: Mapping[str, str]) -> Options:
    """Decode the options of a URL.

    Raises:
        EngineError: one is unknown or has no value of its kind.
        QueueError: one is not safe, and ``unsafe`` was not given.
    """
    try:
        options = msgspec.convert(dict(given), Options, strict=False)
    except msgspec.ValidationError as exc:
        raise EngineError(f"the options of a sqlite: queue: {exc}") from exc
    if min(options.max_bytes, options.min_free, options.cache) < 0:
        raise EngineError("the options of a sqlite: queue: a number of bytes is not below 0")
    if options.sync != "full" and not options.unsafe:
        raise QueueError(
            "sync=normal loses the last accepted events in a power cut; with unsafe=1 it is taken"
        )
    return options


def path_from(url: str) -> Path:
    """The file that a URL names.

    Raises:
        EngineError: it names none.
    """
    parts = urlsplit(url)
    if parts.netloc or not parts.path or "\0" in unquote(parts.path):
        raise EngineError(f"the queue in a file is named sqlite:PATH, not {url!r}")
    return Path(unquote(parts.path))
