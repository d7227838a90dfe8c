"""A function on its sample, line by line against the file of what is expected."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any, Final, final

import msgspec
import trio

from isthmus.outcomes import Outcome
from isthmus.testing import view_of

from .definition import Project, read_file
from .expectations import differences
from .faults import UsageFault
from .job import Job
from .opening import open_function
from .run import events_of
from .screen import Screen
from .verdicts import Verdict

__all__ = ["expected_file", "read_expected", "run_sample", "update_sample"]

_BATCH: Final = 20
_TRACE_BYTES: Final = 1024 * 1024

Views = dict[int, dict[str, Any]]


def expected_file(arguments: argparse.Namespace, project: Project) -> Path | None:
    """The file of what is expected of the sample's lines, None where there is none."""
    path = arguments.expected or project.sample_file(project.manifest.sample.expected)
    return Path(path) if path else None


async def run_sample(
    arguments: argparse.Namespace, project: Project, plugins: Sequence[object], path: Path
) -> tuple[int, tuple[Verdict, ...]]:
    """Run each line and compare; the status is that of an interrupt, if there was one.

    Raises:
        UsageFault: a file is not what it should be.
        LoadError: the code does not load.
    """
    expected = read_expected(path)
    status, came = await _outcomes(arguments, project, plugins)
    lacking = ("no outcome came: it holds no event, or is within a batch",)
    return status, tuple(
        Verdict(
            name=f"line {number}",
            kind="line",
            faults=tuple(differences(entry, came[number])) if number in came else lacking,
        )
        for number, entry in sorted(expected.items())
    )


async def update_sample(
    arguments: argparse.Namespace, project: Project, plugins: Sequence[object], path: Path
) -> tuple[int, int]:
    """Write what becomes of each line in place of what was expected; the status, and how many lines."""
    status, came = await _outcomes(arguments, project, plugins)
    lines = b"".join(msgspec.json.encode(came[number]) + b"\n" for number in sorted(came))
    await trio.Path(path).write_bytes(lines)
    return status, len(came)


def read_expected(path: Path) -> Views:
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


async def _outcomes(
    arguments: argparse.Namespace, project: Project, plugins: Sequence[object]
) -> tuple[int, Views]:
    paths = events_of([arguments.events] if arguments.events else [], project)
    if arguments.sink is None and project.manifest.sample.sink:
        arguments = argparse.Namespace(**{**vars(arguments), "sink": ""})
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


@final
class _Collector:
    """Keeps outcomes as what is compared; see :class:`.outlet.Taker`."""

    def __init__(self, sink_url: str) -> None:
        self._sink_url = sink_url
        self.views: Views = {}

    def put(self, head: bytes, outcome: Outcome) -> None:
        number = msgspec.json.decode(head + b"}")["line"]
        view = view_of(outcome)
        if "requests" in view:
            view["requests"] = [self._below_sink(request) for request in view["requests"]]
        self.views[number] = {"line": number, **view}

    async def admit(self) -> None:
        await trio.lowlevel.checkpoint()

    def end(self) -> None:
        pass

    async def run(self) -> None:
        await trio.lowlevel.checkpoint()

    def _below_sink(self, request: dict[str, Any]) -> dict[str, Any]:
        """A request with its path, as the sink's port is another each time, and without what a client adds by itself."""
        url = request["url"]
        path = url[len(self._sink_url) :] if self._sink_url and url.startswith(self._sink_url) else url
        kept = {name: value for name, value in request.items() if name not in {"url", "headers", "error"}}
        return {"path": path, **kept, "status": request.get("status")}
