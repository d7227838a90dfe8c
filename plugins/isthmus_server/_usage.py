"""``isthmus usage``: what a store's functions have used this month; ``isthmus bounds``: what they may."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, final

from ._storecommand import DONE, StoreCommand, add_data, say, wrapped

if TYPE_CHECKING:
    from .store import Bounds, Store, Transaction

__all__ = ["BoundsCommand", "UsageCommand"]


@final
class UsageCommand(StoreCommand):
    """``isthmus usage``."""

    name = "usage"
    summary = "what the functions of a store used in a month, and how much of their quotas that is"

    def parser(self) -> argparse.ArgumentParser:
        """The command's arguments."""
        from isthmus.commands import Parser

        parser = Parser(
            prog="isthmus usage",
            usage="isthmus usage --data DIRECTORY [options]",
            description=wrapped(
                "Shows what the functions of a store used in a calendar month (UTC): their calls, retries and batches being one "
                "each, and the time that those took, from beginning to end; and the events that came in. A service writes it "
                "down every five seconds."
            ),
            epilog="""
                examples:
                  isthmus usage --data data
                  isthmus usage --data data --month 2026-10 --json

                exit status: 0, 1 it can't be done, 2 a wrong call
            """,
        )
        parser.add_argument(
            "--month",
            metavar="YYYY-MM",
            type=_month,
            help="another month than this one (quotas are of this one)",
        )
        add_data(parser)
        return parser

    async def _work(self, arguments: argparse.Namespace, store: Store) -> int:
        told = await store.read(lambda tx: _used(tx, arguments.month))
        if arguments.json:
            import msgspec

            say(msgspec.json.encode(told).decode())
            return DONE
        for each in told["functions"]:
            say(
                f"{each['id']}  {each['calls']:,} calls, {each['failed']:,} failed  {_seconds(each['execution'])}  {each['name']}"
            )
        say(
            f"in all: {told['calls']:,} calls, {_seconds(told['execution'])}; {told['events']:,} events came in"
        )
        for each in told["quotas"]:
            used, quota = (
                f"{each[of]:,.0f}" if each["measure"] == "events" else _seconds(each[of])
                for of in ("used", "quota")
            )
            state = ", locked" if each["locked"] else ""
            say(
                f"quota of {each['id'] or 'the workspace'}: {used} of {quota} {each['measure']}, {each['percent']:.0f} %{state}"
            )
        return DONE


def _used(tx: Transaction, month: tuple[int, int] | None) -> dict[str, Any]:
    since, until = month if month is not None else (None, None)
    functions = [
        {
            "id": id_,
            "name": name,
            "calls": used.calls,
            "failed": used.failed,
            "execution": used.wall,
            "cpu": used.cpu,
        }
        for used in tx.usage.by_function(since=since, until=until)
        for id_, name in (_named(tx, used.function),)
    ]
    days = tx.usage.by_day(since=since, until=until)
    quotas = [
        {
            "id": _named(tx, standing.function)[0] if standing.function else "",
            "measure": standing.measure,
            "used": standing.used,
            "quota": standing.quota,
            "percent": standing.percent,
            "locked": standing.is_locked,
        }
        for standing in (tx.usage.standings() if month is None else [])
    ]
    return {
        "functions": functions,
        "calls": sum(day.calls for day in days),
        "execution": sum(day.wall for day in days),
        "events": sum(day.events for day in days),
        "quotas": quotas,
    }


@final
class BoundsCommand(StoreCommand):
    """``isthmus bounds``."""

    name = "bounds"
    summary = "quotas and limits of a store's workspace and functions: show, set"

    def parser(self) -> argparse.ArgumentParser:
        """The command's arguments."""
        from isthmus.commands import Parser, count, seconds

        parser = Parser(
            prog="isthmus bounds",
            usage="isthmus bounds [FUNCTION] --data DIRECTORY [options]",
            description=wrapped(
                "Shows what the workspace of a store, or one of its functions, may use; with options, sets it. Those that are not "
                "given stay. A service that runs takes the change up by itself. At 75, 90 and 100 % of a quota it logs a line "
                "and writes an audit event. Locked, functions don't run: what waits for them goes on waiting, and senders of "
                "webhooks are answered 429; so is everybody where it is the quota of events."
            ),
            epilog="""
                examples:
                  isthmus bounds --data data --execution 100h --lock
                  isthmus bounds dfn_6380a7b2 --data data --concurrency 20
                  isthmus bounds --data data --clear

                exit status: 0, 1 it can't be done, 2 a wrong call
            """,
        )
        parser.add_argument(
            "function", metavar="FUNCTION", nargs="?", help="id of one (default: the workspace)"
        )
        group = parser.add_argument_group("bounds")
        group.add_argument(
            "--execution", metavar="DURATION", type=seconds, help="of all calls together, in a month (quota)"
        )
        group.add_argument("--events", metavar="N", type=count, help="that come in, in a month (quota)")
        group.add_argument(
            "--lock",
            dest="locks",
            action=argparse.BooleanOptionalAction,
            default=None,
            help="stop what has used up its quota",
        )
        group.add_argument(
            "--concurrency", metavar="N", type=count, help="calls under way at one time, in each process"
        )
        group.add_argument(
            "--rate",
            metavar="N",
            type=float,
            help="a second: events and webhooks that are taken, or attempts at each destination of the function",
        )
        group.add_argument("--clear", action="store_true", help="take away those that there are, first")
        add_data(parser)
        return parser

    async def _work(self, arguments: argparse.Namespace, store: Store) -> int:
        import msgspec

        from .store import UNBOUNDED, WORKSPACE

        given = {name: value for name in _FIELDS if (value := getattr(arguments, name)) is not None}

        def change(tx: Transaction) -> Bounds:
            function = tx.functions.get(arguments.function).id if arguments.function else WORKSPACE
            had = UNBOUNDED if arguments.clear else tx.bounds.get(function)
            has = msgspec.structs.replace(had, **given)
            if given or arguments.clear:
                tx.bounds.put(function, has)
            return has

        bounds = await (store.write(change) if given or arguments.clear else store.read(change))
        fields = msgspec.to_builtins(bounds)
        if arguments.json:
            say(msgspec.json.encode(fields).decode())
        elif not fields:
            say("no bounds")
        else:
            for name, value in fields.items():
                say(f"{name}: {_seconds(value) if name == 'execution' else value}")
        return DONE


_FIELDS: Final = ("execution", "events", "locks", "concurrency", "rate")


def _named(tx: Transaction, function: str) -> tuple[str, str]:
    """The id and the name of a function, by its class id; it may have been deleted."""
    from .store import NotFound, function_id

    try:
        found = tx.functions.get(function)
    except NotFound:
        return function, "deleted"
    return function_id(found.resource_type, found.id), found.display_name


def _seconds(seconds: float) -> str:
    from isthmus.commands import seconds_text

    return seconds_text(seconds)


def _month(text: str) -> tuple[int, int]:
    try:
        begin = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a month is written like 2026-11, not {text!r}") from None
    end = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
    return int(begin.timestamp() * 1000), int(end.timestamp() * 1000)
