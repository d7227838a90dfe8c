"""``isthmus invoke``: a function, once, and all there is to see of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, final

import msgspec

from isthmus.functions import Kind
from isthmus.outcomes import Outcome, Status

from . import units
from .definition import Project, read_file
from .faults import FAILED, OK, UsageFault
from .feeds import Feed
from .opening import Opened, in_trio, open_function, project_of
from .options import Parser, add_calls, add_definition, add_recording
from .screen import Screen
from .shown import show
from .splitting import Flaw, Piece, Unreadable, detecting
from .webhooks import webhook

__all__ = ["execute", "parser"]

TRACE_BYTES: Final = 64 * 1024
"""Of each body kept where somebody wants to see it all."""


def parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="isthmus invoke",
        usage="isthmus invoke FUNCTION [--event FILE|JSON|- | --request FILE|JSON|-] [options]",
        description="""
            Runs a function once and shows how it ended, what it printed, its requests, the messages
            it sent, what it returned, and the time and memory it took.
        """,
        epilog="""
            examples:
              isthmus invoke my-orders --sink endpoint             the first event of its sample
              isthmus invoke my-orders --sink endpoint --line 3 -v the third, with all headers and bodies
              isthmus invoke track.js --event '{"type": "track", "event": "Hello", "userId": "u1"}'
              isthmus invoke hook.js --request '{"headers": {"X-Topic": "a"}, "body": {"id": 1}}' --json

            exit status: 0 delivered or dropped, 1 refused or to be tried again, 2 a wrong call,
            3 the function does not load
        """,
    )
    add_definition(parser)
    group = parser.add_argument_group("what it gets")
    group.add_argument(
        "--event",
        metavar="EVENT",
        help="an event: JSON, a file, or - for standard input (default: of the sample)",
    )
    group.add_argument(
        "--request",
        metavar="REQUEST",
        help='for a source function, a webhook: JSON like {"method", "url", "headers", "body"}, or the body alone',
    )
    group.add_argument(
        "--line",
        metavar="N",
        type=units.count,
        help="which event of the file, by its line, or its place in an array (default: the first)",
    )
    group.add_argument("--batch", action="store_true", help="give all events of the file to onBatch")
    group = parser.add_argument_group("output")
    group.add_argument("--verbose", "-v", action="store_true", help="with the headers and bodies of requests")
    group.add_argument("--json", action="store_true", help="print the outcome as one line of JSON")
    add_recording(parser)
    add_calls(parser)
    return parser


@in_trio
async def execute(arguments: argparse.Namespace, plugins: Sequence[object]) -> int:
    """Run the command and give its exit status."""
    project = project_of(arguments)
    given = _given(arguments, project)
    sampling = not (arguments.event or arguments.request)
    async with open_function(
        arguments, project, plugins, sampling=sampling, trace_bytes=TRACE_BYTES
    ) as opened:
        outcome = await _invoke(opened, given, arguments)
    if arguments.json:
        sys.stdout.write(msgspec.json.encode(outcome).decode() + "\n")
        sys.stdout.flush()
    else:
        show(outcome, Screen(sys.stdout), bodies=arguments.verbose)
    return OK if outcome.status in {Status.DELIVERED, Status.DROPPED} else FAILED


async def _invoke(opened: Opened, given: _Given, arguments: argparse.Namespace) -> Outcome:
    engine, instance = opened.engine, opened.instance
    if arguments.batch:
        return await engine.invoke_batch(instance, given.all())
    event = given.at(arguments.line)
    if opened.kind is Kind.SOURCE:
        return await engine.invoke(instance, webhook(event))
    if arguments.request:
        raise UsageFault(f"--request is for source functions, and this is a {opened.kind.value} function")
    return await engine.invoke(instance, event)


# ---------------------------------------------------------------- what it gets


@final
class _Given:
    """The events that were named, by line or by place in an array; the engine refuses those that are none.

    Raises:
        UsageFault: there are none.
    """

    def __init__(self, name: str, noun: str, pieces: Iterable[Piece]) -> None:
        self._name = name
        self._noun = noun
        # Blank lines count and are no events.
        self._events = {n: piece for n, piece in enumerate(pieces, 1) if piece and not piece.isspace()}
        if not self._events:
            raise UsageFault(f"{name} holds no event")

    def at(self, number: int | None) -> bytes:
        """The event of a line, by default the first there is."""
        place = min(self._events) if number is None else number
        if place not in self._events:
            held = f"its {self._noun}s go from {min(self._events)} to {max(self._events)}"
            raise UsageFault(f"--line {place}: {self._name} holds no event there; {held}")
        return self._sound(place)

    def all(self) -> list[bytes]:
        """All of them, in order."""
        return [self._sound(place) for place in self._events]

    def _sound(self, place: int) -> bytes:
        piece = self._events[place]
        if isinstance(piece, Flaw):
            raise UsageFault(f"{self._name}, {self._noun} {place}: {piece}")
        return piece


def _given(arguments: argparse.Namespace, project: Project) -> _Given:
    if arguments.event and arguments.request:
        raise UsageFault("--event and --request exclude each other")
    named: str | None = arguments.event or arguments.request
    if named is None:
        named = project.sample_file(project.manifest.sample.events)
        if not named:
            raise UsageFault("no event: give one by --event, or --request for a source function")
    if named.lstrip()[:1] in {"{", "["}:
        return _split([named.encode()], "the event")
    if named != "-":
        data = read_file(Path(named))  # in its own words where it is not there
        if not data.strip():
            raise UsageFault(f"{named} is empty")
    feed = Feed(named)
    try:
        return _split(list(iter(feed.read, b"")), feed.name)
    except Unreadable as exc:
        raise UsageFault(f"{feed.name} cannot be read: {exc}") from None
    finally:
        feed.close()


def _split(chunks: Sequence[bytes], name: str) -> _Given:
    """Split events; one that is laid out over several lines is one."""
    whole = b"".join(chunks)
    try:
        value = msgspec.json.decode(whole, type=msgspec.Raw)
        if not bytes(value).lstrip().startswith(b"["):
            return _Given(name, "event", [whole])
    except (ValueError, RecursionError):
        pass  # several, or a broken one, of which the engine will say what is wrong
    splitter = detecting(max(len(whole), 1))
    pieces = [*splitter.feed(whole), *splitter.end()]
    return _Given(name, splitter.noun, pieces)
