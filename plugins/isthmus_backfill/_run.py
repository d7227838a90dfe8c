"""A backfill from its arguments to its exit status."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Final, final

import msgspec
import trio

from isthmus.commands import (
    FAILED,
    INTERRUPTED,
    OK,
    Screen,
    UsageFault,
    bytes_text,
    destination_name,
    follow,
    interrupts,
    limits_of,
    plural,
    visible,
)
from isthmus.processors import processors

from ._archive import changed, files_of, planned
from ._ledger import Ledger, PartResult
from ._local import carry_here
from ._messages import Carry, Failed, Setup
from ._plan import File, Place, Plan
from ._reading import EVENT_BYTES
from ._report import Report
from ._todo import Todo

__all__ = ["execute"]

LEAST_PART: Final = 1024


def execute(arguments: argparse.Namespace) -> int:
    """Run the command and give its exit status."""
    if arguments.part_size < LEAST_PART:
        raise UsageFault(f"--part-size takes {LEAST_PART} bytes or more")
    if arguments.pipeline and (arguments.settings or arguments.allow_private):
        raise UsageFault(
            "--settings and --allow-private are for a function alone: the pipeline.toml has its own"
        )
    if arguments.cluster and arguments.on == "local":
        raise UsageFault("--cluster is for --on ray and --on dask")
    pipeline = Path(arguments.pipeline) if arguments.pipeline else None
    name = destination_name(arguments.to, pipeline)
    ledger = Ledger(Path(arguments.ledger or f"{name}.backfill").absolute())
    found = files_of(arguments.events)
    if arguments.dry_run:
        plan = _planned(ledger.plan(), name, found, arguments.part_size)
        _print_plan(plan, ledger.results(), as_json=arguments.json)
        return OK
    with ledger.locked():
        before = ledger.plan()
        plan = _planned(before, name, found, arguments.part_size)
        if plan != before:
            ledger.begin(plan)
        try:
            return trio.run(Run(arguments, ledger, plan).execute)
        except BaseExceptionGroup as group:
            raise _alone(group) from None


def _planned(before: Plan | None, name: str, found: Sequence[str], part_bytes: int) -> Plan:
    """The plan there is, with files that are new at its end; what it has already stays as it is."""
    plan = before or Plan(destination=name, part_bytes=part_bytes)
    if plan.destination != name:
        raise UsageFault(f"the ledger is of the destination {plan.destination!r}: name another with --ledger")
    known = {file.path for file in plan.files}
    new = [
        planned(path, part_bytes=part_bytes, event_bytes=EVENT_BYTES) for path in found if path not in known
    ]
    return msgspec.structs.replace(plan, files=(*plan.files, *new)) if new else plan


@final
class Run:
    """One run over the parts that are left.

    Args:
        arguments: parsed.
        ledger: locked, with the plan in it.
        plan: what there is to do.
    """

    def __init__(self, arguments: argparse.Namespace, ledger: Ledger, plan: Plan) -> None:
        self._arguments = arguments
        self._ledger = ledger
        self._plan = plan
        self._screen = Screen(sys.stderr)
        done = ledger.results()
        self._report = Report(self._screen, ledger, plan, done)
        self._todo = Todo(self._left(done))
        self._interrupted = False
        self._at_once = trio.CancelScope()
        self._setup = Setup(
            to=arguments.to if arguments.pipeline else str(Path(arguments.to).absolute()),
            pipeline=_absolute(arguments.pipeline),
            settings=_absolute(arguments.settings),
            egress={"allow_private": True} if arguments.allow_private else {},
            limits=limits_of(arguments),
            ledger=str(ledger.path),
            retry_for=arguments.retry_for,
        )

    async def execute(self) -> int:
        """Carry what is left, and say what became of it."""
        arguments = self._arguments
        if len(self._todo):
            async with trio.open_nursery() as nursery:
                await nursery.start(self._listen)
                if not arguments.quiet:
                    nursery.start_soon(follow, self._report.snapshot, self._screen)
                with self._at_once:
                    await self._carry()
                nursery.cancel_scope.cancel()
        self._report.settle(self._ledger.results())
        if not arguments.quiet:
            self._report.print()
        if arguments.json:
            _print_json(self._report.value(interrupted=self._interrupted))
        if self._interrupted:
            return INTERRUPTED
        return OK if self._report.is_whole else FAILED

    async def _carry(self) -> None:
        arguments = self._arguments
        if arguments.on == "local":
            count = arguments.processes or processors()
            await carry_here(self._setup, self._todo, count, self._report.tell)
            return
        from ._cluster import carry_there

        open_cluster: Callable[[str, int], Any]
        if arguments.on == "ray":
            from ._ray import open_ray as open_cluster
        else:
            from ._dask import open_dask as open_cluster
        # What a cluster's client has to say is not part of a report.
        with redirect_stdout(sys.stderr):
            await carry_there(
                open_cluster,
                arguments.cluster or "",
                self._setup,
                self._todo,
                arguments.processes or 0,
                self._report.tell,
            )

    async def _listen(self, task_status: trio.TaskStatus[None]) -> None:
        """End in peace at the first signal, at once at the second."""
        with interrupts() as received:
            task_status.started()
            async for _ in received:
                if self._interrupted:
                    self._at_once.cancel()
                    return
                self._interrupted = True
                self._todo.stop()
                grace = self._arguments.grace
                self._at_once.deadline = trio.current_time() + grace
                self._screen.print(
                    f"interrupted: {plural(self._todo.under_way, 'part')} under way may go on for {grace:g} s; "
                    "interrupt again to stop at once"
                )

    def _left(self, done: Mapping[Place, PartResult]) -> list[Carry]:
        """The parts that are not done, but for those of files that are not what they were."""
        left: list[Carry] = []
        for index, file in enumerate(self._plan.files):
            places = [(index, number) for number in range(len(file.parts)) if (index, number) not in done]
            difference = changed(file) if places else ""
            for place in places:
                if difference:
                    self._report.tell(Failed(place, _refusal(file, difference)))
                else:
                    left.append(Carry(place=place, file=_bare(file), part=file.parts[place[1]]))
        return left


def _refusal(file: File, difference: str) -> str:
    return (
        f"the file has changed since the plan was made ({difference}), and some of it may have been sent: "
        "take it up in a ledger of its own"
    )


def _bare(file: File) -> File:
    """What a process has to know of a file: not where all its other parts are."""
    return msgspec.structs.replace(file, parts=())


def _absolute(path: str | None) -> str:
    return str(Path(path).absolute()) if path else ""


def _alone(exc: BaseException) -> BaseException:
    """The first of the errors in groups: several processes meet the same one, and it is one thing to tell."""
    while isinstance(exc, BaseExceptionGroup):
        exc = exc.exceptions[0]
    return exc


def _print_plan(plan: Plan, done: Mapping[Place, PartResult], *, as_json: bool) -> None:
    rows = [file.rows for file in plan.files]
    value = {
        "destination": plan.destination,
        "files": [
            {
                "path": file.path,
                "format": file.format,
                "bytes": file.size,
                "parts": len(file.parts),
                "rows": file.rows,
                "rows_exact": file.exact,
            }
            for file in plan.files
        ],
        "parts": plan.parts,
        "parts_done": len(done),
        "bytes": plan.bytes,
        "rows": None if None in rows else sum(row or 0 for row in rows),
        "rows_exact": all(file.exact for file in plan.files),
    }
    if as_json:
        _print_json(value)
        return
    screen = Screen(sys.stdout)
    table: list[list[str]] = [["file", "format", "bytes", "parts", "events"]]
    for file in plan.files:
        about = "" if file.exact else "about "
        events = "?" if file.rows is None else f"{about}{file.rows:,}"
        table.append([visible(file.path), file.format, bytes_text(file.size), f"{len(file.parts):,}", events])
    screen.table(table, right=frozenset({2, 3, 4}))
    left = plan.parts - len(done)
    screen.print(
        f"{plural(plan.parts, 'part')} of {bytes_text(plan.bytes)} to {visible(plan.destination)}; {left:,} to be done"
    )


def _print_json(value: object) -> None:
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()
