"""WASI commands and reactors: a call is JSON on standard input, its reply JSON on standard output, the log standard error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, final

import msgspec

from isthmus.abc import Call, Ending, Host, Returned, Thrown
from isthmus.limits import Limits
from isthmus.rules import well_formed

from ._course import Sealed
from ._requests import shown_request
from ._talk import Talk
from ._world import World

__all__ = ["Command"]

ARGUMENTS: Final = {"onBatch": b"events", "onRequest": b"request"}
EXCERPT: Final = 200
"""Characters of an output that is no reply, or of a log, that an error repeats."""


@final
class Fault(msgspec.Struct, frozen=True):
    """What a reply says was thrown; ``retryAfter`` is seconds, or as a header has it."""

    message: str = ""
    name: str = "Error"
    stack: str = ""
    retry_after: float | str | None = msgspec.field(default=None, name="retryAfter")


@final
class Reply(msgspec.Struct, frozen=True, rename={"value": "return"}):
    """What a command writes on its standard output."""

    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    events: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: Fault | msgspec.UnsetType = msgspec.UNSET
    messages: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET


_decoder = msgspec.json.Decoder(Reply)


class Command:
    """How a WASI command or reactor is run.

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
        del variables
        name = ARGUMENTS.get(call.handler, b"event")
        argument = shown_request(call.argument) if name == b"request" else call.argument
        data = b'{"handler":"%b","%b":%b,"settings":%b}\n' % (
            call.handler.encode(),
            name,
            argument,
            call.settings,
        )
        return Talk(call, host, self._limits, data, stdin=True)

    def ending(self, world: World, talk: Talk, result: int) -> Ending:
        """What came of a function that returned; a number other than 0 is an exit status."""
        if result:
            return self.exited(world, talk, result)
        return self._reply(talk, talk.take_output(world))

    def exited(self, world: Sealed, talk: Talk, status: int) -> Ending:
        """What came of a command that exited by itself."""
        output = talk.take_output(world)
        if status == 0:
            return self._reply(talk, output)
        try:
            reply = _read(output)
        except (ValueError, RecursionError):
            reply = Reply()
        if isinstance(reply.error, Fault):
            return _thrown(reply.error)
        said = talk.last_words(world)
        return Thrown("Error", f"exit status {status}" + (f": {said[-EXCERPT:]}" if said else ""))

    def _reply(self, talk: Talk, output: bytes) -> Ending:
        if not output.strip():
            return Returned()
        try:
            reply = _read(output)
        except (ValueError, RecursionError) as error:
            shown = output[:EXCERPT].decode("utf-8", "replace")
            return Thrown("InvalidReply", f"its standard output is no reply ({error}): {shown}")
        if isinstance(reply.error, Fault):
            return _thrown(reply.error)
        if isinstance(reply.messages, list):
            talk.messages += [bytes(message) for message in reply.messages]
        value = reply.events if isinstance(reply.events, msgspec.Raw) else reply.value
        if isinstance(value, msgspec.Raw):
            return Returned(bytes(value))
        if isinstance(reply.messages, list):
            return Returned()
        return Thrown(
            "InvalidReply",
            'its standard output has none of "return", "events", "error" and "messages": '
            + output[:EXCERPT].decode("utf-8", "replace"),
        )


def _read(output: bytes) -> Reply:
    """A reply; half a pair of surrogates is U+FFFD, as from a function in any language.

    Raises:
        ValueError: it is none.
        RecursionError: it is nested too deeply.
    """
    output.decode()
    try:
        return _decoder.decode(output)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return _decoder.decode(well_formed(output))


def _thrown(fault: Fault) -> Thrown:
    return Thrown(fault.name or "Error", fault.message, fault.stack, fault.retry_after)
