"""Extism plug-ins: the event is the input, the settings the configuration, the output what the handler returns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, final

import msgspec

from isthmus.abc import Call, Ending, Host, Killed, Returned, Thrown
from isthmus.limits import Limits
from isthmus.rules import well_formed

from ._requests import shown_request
from ._talk import Talk
from ._world import World

__all__ = ["Plugin"]

OUTPUT_AT, OUTPUT_LENGTH_AT, ERROR_AT = 80, 84, 88
NAMED: Final = re.compile(
    r"(EventNotSupported|DropEvent|InvalidEventPayload|[A-Z][A-Za-z]*Error):\s*(.*)", re.DOTALL
)
"""An error's message that begins with its name, as development kits have no other place for one."""


@final
class Fault(msgspec.Struct, frozen=True):
    """An error's message that is JSON; ``retryAfter`` is seconds, or as a header has it."""

    name: str
    message: str = ""
    retry_after: float | str | None = msgspec.field(default=None, name="retryAfter")


class Plugin:
    """How an Extism plug-in is run.

    Args:
        entries: the export that runs, by handler.
        limits: of each call.
    """

    def __init__(self, entries: Mapping[str, str], limits: Limits) -> None:
        self._entries = entries
        self._limits = limits

    def entry(self, call: Call) -> str:
        """Which export runs."""
        return self._entries[call.handler]

    def talk(self, call: Call, host: Host, variables: dict[bytes, bytes] | None) -> Talk:
        """What one call begins with."""
        data = shown_request(call.argument) if call.handler == "onRequest" else call.argument
        return Talk(
            call, host, self._limits, data, stdin=False, config=_config(call.settings), variables=variables
        )

    def ending(self, world: World, talk: Talk, result: int) -> Ending:
        """What came of a function that returned."""
        del talk
        if error := world.read_u32(ERROR_AT):
            return _thrown(world.block(error).decode("utf-8", "replace"))
        if result:
            return Thrown("Error", f"the plug-in's function returned {result}")
        length = world.read_u32(OUTPUT_LENGTH_AT)
        if length > self._limits.output_bytes:
            limit = self._limits.output_bytes
            return Killed("output", f"the call handed out {length} bytes, more than its limit of {limit}")
        return Returned(_value(world.read(world.read_u32(OUTPUT_AT), length)))

    def exited(self, world: World, talk: Talk, status: int) -> Ending:
        """What came of one that exited as a command does."""
        if status == 0:
            return self.ending(world, talk, 0)
        return Thrown("Error", f"exit status {status}")


def _config(settings: bytes) -> dict[str, bytes]:
    """Settings as an Extism configuration: strings as they are, anything else as JSON."""
    return {
        name: value.encode() if isinstance(value, str) else msgspec.json.encode(value)
        for name, value in msgspec.json.decode(settings, type=dict[str, object]).items()
    }


def _value(output: bytes) -> bytes:
    """The output as JSON: as it is where it is JSON, else as a string of it."""
    if not output:
        return b""
    try:
        output.decode()
        msgspec.json.decode(well_formed(output), type=msgspec.Raw)
    except (ValueError, RecursionError):
        return msgspec.json.encode(output.decode("utf-8", "replace"))
    return output


def _thrown(text: str) -> Thrown:
    try:
        fault = msgspec.json.decode(text, type=Fault)
    except (msgspec.DecodeError, RecursionError):
        named = NAMED.fullmatch(text.strip())
        return Thrown(named[1], named[2]) if named else Thrown("Error", text)
    return Thrown(fault.name, fault.message, retry_after=fault.retry_after)
