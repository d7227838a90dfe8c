"""One call after another in this process: the handler run, and its ending put into JSON."""

from __future__ import annotations

import contextlib
import json
import marshal
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from isthmus_guest._door import door
from isthmus_guest._errors import InvalidEventPayload
from isthmus_guest._request import Request
from isthmus_guest._segment import segment

from . import clock, console, lines, loading, loops, traces
from .values import text_of

if TYPE_CHECKING:
    import asyncio

__all__ = ["rehearse", "taken_up"]

REHEARSAL = json.dumps(
    {
        "handler": "onTrack",
        "seed": "00" * 32,
        "settings": {"a": "text"},
        "argument": {"properties": [{"text": "x" * 50, "number": 1.5, "nothing": None}] * 10},
    }
).encode()
"""A call such as many are, of about a kilobyte."""

told: dict[str, Any] = {}
"""What else is said with the ending of the call under way."""

_runners: list[asyncio.Runner] = []


def taken_up(image: dict[str, Any]) -> Callable[[bytes], bytes]:
    """Run the body of a function's module; what comes back runs calls.

    Args:
        image: ``code`` and ``source`` of the function, its ``file``, whether it is ``lenient``, ``output_bytes``.
    """
    file: str = image["file"]
    source: str = image["source"]
    segment.lenient = image["lenient"]
    broken: BaseException | None = None
    handlers: dict[str, Any] = {}
    followed = False

    def defined() -> dict[str, Any]:
        code = marshal.loads(image["code"])  # noqa: S302 -- confined
        return loading.handlers_of(loading.define(code, file, loading.module_name(file)))

    try:
        handlers = defined()
    except BaseException as error:  # noqa: BLE001 -- it did not fail when it was loaded; the call hears of it
        broken = error

    def followed_run(call: dict[str, Any]) -> bytes:
        """A call of which it is told what ran: the body as well, which is run again where no call has come before."""
        nonlocal followed, handlers
        ran: set[int] = set()
        try:
            if not followed:
                followed, door.loading = True, True
                with lines.following(file, ran):
                    handlers = defined()
            door.loading = False
            with lines.following(file, ran):
                value = _invoke(handlers[call["handler"]], call)
        finally:
            told["lines"] = sorted(ran)
        return _returned(value, image["output_bytes"])

    def run(payload: bytes) -> bytes:
        told.clear()
        segment.messages.clear()
        try:
            call = _read(payload)
            clock.start(call["now"], bytes.fromhex(call["seed"]), still=call["still"])
            if broken is not None:
                raise broken
            if call["traced"]:
                return followed_run(call)
            value = _invoke(handlers[call["handler"]], call)
            return _returned(value, image["output_bytes"])
        except MemoryError:
            return _encoded({"ok": False, "exhausted": True})
        except BaseException as error:  # noqa: BLE001 -- SystemExit and KeyboardInterrupt are the function's too
            return _encoded({"ok": False, "thrown": traces.described(error, file, source)})

    return run


def rehearse(image: dict[str, Any]) -> None:
    """Do what a call does but for its handler: pages shared with the zygote are copied now, not in the call."""
    with contextlib.suppress(Exception):  # what the function's module has broken its call will tell
        call = _read(REHEARSAL)
        clock.start(clock.time_of_machine(), bytes.fromhex(call["seed"]))
        value = _invoke(_awaited_stand_in if image["asynchronous"] else _stand_in, call)
        text_of({"left_out": 0, "ok": True, "note": "", "value": value})


def _stand_in(event: Any, settings: Any) -> Any:
    return {"event": event, "settings": settings}


async def _awaited_stand_in(event: Any, settings: Any) -> Any:
    return {"event": event, "settings": settings}


def _read(payload: bytes) -> dict[str, Any]:
    try:
        call: dict[str, Any] = json.loads(payload)
    except (ValueError, RecursionError) as error:
        kind = (
            "is nested too deeply"
            if isinstance(error, RecursionError)
            else "holds a number of too many digits"
        )
        raise InvalidEventPayload(f"the event {kind} for Python to read") from None
    return call


def _invoke(handler: Callable[..., Any], call: dict[str, Any]) -> Any:
    argument = call["argument"]
    if call["handler"] == "onRequest":
        argument = Request(argument)
    value = handler(argument, call["settings"])
    if hasattr(value, "__await__"):
        return _runner().run(_awaited(value))
    return value


def _runner() -> asyncio.Runner:
    """The event loop of this process's calls, made ahead where handlers are async."""
    if not _runners:
        import asyncio  # slow to import, and most functions have no use for it

        runner = asyncio.Runner()
        loops.tell(runner.get_loop())
        _runners.append(runner)
    return _runners[0]


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value


def _returned(value: Any, most: int) -> bytes:
    """The ending of a handler that returned.

    A value that JSON cannot hold is a note; messages that it cannot hold fail the call.
    """
    messages = "[" + ",".join(map(text_of, segment.messages)) + "]" if segment.messages else ""
    text = note = ""
    if value is not None:
        try:
            text = text_of(value)
        except (TypeError, ValueError, RecursionError) as error:
            note = str(error) if not isinstance(error, RecursionError) else "it is nested too deeply"
    size = len(text) + len(messages)
    if size > most:
        return _encoded({"ok": False, "too_large": size})
    head = _encoded({"ok": True, "note": note})[:-1]
    parts = [head.decode()]
    if text:
        parts.append(f',"value":{text}')
    if messages:
        parts.append(f',"messages":{messages}')
    return ("".join(parts) + "}").encode()


def _encoded(fields: dict[str, Any]) -> bytes:
    console.flush()
    return text_of({"left_out": console.left_out(), **told, **fields}).encode()
