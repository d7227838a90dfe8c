"""What an embedder offers to functions beyond fetch and cache: a function of its own, under a name, typed by its annotations.

::

    class Where(msgspec.Struct):
        city: str

    @engine.capability("geo.lookup")
    async def lookup(where: Where, caller: Caller) -> Place: ...

A function that was granted it (``Function(capabilities=("geo.lookup",))``) asks for it by that name, in any language:
``await capability("geo.lookup", {city: "Oslo"})`` in JavaScript.  What it hands over is checked against the annotation of the
first parameter, and what it gets is encoded from the annotation of the result; both are JSON between the two.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, final, get_type_hints

import msgspec
import trio

from .errors import CapabilityError, EngineError

__all__ = ["Caller", "Capability"]

NAME: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*", re.ASCII)
LONGEST_NAME: Final = 100

Carry = Callable[..., Awaitable[Any]]
"""Calls the embedder's function with its arguments, where it belongs: ``carry(function, *args)``."""


@final
class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: names that the embedder gave, never what a function says of itself.

    Attributes:
        function: the function's name.
        instance: the instance's name.
    """

    function: str
    instance: str


async def call_here(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function where the engine runs: an async one is of Trio, a plain one must not block."""
    value = function(*args)
    return await value if inspect.isawaitable(value) else value


@final
class Capability:
    """One of them; made by :meth:`isthmus.Engine.capability`.

    Args:
        name: ``geo.lookup``: words of lower-case letters, digits and underscores, joined by dots.
        function: takes the argument, the argument and a :class:`Caller`, or nothing; async or plain.
        timeout: seconds one use may take; None for what is left of the call.
        carry: calls it where it belongs, in the engine's thread by default.

    Raises:
        EngineError: the name is none, or no JSON is of a type in its annotations.
    """

    __slots__ = ("_carry", "_decoder", "_function", "_parameters", "_result", "name", "timeout")

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        *,
        timeout: float | None = None,
        carry: Carry = call_here,
    ) -> None:
        if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
            raise EngineError(
                f"a capability is named by words of lower-case letters and digits joined by dots, as geo.lookup is; "
                f"{name[:LONGEST_NAME]!r} is no such name"
            )
        if timeout is not None and not timeout > 0:
            raise EngineError(
                f"the timeout of capability {name!r} is a positive number of seconds, not {timeout!r}"
            )
        parameters = list(inspect.signature(function).parameters.values())
        if len(parameters) > 2 or any(
            one.kind in {one.VAR_POSITIONAL, one.KEYWORD_ONLY} for one in parameters
        ):
            raise EngineError(
                f"capability {name!r} is a function of its argument, and of a Caller where it wants to know who asks"
            )
        self.name = name
        self.timeout = timeout
        self._function = function
        self._carry = carry
        self._parameters = len(parameters)
        try:
            hints = get_type_hints(function)
            argument = hints.get(parameters[0].name, Any) if parameters else None
            self._result = hints.get("return", Any)
            for type_ in (argument, self._result):
                msgspec.json.schema(type_)  # raises, where a decoder only would with the first value
            self._decoder = msgspec.json.Decoder(argument)
        except (TypeError, NameError) as error:
            raise EngineError(f"capability {name!r} has a type that no JSON is of: {error}") from error

    def __repr__(self) -> str:
        return f"<isthmus.Capability {self.name!r}>"

    async def use(self, argument: bytes, caller: Caller) -> bytes:
        """Check an argument, call the function, and encode what it gives.

        Args:
            argument: JSON text.
            caller: who asks.

        Raises:
            CapabilityError: the argument is not of its type, it took too long, or the function raised this itself.
            Exception: whatever else the function raised; nobody but the embedder is to see it.
        """
        try:
            given = self._decoder.decode(argument)
        except (ValueError, RecursionError) as error:  # those of msgspec and of UTF-8 are ValueErrors
            raise CapabilityError(
                f"the argument of the capability {self.name!r} does not fit: {error}", code="invalid_argument"
            ) from None
        with trio.move_on_after(float("inf") if self.timeout is None else self.timeout):
            value = await self._carry(self._function, *(given, caller)[: self._parameters])
            return msgspec.json.encode(msgspec.convert(value, self._result))
        raise CapabilityError(
            f"the capability {self.name!r} took longer than {self.timeout:g} s", code="timeout"
        )
