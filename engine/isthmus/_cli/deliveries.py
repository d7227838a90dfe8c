"""``isthmus deliveries``: what became of deliveries, out of the log that a pipeline keeps of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from isthmus._rules.jsontext import fields_of
from isthmus.archive import ArchiveReader
from isthmus.deliveries import AttemptRecord, Delivery, DeliveryReader

from . import units
from .faults import FAILED, OK, UsageFault
from .journals import log_directory
from .moments import moment, moment_text
from .options import Parser, add_general
from .screen import Cell, Screen, visible

if TYPE_CHECKING:
    from .pipelinefile import PipelineFile

__all__ = ["execute", "parser"]

_STYLES = {"delivered": "green", "dropped": "cyan", "retry": "yellow", "dead": "red"}
_ERROR = 60
"""Characters of a problem in a line of the list."""

MOST_HELD = 100_000
"""Deliveries looked at for one list; of more, those tried last."""


def parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="isthmus deliveries",
        usage="isthmus deliveries ACTION LOG [ID ...] [options]",
        description="""
            Shows the log of deliveries that `isthmus work` keeps where its pipeline.toml has a [log]: every attempt that
            failed, those after it, and a share of the deliveries that went well at once. It can be read while others
            write it.

            list shows one delivery a line, the one tried last first; show shows each attempt of one in full, with the
            requests and the output of a call that failed, and the event where the pipeline keeps an archive.
        """,
        epilog="""
            examples:
              isthmus deliveries list pipeline.toml --destination crm --status dead --since 2h
              isthmus deliveries list log/ --error ECONNREFUSED --json | jq .id
              isthmus deliveries show pipeline.toml 7c9e6679-7425-40de-944b-e07fc1f90ae7

            exit status: 0; 1 where nothing was found for an ID, or a file of the log is damaged; 2 for a wrong call
        """,
    )
    parser.add_argument("action", metavar="ACTION", choices=["list", "show"], help="list or show")
    parser.add_argument("log", metavar="LOG", help="a pipeline.toml with a [log], or the directory of one")
    parser.add_argument(
        "ids",
        metavar="ID",
        nargs="*",
        default=[],
        help="message ids, or ids of deliveries as list shows them",
    )
    group = parser.add_argument_group("which deliveries")
    group.add_argument("--destination", metavar="NAME", help="those to one destination")
    group.add_argument("--queue", metavar="NAME", help="those of one queue, such as source:web")
    group.add_argument(
        "--status", metavar="STATUS", choices=list(_STYLES), help=f"what became of them: {', '.join(_STYLES)}"
    )
    group.add_argument(
        "--error", metavar="TEXT", help="the code, name or message of a problem has this in it"
    )
    group.add_argument(
        "--since",
        metavar="TIME",
        type=moment,
        help="attempts from then on: 2026-11-29T14:00 (UTC), or 2h ago",
    )
    group.add_argument("--until", metavar="TIME", type=moment, help="attempts up to then")
    group.add_argument(
        "--limit", metavar="N", type=units.count, default=50, help="so many at the most (default: 50)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a delivery and line")
    add_general(parser)
    return parser


def execute(arguments: argparse.Namespace, plugins: Sequence[object]) -> int:
    """Run the command and give its exit status."""
    if arguments.action == "show" and not arguments.ids:
        raise UsageFault("deliveries show takes ids; `isthmus deliveries list` shows them")
    if arguments.destination and arguments.queue:
        raise UsageFault("--destination and --queue say the same: give one of them")
    screen = Screen(sys.stdout)
    path = Path(arguments.log)
    directory, written = log_directory(path)
    bounds = {name: getattr(arguments, name) for name in ("since", "until") if getattr(arguments, name)}
    reader = DeliveryReader(directory, **bounds)
    found, missing = _found(reader, arguments)
    if arguments.json:
        for delivery in found:
            screen.print(msgspec.json.encode(_as_json(delivery)).decode())
    elif arguments.action == "show":
        for delivery in found:
            _show(delivery, screen)
        if written is not None and written.archive is not None and found:
            _show_events(written, path.parent, arguments.ids, screen)
    else:
        _list(found, screen)
    for each in missing:
        print(f"there is no delivery {visible(each)} in the log", file=sys.stderr)
    for damaged in reader.damaged:
        print(f"{damaged} is damaged: what comes after that is not shown", file=sys.stderr)
    return FAILED if missing or reader.damaged else OK


# ---------------------------------------------------------------- which


def _found(reader: DeliveryReader, arguments: argparse.Namespace) -> tuple[list[Delivery], list[str]]:
    """The deliveries that the arguments mean, and the ids for which there was none."""
    if not arguments.ids:
        return _chosen(reader, arguments, "")[: arguments.limit], []
    found: list[Delivery] = []
    missing: list[str] = []
    for each in dict.fromkeys(arguments.ids):
        of_id = [one for one in _chosen(reader, arguments, each) if one.is_of(each)]
        found += of_id[: arguments.limit]
        if not of_id:
            missing.append(each)
    return found, missing


def _chosen(reader: DeliveryReader, arguments: argparse.Namespace, containing: str) -> list[Delivery]:
    queue = f"destination:{arguments.destination}" if arguments.destination else arguments.queue

    def wants(attempt: AttemptRecord) -> bool:
        return queue is None or attempt.queue == queue

    return [
        delivery
        for delivery in reader.deliveries(containing=containing, wants=wants, most=MOST_HELD)
        if (arguments.status is None or delivery.last.became == arguments.status)
        and (arguments.error is None or any(arguments.error in _error(one) for one in delivery.attempts))
    ]


# ---------------------------------------------------------------- shown


def _list(found: Sequence[Delivery], screen: Screen) -> None:
    if not found:
        screen.print(
            "there are no such deliveries in the log; of those that went well at once it has a share only"
        )
        return
    heads = ("last attempt", "queue", "delivery", "attempts", "became", "error")
    rows: list[list[Cell]] = [[(head, "dim") for head in heads]]
    for delivery in found:
        last = delivery.last
        error = next((said for one in reversed(delivery.attempts) if (said := _error(one))), "")
        if len(error) > _ERROR:
            error = error[: _ERROR - 1] + "…"
        rows.append(
            [
                moment_text(last.at),
                (visible(delivery.queue), "bold"),
                visible(delivery.id),
                str(last.attempt),
                (last.became, _STYLES[last.became]),
                " ".join(visible(error).split()),
            ]
        )
    screen.table(rows, right=frozenset({3}))


def _show(delivery: Delivery, screen: Screen) -> None:
    screen.print(f"{screen.paint(visible(delivery.id), 'bold')} to {visible(delivery.queue)}")
    for attempt in delivery.attempts:
        became = screen.paint(attempt.became, _STYLES[attempt.became])
        more = f" in {units.seconds_text(attempt.retry_in)}" if attempt.retry_in is not None else ""
        screen.print(
            f"  attempt {attempt.attempt}  {moment_text(attempt.at)}  {became}{more}  took "
            f"{units.seconds_text(attempt.took)}, {units.seconds_text(attempt.age)} after it was published"
        )
        for line in _lines_of(attempt):
            screen.print(f"    {visible(line)}")


def _lines_of(attempt: AttemptRecord) -> Iterator[str]:
    if attempt.problem is not None:
        yield _error(attempt)
        yield from attempt.problem.stack.splitlines()
    for exchange in attempt.exchanges:
        came = f"status {exchange.status}" if exchange.status is not None else exchange.error
        yield f"{exchange.method} {exchange.url}: {came} after {units.seconds_text(exchange.duration)}"
        for what, body in (("sent", exchange.request_body), ("got", exchange.response_body)):
            if body:
                yield f"  {what} {body}"
    for line in attempt.logs:
        yield f"{line.level}: {line.text}"


def _show_events(written: PipelineFile, root: Path, ids: Sequence[str], screen: Screen) -> None:
    """The events themselves, as far as the pipeline's archive has them."""
    assert written.archive is not None  # noqa: S101 -- the caller asked
    plain = [each.partition("~")[0] for each in ids]
    shown: set[bytes] = set()
    names = plain + [each.partition(":")[2] for each in plain if ":" in each]
    for one in ArchiveReader(root / written.archive.path).events(containing=names):
        fields = fields_of(bytes(one.event))
        if fields.get("messageId") in names and bytes(one.event) not in shown:
            shown.add(bytes(one.event))
            screen.print(f"the event, of source {visible(one.source)}, {moment_text(one.at)}")
            screen.print(visible(msgspec.json.format(bytes(one.event), indent=2).decode()))


def _error(attempt: AttemptRecord) -> str:
    problem = attempt.problem
    return f"{problem.code}: {problem.name}: {problem.message}" if problem else ""


def _as_json(delivery: Delivery) -> dict[str, Any]:
    last = delivery.last
    return {
        "queue": delivery.queue,
        "id": delivery.id,
        "became": last.became,
        "at": last.at,
        "attempts": delivery.attempts,
    }
