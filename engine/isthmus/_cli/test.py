"""``isthmus test``: a function on its sample, against what is expected of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any, Final, final

import msgspec
import trio

from isthmus.outcomes import Exchange, Outcome

from .definition import Project, read_file
from .expectations import differences
from .faults import FAILED, INTERRUPTED, OK, UsageFault
from .job import Job
from .opening import in_trio, open_function, project_of
from .options import Parser, add_calls, add_definition
from .run import events_of
from .screen import Screen, visible

__all__ = ["execute", "parser"]

_BATCH: Final = 20
_TRACE_BYTES: Final = 1024 * 1024
_SHOWN: Final = 10


def parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="isthmus test",
        usage="isthmus test FUNCTION [EVENTS] [options]",
        description="""
            Runs a function on its sample, with the sink that function.toml names, and compares what
            became of each event with the file of what is expected: NDJSON, an object a line, each
            with the number of its "line".  What such an object says has to be so; what it leaves out
            may be anything.  Fields: handler, status, problem, requests (method, path, body, status),
            messages, items, logs, value; for a batch, line is the number of its first event.
        """,
        epilog="""
            examples:
              isthmus test my-orders
              isthmus test my-orders --update         what became of them is what is expected from now on
              isthmus test track.js events.ndjson --expected expected.ndjson --sink endpoint

            exit status: 0 all is as expected, 1 it is not, 2 a wrong call, 3 the function does not load
        """,
    )
    add_definition(parser)
    parser.add_argument("events", metavar="EVENTS", nargs="?", help="file of events (default: the sample's)")
    group = parser.add_argument_group("what is expected")
    group.add_argument("--expected", metavar="FILE", help="file of it (default: the sample's)")
    group.add_argument("--update", action="store_true", help="write that file anew")
    add_calls(parser)
    return parser


@in_trio
async def execute(arguments: argparse.Namespace, plugins: Sequence[object]) -> int:
    """Run the command and give its exit status."""
    screen = Screen(sys.stdout)
    project = project_of(arguments)
    paths = events_of([arguments.events] if arguments.events else [], project)
    path = arguments.expected or project.sample_file(project.manifest.sample.expected)
    if not path:
        raise UsageFault("nothing is expected: name a file by --expected")
    expected = {} if arguments.update else read_expected(Path(path))
    if arguments.sink is None and project.manifest.sample.sink:
        arguments.sink = ""
    status, came = await _outcomes(arguments, project, paths, plugins)
    if status == INTERRUPTED:
        return status
    if arguments.update:
        _update(Path(path), came, screen)
        return OK
    return _report(expected, came, screen)


def _update(path: Path, came: dict[int, dict[str, Any]], screen: Screen) -> None:
    path.write_bytes(b"".join(msgspec.json.encode(came[number]) + b"\n" for number in sorted(came)))
    screen.print(f"{path} now expects what became of {len(came)} lines")


async def _outcomes(
    arguments: argparse.Namespace, project: Project, paths: Sequence[str], plugins: Sequence[object]
) -> tuple[int, dict[int, dict[str, Any]]]:
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(
            open_function(arguments, project, plugins, sampling=True, trace_bytes=_TRACE_BYTES)
        )
        batch = _BATCH if opened.takes_batches else None
        # One at a time, so that a sink whose answers depend on it is asked in the order of the lines.
        job = Job(opened, Screen(sys.stderr), paths=paths, concurrency=1, batch=batch, quiet=True)
        await stack.enter_async_context(aclosing(job.stream))
        collector = _Collector(opened.sink.url if opened.sink else "")
        return await job.run(collector), collector.views


def read_expected(path: Path) -> dict[int, dict[str, Any]]:
    """Read what is expected, by line number.

    Raises:
        UsageFault: a line of the file is not that.
    """
    expected = {}
    for number, line in enumerate(read_file(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = msgspec.json.decode(line, type=dict[str, Any])
            expected[int(entry["line"])] = entry
        except (ValueError, KeyError, TypeError, RecursionError):
            raise UsageFault(
                f'{path}, line {number}: it is no JSON object with the number of a "line"'
            ) from None
    return expected


def _report(expected: dict[int, dict[str, Any]], came: dict[int, dict[str, Any]], screen: Screen) -> int:
    failed = 0
    for number, entry in sorted(expected.items()):
        found = (
            list(differences(entry, came[number]))
            if number in came
            else ["no outcome came: it holds no event, or is within a batch"]
        )
        if not found:
            continue
        failed += 1
        if failed <= _SHOWN:
            screen.print(f"{screen.paint('✗', 'bold red')} line {number}")
            for difference in found[:_SHOWN]:
                screen.print(f"    {visible(difference)}")
    if failed > _SHOWN:
        screen.print(f"… and {failed - _SHOWN} more")
    good = len(expected) - failed
    sign = screen.paint("✓", "bold green") if not failed else screen.paint("✗", "bold red")
    screen.print(f"{sign} {good} of {len(expected)} lines as expected")
    return FAILED if failed else OK


@final
class _Collector:
    """Keeps outcomes as what is compared; see :class:`.outlet.Taker`."""

    def __init__(self, sink_url: str) -> None:
        self._sink_url = sink_url
        self.views: dict[int, dict[str, Any]] = {}

    def put(self, head: bytes, outcome: Outcome) -> None:
        number = msgspec.json.decode(head + b"}")["line"]
        self.views[number] = {"line": number, **self._view(outcome)}

    async def admit(self) -> None:
        await trio.lowlevel.checkpoint()

    def end(self) -> None:
        pass

    async def run(self) -> None:
        await trio.lowlevel.checkpoint()

    def _view(self, outcome: Outcome) -> dict[str, Any]:
        """What an expectation may speak of: nothing that differs from run to run by itself."""
        text = msgspec.json.encode(
            {
                "handler": outcome.handler,
                "status": outcome.status,
                "problem": outcome.problem,
                "items": outcome.items,
                "requests": [self._request(exchange) for exchange in outcome.exchanges],
                "messages": outcome.messages,
                "logs": [log.text for log in outcome.logs],
                "value": outcome.value,
            }
        )
        view: dict[str, Any] = msgspec.json.decode(text)
        for entry in (view, *view["items"]):
            if entry.get("problem"):
                entry["problem"].pop("stack", None)
        return {name: value for name, value in view.items() if value not in (None, [], "")}

    def _request(self, exchange: Exchange) -> dict[str, Any]:
        url = exchange.url
        path = url[len(self._sink_url) :] if self._sink_url and url.startswith(self._sink_url) else url
        request: dict[str, Any] = {"method": exchange.method, "path": path, "status": exchange.status}
        if exchange.request_body:
            try:
                request["body"] = msgspec.json.decode(exchange.request_body)
            except ValueError:
                request["body"] = exchange.request_body
        return request
