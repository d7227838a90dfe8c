"""``isthmus run``: a function on files of events."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from . import units
from .definition import Project
from .faults import UsageFault
from .feeds import files_of_events
from .job import Job
from .opening import Opened, in_trio, open_function, project_of
from .options import Parser, add_calls, add_definition, add_from_line, add_grace, add_recording
from .outlet import Outlet
from .screen import Screen
from .stream import total_size

if TYPE_CHECKING:
    from .companions.beside import Beside
    from .companions.sharing import Companions

__all__ = ["execute", "parser"]

STDOUT = 1
SWITCH_INTERVAL = 0.0005
"""Seconds after which a thread of Python lets another have its turn: a lane that has run its calls is idle until it has
it, and by default waits for ten times as long."""


def parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="isthmus run",
        usage="isthmus run FUNCTION [EVENTS ...] [options]",
        description="""
            Runs a function on every event of some files, many at a time, each call in a sealed world of
            its own.  A file is NDJSON, a JSON array, or JSON objects in a row, and any of them may be
            gzip; of a source function, the events are webhooks.

            One outcome a line goes to standard output as NDJSON, or to --out.  On a terminal they are
            left out unless asked for by --out -; there is a table of them either way.
        """,
        epilog="""
            examples:
              isthmus run my-orders --sink endpoint              the sample of a directory that `isthmus new` made
              isthmus run track.js events.ndjson.gz --set apiKey=abc --out outcomes.ndjson
              zcat archive/*.gz | isthmus run track.js - --concurrency 64 | jq .status
              isthmus run hook.js webhooks.ndjson --kind source --wall 10s --memory 256M

            exit status:
              0  every event was delivered, or dropped on purpose
              1  some were refused, are to be tried again, or were no events
              2  a wrong call         3  the function does not load
              130  interrupted: calls under way were finished, and --from-line says where to go on
        """,
    )
    add_definition(parser)
    parser.add_argument(
        "events",
        metavar="EVENTS",
        nargs="*",
        default=[],
        help="files of events, - for standard input (default: the sample's)",
    )
    group = parser.add_argument_group("running")
    group.add_argument(
        "--concurrency",
        metavar="N",
        type=units.count,
        default=256,
        help="events under way at once (default: 256)",
    )
    group.add_argument(
        "--processes",
        metavar="N",
        type=units.count,
        help="processes that share the events, each with a cache of its own (default: one for each processor, "
        "8 at most, where there are many events and running them is what takes the time)",
    )
    group.add_argument(
        "--batch",
        metavar="N",
        type=units.count,
        help="events of one onBatch call, where the function has one (default: 20, as Segment)",
    )
    group.add_argument(
        "--no-batch", action="store_true", help="use the single handlers though there is an onBatch"
    )
    add_from_line(group)
    add_grace(group)
    group = parser.add_argument_group("output")
    group.add_argument("--out", metavar="FILE", help="write the outcomes there, - for standard output")
    group.add_argument("--append", action="store_true", help="add to the file of --out")
    group.add_argument(
        "--trace",
        action=argparse.BooleanOptionalAction,
        help="show one call in full, the first that failed if any (default: on a terminal)",
    )
    group.add_argument(
        "--quiet",
        "-q",
        action="store_true",
        help="no progress and no table: only broken lines, and where to go on",
    )
    add_recording(parser)
    add_calls(parser)
    return parser


@in_trio
async def execute(arguments: argparse.Namespace, plugins: Sequence[object]) -> int:
    """Run the command and give its exit status."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    screen = Screen(sys.stderr)
    project = project_of(arguments)
    paths = events_of(arguments.events, project)
    async with AsyncExitStack() as stack:
        # They start while the function is loaded here.
        beside = await stack.enter_async_context(_companions(arguments, paths, plugins))
        opened = await stack.enter_async_context(
            open_function(arguments, project, plugins, sampling=not arguments.events)
        )
        fd = stack.enter_context(_Output(arguments.out, paths, append=arguments.append))
        batch = _batch_size(arguments, opened)
        outlet = None if fd is None else Outlet(fd, lambda reason: job.outlet_broken(reason))
        job = Job(
            opened,
            screen,
            paths=paths,
            first=arguments.from_line,
            concurrency=arguments.concurrency,
            batch=batch,
            grace=arguments.grace,
            quiet=arguments.quiet,
            bar=fd is None or not os.isatty(fd),  # it would stand in the middle of the outcomes
            trace=arguments.trace,
            companions=_joining(arguments, opened, beside, outlet, batch),
        )
        await stack.enter_async_context(aclosing(job.stream))
        return await job.run(outlet)


@asynccontextmanager
async def _companions(
    arguments: argparse.Namespace, paths: Sequence[str], plugins: Sequence[object]
) -> AsyncIterator[Sequence[Beside]]:
    """The processes that may share the events; a plugin that was handed in is in this one only, and tapes are its."""
    count = 0
    if not plugins and arguments.processes != 1 and arguments.record is None:
        from .companions.sharing import companions_for

        count = companions_for(arguments.processes, total_size(paths), arguments.concurrency)
    if not count:
        yield ()
        return
    from .companions.beside import open_companions

    async with open_companions(count) as beside:
        yield beside


def _joining(
    arguments: argparse.Namespace,
    opened: Opened,
    beside: Sequence[Beside],
    outlet: Outlet | None,
    batch: int | None,
) -> Companions | None:
    """Those processes, where the function's calls may be shared out."""
    if not beside or batch is not None or opened.instance.function.isolation == "instance":
        return None
    from .companions.sharing import Companions

    return Companions(beside, outlet, at_once=arguments.processes is not None)


def events_of(given: Sequence[str], project: Project) -> list[str]:
    """The files to read: as named, or those of the function's sample.

    Raises:
        UsageFault: there are none, one of them is not there, or standard input is named twice.
    """
    sample = project.sample_file(project.manifest.sample.events)
    paths = list(given) or ([sample] if sample else [])
    if not paths:
        raise UsageFault("no events: name files of them, or - for standard input")
    return files_of_events(paths)


def _batch_size(arguments: argparse.Namespace, opened: Opened) -> int | None:
    if not opened.takes_batches:
        if arguments.batch:
            unused = "onBatch" in opened.instance.handlers
            raise UsageFault(
                f"--batch: a {opened.kind.value} function takes no batches"
                if unused
                else "--batch: the function has no onBatch"
            )
        return None
    return None if arguments.no_batch else arguments.batch or 20


class _Output:
    """The file descriptor that outcomes go to, None where they go nowhere."""

    def __init__(self, path: str | None, inputs: Sequence[str], *, append: bool) -> None:
        self._path = path
        self._inputs = inputs
        self._append = append
        self._own: int | None = None

    def __enter__(self) -> int | None:
        path = self._path
        if path is None or path == "-":
            if path is None and sys.stdout.isatty():
                return None
            sys.stdout.flush()
            return sys.stdout.fileno()
        if any(name != "-" and Path(path).exists() and os.path.samefile(name, path) for name in self._inputs):
            raise UsageFault(f"--out {path} is one of the files to be read")
        how = os.O_APPEND if self._append else os.O_TRUNC
        try:
            self._own = os.open(path, os.O_WRONLY | os.O_CREAT | how | getattr(os, "O_BINARY", 0), 0o666)
        except OSError as exc:
            raise UsageFault(f"--out {path} cannot be written: {exc.strerror}") from None
        return self._own

    def __exit__(self, *_: object) -> None:
        if self._own is not None:
            os.close(self._own)
