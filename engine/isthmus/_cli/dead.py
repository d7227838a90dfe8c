"""``isthmus dead``: deliveries that were given up, to be looked at, tried again, taken out, or let go."""

from __future__ import annotations

import argparse
import base64
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import msgspec

from isthmus.queues import DeadLetter, Queue

from . import units
from .faults import FAILED, OK, UsageFault
from .moments import moment, moment_text
from .opening import in_trio
from .options import Parser, add_general
from .screen import Cell, Screen, visible, width_of
from .storage import open_beside

__all__ = ["execute", "parser"]

_PAGE: Final = 200
_REASON: Final = 60
"""Characters of a reason in a line of the list, at the least; on a wider terminal there are more."""


def parser() -> Parser:
    """The command's arguments."""
    parser = Parser(
        prog="isthmus dead",
        usage="isthmus dead ACTION URL [ID ...] [options]",
        description="""
            Dead letters are deliveries that were given up: refused for good, or tried until their time was over. They
            stay in their storage, each with the reason, until they are tried again or let go.

            list shows one a line, show one in full, export writes them as NDJSON, retry puts them back into their
            queues as if new, and discard lets them go for good.
        """,
        epilog="""
            examples:
              isthmus dead list sqlite:deliveries.db
              isthmus dead show sqlite:deliveries.db 17
              isthmus dead export sqlite:deliveries.db --queue destination:crm > dead.ndjson
              isthmus dead retry sqlite:deliveries.db --all --queue destination:crm
              isthmus dead retry sqlite:deliveries.db --all --reason "status 503" --since 2h

            exit status: 0; 1 where a letter that was named is not there; 2 for a wrong call
        """,
    )
    parser.add_argument("action", metavar="ACTION", choices=list(_ACTIONS), help=", ".join(_ACTIONS))
    parser.add_argument("url", metavar="URL", help="the storage, such as sqlite:PATH")
    parser.add_argument("ids", metavar="ID", nargs="*", default=[], help="of letters, as list shows them")
    parser.add_argument("--queue", metavar="NAME", help="those of one queue only")
    parser.add_argument(
        "--all", action="store_true", help="retry or discard all there are, or all that the options mean"
    )
    parser.add_argument("--reason", metavar="TEXT", help="those whose reason has it in it")
    parser.add_argument(
        "--since", metavar="TIME", type=moment, help="given up since then: 2026-11-29T14:00 (UTC), or 90m ago"
    )
    parser.add_argument("--until", metavar="TIME", type=moment, help="given up before then")
    parser.add_argument("--limit", metavar="N", type=units.count, help="show or export so many at the most")
    add_general(parser)
    return parser


@in_trio
async def execute(arguments: argparse.Namespace, plugins: Sequence[object]) -> int:
    """Run the command and give its exit status."""
    if arguments.action in {"retry", "discard"} and bool(arguments.ids) == arguments.all:
        raise UsageFault(f"dead {arguments.action} takes ids of letters, or --all")
    if arguments.action == "show" and not arguments.ids:
        raise UsageFault("dead show takes ids of letters; `isthmus dead list` shows them")
    async with open_beside(arguments.url, plugins) as queue:
        status: int = await _ACTIONS[arguments.action](queue, arguments, Screen(sys.stdout))
        return status


async def _letters(queue: Queue, arguments: argparse.Namespace) -> AsyncIterator[DeadLetter]:
    """Those that the arguments mean, oldest first."""
    wanted, after, given = set(arguments.ids), "", 0
    while page := await queue.dead(arguments.queue, after=after, count=_PAGE):
        for letter in page:
            if (wanted and letter.id not in wanted) or not _meant(letter, arguments):
                continue
            yield letter
            given += 1
            if given == arguments.limit:
                return
        after = page[-1].id


def _meant(letter: DeadLetter, arguments: argparse.Namespace) -> bool:
    return (
        (arguments.reason is None or arguments.reason in letter.reason)
        and (arguments.since is None or letter.buried_at >= arguments.since)
        and (arguments.until is None or letter.buried_at < arguments.until)
    )


async def _list(queue: Queue, arguments: argparse.Namespace, screen: Screen) -> int:
    rows: list[list[Cell]] = [
        [(name, "dim") for name in ("id", "queue", "message", "attempts", "given up", "reason")]
    ]
    rows += [
        [
            (visible(letter.id), "bold"),
            visible(letter.queue),
            visible(letter.message_id),
            str(letter.attempts),
            moment_text(letter.buried_at),
            " ".join(visible(letter.reason).split()),
        ]
        async for letter in _letters(queue, arguments)
    ]
    _cut_reasons(rows, screen)
    if len(rows) == 1:
        screen.print("there are no dead letters")
    else:
        screen.table(rows, right=frozenset({3}))
    return OK


def _cut_reasons(rows: list[list[Cell]], screen: Screen) -> None:
    """Have each line of the list end where the terminal does."""
    before = [[cell if isinstance(cell, str) else cell[0] for cell in row[:-1]] for row in rows]
    taken = sum(max(map(width_of, column)) + 2 for column in zip(*before, strict=True))
    room = max(_REASON, screen.width - taken if screen.terminal else 0)
    for row in rows[1:]:
        reason = row[-1]
        if isinstance(reason, str) and len(reason) > room:
            row[-1] = reason[: room - 1] + "…"


async def _show(queue: Queue, arguments: argparse.Namespace, screen: Screen) -> int:
    missing = dict.fromkeys(arguments.ids)
    async for letter in _letters(queue, arguments):
        missing.pop(letter.id, None)
        screen.print(f"{screen.paint(visible(letter.id), 'bold')} of {visible(letter.queue)}")
        screen.print(f"  message    {visible(letter.message_id)}")
        if letter.key is not None:
            screen.print(f"  in order of {visible(letter.key)}")
        screen.print(f"  published  {moment_text(letter.published_at)}")
        screen.print(
            f"  given up   {moment_text(letter.buried_at)}, after {units.plural(letter.attempts, 'attempt')}"
        )
        screen.print(f"  reason     {screen.paint(visible(letter.reason), 'red')}")
        body = _body(letter.body)
        text = base64.b64encode(letter.body).decode() if body is None else _pretty(body)
        screen.print(visible(text))
    return _said_missing(missing, screen)


async def _export(queue: Queue, arguments: argparse.Namespace, screen: Screen) -> int:
    async for letter in _letters(queue, arguments):
        entry: dict[str, Any] = msgspec.structs.asdict(letter)
        body = _body(entry.pop("body"))
        entry["body"] = body
        if body is None:
            del entry["body"]
            entry["body_base64"] = base64.b64encode(letter.body).decode()
        screen.print(msgspec.json.encode(entry).decode())
    return OK


async def _retry(queue: Queue, arguments: argparse.Namespace, screen: Screen) -> int:
    return await _settle(queue, arguments, screen, queue.revive, "put back into their queues")


async def _discard(queue: Queue, arguments: argparse.Namespace, screen: Screen) -> int:
    return await _settle(queue, arguments, screen, queue.discard, "let go for good")


async def _settle(queue: Queue, arguments: argparse.Namespace, screen: Screen, act: Any, said: str) -> int:
    done = 0
    missing = dict.fromkeys(arguments.ids)
    # Those that are there now: one that is given up again meanwhile is not tried again for ever.
    ids = [letter.id async for letter in _letters(queue, arguments)]
    for start in range(0, len(ids), _PAGE):
        done += await act(ids[start : start + _PAGE])
    for each in ids:
        missing.pop(each, None)
    screen.print(f"{units.plural(done, 'dead letter')} {said}")
    return _said_missing(missing, screen)


def _said_missing(missing: dict[str, None], screen: Screen) -> int:
    for each in missing:
        screen.print(screen.paint(f"there is no dead letter {visible(each)}", "red"))
    return FAILED if missing else OK


def _body(body: bytes) -> msgspec.Raw | None:
    """A body as JSON text, None where it is none."""
    try:
        body.decode()
        return msgspec.json.decode(body, type=msgspec.Raw)
    except (ValueError, RecursionError):
        return None


def _pretty(body: msgspec.Raw) -> str:
    try:
        return msgspec.json.format(bytes(body), indent=2).decode()
    except (ValueError, RecursionError):
        return bytes(body).decode()


_ACTIONS: Final = {"list": _list, "show": _show, "export": _export, "retry": _retry, "discard": _discard}
