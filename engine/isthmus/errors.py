"""What can go wrong, and whose fault it is.

::

    IsthmusError
    ├── EngineError            the embedder used the API wrongly; raised at the call
    │   ├── EngineClosed           the engine (or the instance) has been closed
    │   ├── InvalidFunction        a function's definition contradicts itself
    │   ├── InvalidSettings        setting values do not fit their definitions
    │   ├── InvalidInput           an event, a batch or a request is not one
    │   ├── PluginError            no plugin, or two, for what was asked
    │   └── TapeError              a tape cannot be read, or be replayed
    ├── LoadError              the author's code does not load: message, file, line, column, excerpt
    ├── RuntimeFault           a runtime broke its promises; the program is discarded
    ├── QueueError             a queue's storage is away, or does not do what was asked
    │   ├── QueueFull              there is no room for what was to be kept; nothing of it was
    │   └── QueueInUse             another process has the storage for itself
    ├── FetchError             a request got no response; the function sees it as its own FetchError
    └── CapabilityError        a capability was refused or failed; the function sees it as its own CapabilityError

What a function throws, returns or runs into is none of these: it is data, an
:class:`isthmus.Outcome`.
"""

from __future__ import annotations

from typing import final

__all__ = [
    "CapabilityError",
    "EngineClosed",
    "EngineError",
    "FetchError",
    "InvalidFunction",
    "InvalidInput",
    "InvalidSettings",
    "IsthmusError",
    "LoadError",
    "PluginError",
    "QueueError",
    "QueueFull",
    "QueueInUse",
    "RuntimeFault",
    "TapeError",
]


class IsthmusError(Exception):
    """The root of the tree."""


class EngineError(IsthmusError):
    """The embedder's fault: raised at the call that made it."""


@final
class EngineClosed(EngineError):
    """The engine, or the instance, was closed before or during the call."""


@final
class InvalidFunction(EngineError):
    """A function's definition contradicts itself or names what does not exist."""


@final
class InvalidSettings(EngineError):
    """Setting values do not fit their definitions.

    Attributes:
        problems: one sentence for each setting at fault, none with a value in it.
    """

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


@final
class InvalidInput(EngineError):
    """An event, a batch or a request has not the shape of one, or is too large."""


@final
class PluginError(EngineError):
    """No plugin offers what was asked for, or two claim it."""


@final
class TapeError(EngineError):
    """A tape is damaged, sealed with another key, of a later version, or holds too little to be replayed."""


@final
class LoadError(IsthmusError):
    """The author's code does not load.

    Attributes:
        message: what the language said, without position.
        file: the name the function's code goes by.
        line: 1-based line in the author's own file, or None where unknown.
        column: 1-based column, or None where unknown.
        excerpt: the line at fault with its neighbours and a caret, or "".
    """

    def __init__(
        self,
        message: str,
        *,
        file: str = "",
        line: int | None = None,
        column: int | None = None,
        excerpt: str = "",
    ) -> None:
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.excerpt = excerpt
        place = ":".join(str(part) for part in (file, line, column) if part not in {"", None})
        head = f"{place}: {message}" if place else message
        super().__init__(f"{head}\n{excerpt}" if excerpt else head)


@final
class RuntimeFault(IsthmusError):
    """A runtime broke its promises: a malformed reply, a crash of its own machinery."""


class QueueError(IsthmusError):
    """A queue's storage is away, damaged, or does not do what was asked; the operator's fault."""


@final
class QueueFull(QueueError):
    """There is no room for what was to be published; nothing of the call was kept."""


@final
class QueueInUse(QueueError):
    """Another process has the storage for itself.

    Attributes:
        beside: a URL under which that process may be asked: it takes deliveries in, and says what is there; or "".
    """

    def __init__(self, message: str, *, beside: str = "") -> None:
        super().__init__(message)
        self.beside = beside


@final
class FetchError(IsthmusError):
    """A request got no response.

    Attributes:
        code: Node's name for the cause (``ECONNREFUSED``, ``ENOTFOUND``, ``ETIMEDOUT``, ...) or "".
        type: node-fetch's ``FetchError.type`` (``system``, ``max-size``, ``max-redirect``, ...).
    """

    def __init__(self, message: str, *, code: str = "", type: str = "system") -> None:  # noqa: A002 -- node-fetch's name
        super().__init__(message)
        self.code = code
        self.type = type


@final
class CapabilityError(IsthmusError):
    """A capability was refused or failed; raised by an embedder's own function, its message and code reach the guest.

    Attributes:
        code: ``not_granted``, ``invalid_argument``, ``limit``, ``timeout``, ``failed``, or the embedder's own.
    """

    def __init__(self, message: str, *, code: str = "failed") -> None:
        super().__init__(message)
        self.code = code
