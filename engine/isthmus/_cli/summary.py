"""What a run leaves on the screen: one call in full, a table, the errors, and where to go on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from isthmus.outcomes import Outcome

from .screen import Cell, Screen, named, visible
from .shown import STYLES, show
from .splitting import Unreadable
from .stream import EventStream, Origin
from .tally import Row, Tally
from .units import ms_text, plural, seconds_text

if TYPE_CHECKING:
    from .sink import Sink

__all__ = ["show_end", "show_summary", "show_trace"]

_ERRORS: Final = 8
_TARGETS: Final = 8
_TRACE_LINES: Final = 12
_PLACES: Final = 5
_PATIENCE: Final = 1.0


def show_trace(origin: Origin, outcome: Outcome, screen: Screen, *, several: bool) -> None:
    """Show one call in full."""
    place = f"{origin.noun} {origin.number}" + (f" of {visible(origin.file)}" if several else "")
    screen.print(screen.paint(f"── {place} ".ljust(min(screen.width, 78), "─"), "dim"))
    show(outcome, screen, lines=_TRACE_LINES)
    screen.print()
    screen.print(screen.paint("─" * min(screen.width, 78), "dim"))


def show_summary(
    tally: Tally,
    screen: Screen,
    stream: EventStream,
    *,
    elapsed: float,
    broken: int,
    stopped: bool,
    sink: Sink | None,
    kept: bool,
) -> None:
    """Show the table of outcomes, the most frequent errors, and what the sink was sent.

    Args:
        tally: what became of the events.
        screen: where.
        stream: where the events came from.
        elapsed: seconds it took.
        broken: lines that held no event.
        stopped: whether it ended before its events did.
        sink: the local server, or None.
        kept: whether the outcomes themselves went anywhere.
    """
    rows = tally.rows()
    if rows:
        screen.print()
        _show_table(rows, screen)
    if failures := tally.failures:
        screen.print()
        for failure in failures[:_ERRORS]:
            places = "; ".join(
                stream.places(file, (number for _, number in of_file))
                for file, of_file in groupby(failure.places, key=itemgetter(0))
            )
            more = ", …" if failure.count > len(failure.places) else ""
            said = ": ".join(filter(None, (failure.name, failure.message)))
            count = screen.paint(f"{failure.count:,} ×", STYLES[failure.status])
            screen.print(f"{count} {visible(said)}  {screen.paint(places + more, 'dim')}")
        if len(failures) > _ERRORS:
            screen.print(screen.paint(f"… and {len(failures) - _ERRORS} other errors", "dim"))
    screen.print()
    if sink is not None:
        _show_sink(sink, screen)
    if broken:
        screen.print(screen.paint(f"{plural(broken, 'line')} held no event", "magenta"))
    good = not (tally.failed or broken)
    sign = ("■", "bold yellow") if stopped else ("✓", "bold green") if good else ("✗", "bold red")
    rate = f" · {tally.events / elapsed:,.0f} events/s" if elapsed > 0 and tally.events else ""
    events = screen.paint(plural(tally.events, "event"), "bold")
    hint = "" if kept else screen.paint("  (--out FILE keeps the outcomes)", "dim")
    screen.print(f"{screen.paint(*sign)} {events} in {seconds_text(elapsed)}{rate}{hint}")


def _show_table(rows: Sequence[Row], screen: Screen) -> None:
    batches = any(row.calls != row.events for row in rows)
    names = ("handler", "outcome", "", "events", *(("calls",) if batches else ()), "p50 ms", "p99 ms")
    table: list[list[Cell]] = [[(name, "dim") for name in names]]
    for row in rows:
        cells: list[Cell] = [
            (visible(row.handler) or "none", ""),
            (row.status.value, STYLES[row.status]),
            (row.code if row.code != row.status.value else "", "dim"),
            f"{row.events:,}",
        ]
        if batches:
            cells.append(f"{row.calls:,}")
        # Where there is no handler, nothing ran.
        table.append([*cells, *(ms_text(wall) if row.p99 else "" for wall in (row.p50, row.p99))])
    screen.table(table, right=frozenset(range(3, len(names))))


def _show_sink(sink: Sink, screen: Screen) -> None:
    screen.print(f"the sink at {sink.url} answered {plural(sink.requests, 'request')}")
    common = sink.counts.most_common(_TARGETS)
    screen.table(
        [
            [(method, "bold"), visible(path), f"→ {status}", f"{count:,}"]
            for (method, path, status), count in common
        ]
        or [["nothing was sent to it"]],
        right=frozenset({3}),
        indent=2,
    )
    if len(sink.counts) > _TARGETS:
        screen.print(screen.paint(f"  … and {len(sink.counts) - _TARGETS} others", "dim"))


async def show_end(stream: EventStream, screen: Screen) -> None:
    """Say what is left of a run that was stopped, and where to go on."""
    unended = stream.unended()
    if stream.ended and not unended:
        screen.print("nothing is left to do")
        return
    if unended:
        places = ", ".join(f"{origin.noun} {origin.number}" for origin in unended[:_PLACES])
        more = ", …" if len(unended) > _PLACES else ""
        screen.print(f"{plural(len(unended), 'call')} did not end in time: {places}{more}")
    if not stream.ended:
        screen.print(await _left(stream))
    first = unended[0] if unended else stream.position
    files = stream.files_from(first.file)
    of_files = f" of {', '.join(map(named, files))}" if len(files) > 1 else ""
    again = "; what was done after it already is then done twice" if unended else ""
    screen.print(f"go on with --from-line {first.number}{of_files}{again}")


async def _left(stream: EventStream) -> str:
    """Name what was not run."""
    position = stream.position
    try:
        lines, exact = await stream.count_rest(_PATIENCE)
    except Unreadable:
        left = f"the rest of {named(position.file)}"
    else:
        left = f"{'' if exact else 'about '}{plural(lines, position.noun)} of {named(position.file)}"
    after = stream.files_from(position.file)[1:]
    return f"not run: {', '.join([left, *map(named, after)])}"
