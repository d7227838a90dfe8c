"""``isthmus test``: functions on their samples and their cases, against what is expected of them."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from isthmus._linetrace import LineTrace
from isthmus.errors import IsthmusError, LoadError

from .caserun import Cases, case_files
from .coverage import add_coverage, tell_coverage, wants_coverage
from .definition import Project, find
from .faults import FAILED, INTERRUPTED, OK, UNLOADABLE, UsageFault
from .junit import report
from .opening import in_trio
from .options import Parser, add_calls, add_definition
from .samplerun import expected_file, read_expected, run_sample, update_sample
from .screen import Screen, visible
from .verdicts import Suite, Verdict, tell
from .watching import changed, snapshot

__all__ = ["execute", "parser"]


def parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="isthmus test",
        usage="isthmus test FUNCTION... [options]",
        description="""
            Runs functions on their cases and on their samples, and compares what became of each event with what
            is expected.  What an expectation says has to be so; what it leaves out may be anything.

            A case is a file cases/NAME.json beside the code: an event (or events, or a request), the
            responses that the network has for it, and what is expected.  Nothing leaves the machine.

              {"event": {"type": "track", "event": "Order Completed", "userId": "u1"},
               "settings": {"apiKey": "k"},
               "responses": [{"method": "POST", "url": "https://api.example.com/*", "status": 201}],
               "expected": {"status": "delivered", "requests": [{"body": {"user": "u1"}}]}}

            Fields of what is expected: handler, status, problem (name, message, code), requests
            (method, url, headers, body, status, error), messages, items, logs, value.  In place of it or beside it,
            "sound": true asks that nothing but Segment's error classes is thrown, that limits are kept, that JSON can
            hold what is returned, and that a second call answers the same.  "now" and "seed" set clock and chance.

            A sample is the file of events that function.toml names, run with its sink; the file of what is expected
            has an object a line, with the number of its "line" (of a batch: of its first event).
        """,
        epilog="""
            examples:
              isthmus test my-orders
              isthmus test functions/* --junit report.xml
              isthmus test my-orders --watch -k refund
              isthmus test my-orders --coverage --lcov coverage.info
              isthmus test my-orders --update         what became of them is what is expected from now on
              isthmus test track.js --events events.ndjson --expected expected.ndjson --sink endpoint

            exit status: 0 all is as expected, 1 it is not, 2 a wrong call, 3 a function does not load
        """,
    )
    add_definition(parser, several=True)
    group = parser.add_argument_group("what is expected")
    group.add_argument("--events", metavar="FILE", help="file of events (default: the sample's)")
    group.add_argument("--expected", metavar="FILE", help="what is expected of it (default: the sample's)")
    group.add_argument("--update", action="store_true", help="write down what came as what is expected")
    group = parser.add_argument_group("how it is run")
    group.add_argument(
        "-k",
        metavar="TEXT",
        dest="text",
        default="",
        help='only cases whose name holds it, or "line 3" of a sample',
    )
    group.add_argument("--watch", action="store_true", help="run again when a file changes, until Ctrl-C")
    group.add_argument("--junit", metavar="FILE", help="write a report in JUnit's XML as well")
    add_coverage(parser)
    add_calls(parser)
    return parser


@in_trio
async def execute(arguments: argparse.Namespace, plugins: Sequence[object]) -> int:
    """Run the command and give its exit status."""
    screen = Screen(sys.stdout)
    if len(arguments.function) > 1 and (arguments.events or arguments.expected or arguments.definition):
        raise UsageFault("--events, --expected and --definition are for one function, and several are named")
    if not arguments.watch:
        return await _once(arguments, plugins, screen)
    places = [Path(path) for path in arguments.function]
    while True:
        before = snapshot(places)
        try:
            await _once(arguments, plugins, screen)
        except (UsageFault, IsthmusError) as exc:
            screen.print(visible(str(exc)))
        screen.print(screen.paint("waiting for a change (Ctrl-C ends)", "dim"))
        await changed(places, before)
        screen.print()


async def _once(arguments: argparse.Namespace, plugins: Sequence[object], screen: Screen) -> int:
    projects = [find(path, arguments.definition) for path in arguments.function]
    traces = [LineTrace() for _ in projects]
    if arguments.update:
        return await _update(arguments, projects, plugins, screen)
    stamp = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    suites, unloadable = [], False
    for project, trace in zip(projects, traces, strict=True):
        with trace.following() if wants_coverage(arguments) else nullcontext():
            status, verdicts = await _verdicts(arguments, project, plugins)
        if status == INTERRUPTED:
            return status
        unloadable = unloadable or status == UNLOADABLE
        suites.append(Suite(name=project.name, place=str(project.code), verdicts=tuple(verdicts)))
    if arguments.text and not any(suite.verdicts for suite in suites):
        raise UsageFault(f"-k {arguments.text}: no case and no line has that in its name")
    tell(suites, screen)
    if wants_coverage(arguments):
        tell_coverage(arguments, list(zip(projects, traces, strict=True)), screen)
    if arguments.junit:
        _write(Path(arguments.junit), report(suites, stamp))
    if unloadable:
        return UNLOADABLE
    return FAILED if any(suite.failed for suite in suites) else OK


async def _verdicts(
    arguments: argparse.Namespace, project: Project, plugins: Sequence[object]
) -> tuple[int, list[Verdict]]:
    expected, files = expected_file(arguments, project), case_files(project, arguments.text)
    if expected is None and not case_files(project, ""):
        raise UsageFault(
            f"nothing is expected of {project.name}: name a file by --expected, or write a case: {project.root / 'cases'}/NAME.json"
        )
    found: list[Verdict] = []
    try:
        if files:
            async with Cases.opened(arguments, project, plugins) as cases:
                found += [await cases.verdict(path) for path in files]
        if expected is not None and _selects_lines(arguments.text, expected):
            status, lines = await run_sample(arguments, project, plugins, expected)
            if status == INTERRUPTED:
                return status, []
            found += [line for line in lines if arguments.text.lower() in line.name]
    except LoadError as exc:
        said = f"the function does not load\n{exc}"
        return UNLOADABLE, [Verdict(name=project.name, kind="function", faults=(said,), error=True)]
    return OK, found


def _selects_lines(text: str, expected: Path) -> bool:
    return not text or any(text.lower() in f"line {number}" for number in read_expected(expected))


async def _update(
    arguments: argparse.Namespace, projects: Sequence[Project], plugins: Sequence[object], screen: Screen
) -> int:
    for project in projects:
        files = case_files(project, arguments.text)
        if files:
            async with Cases.opened(arguments, project, plugins) as cases:
                written = [await cases.update(path) for path in files]
            screen.print(f"{visible(project.name)}: {sum(written)} cases now expect what became of them")
        expected = expected_file(arguments, project)
        if expected is not None and not arguments.text:
            status, lines = await update_sample(arguments, project, plugins, expected)
            if status == INTERRUPTED:
                return status
            screen.print(f"{visible(str(expected))} now expects what became of {lines} lines")
        elif not files:
            raise UsageFault(f"nothing is expected of {project.name}: name a file by --expected")
    return OK


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as exc:
        raise UsageFault(f"{path} cannot be written: {exc.strerror}") from None
