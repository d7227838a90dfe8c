"""The arguments of ``isthmus serve``, group by group."""

from __future__ import annotations

import argparse

__all__ = ["add_bounds", "add_journals", "add_listening"]


def add_listening(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("listening")
    group.add_argument(
        "--bind",
        metavar="HOST:PORT",
        action="append",
        help="where to take events and webhooks; may be repeated (default: 127.0.0.1:8080)",
    )
    group.add_argument(
        "--operations",
        metavar="HOST:PORT",
        default="127.0.0.1:9464",
        help="where to tell of health and metrics, none for nowhere (default: 127.0.0.1:9464)",
    )
    group.add_argument("--certificate", metavar="FILE", help="serve TLS with it")
    group.add_argument("--key", metavar="FILE", help="its key")
    group.add_argument(
        "--public-url",
        metavar="URL",
        default="",
        help="what senders see of this server, for functions that check signatures over it",
    )
    group.add_argument(
        "--grace",
        metavar="SECONDS",
        type=_seconds,
        default=10.0,
        help="for what is under way when it is to end, first requests, then deliveries (default: 10)",
    )
    group.add_argument(
        "--notice",
        metavar="SECONDS",
        type=_seconds,
        default=0.0,
        help="between not being ready any more and listening no more, for a load balancer (default: 0)",
    )


def add_journals(parser: argparse.ArgumentParser) -> None:
    """What is written down of a store's deliveries and events, and for how long."""
    from isthmus.commands import seconds, size

    group = parser.add_argument_group(
        "records of --data (a pipeline.toml has its own, in [log] and [archive])"
    )
    group.add_argument(
        "--journals",
        metavar="DIRECTORY",
        help="where deliveries/ and archive/ are kept, none for nowhere (default: the data directory)",
    )
    for name, what, age, most in (
        ("log", "the log of deliveries", "7d", "1G"),
        ("archive", "the archive of events", "30d", "10G"),
    ):
        group.add_argument(
            f"--{name}-age",
            metavar="DURATION",
            type=seconds,
            default=seconds(age),
            help=f"kept in {what} (default: {age})",
        )
        group.add_argument(
            f"--{name}-bytes",
            metavar="SIZE",
            type=size,
            default=size(most),
            help=f"of {what} at the most (default: {most})",
        )
    group.add_argument(
        "--log-sample",
        metavar="SHARE",
        type=_share,
        default=0.01,
        help="of deliveries that went well at once to be logged, 0 to 1; failed ones all are (default: 0.01)",
    )


def add_bounds(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("bounds")
    group.add_argument(
        "--rate",
        metavar="N",
        type=_above_zero,
        help="events a second of all sources (default: all that come)",
    )
    group.add_argument(
        "--wall",
        metavar="SECONDS",
        type=_above_zero,
        default=5.0,
        help="of one call of a function, fetches included (default: 5)",
    )
    group.add_argument(
        "--memory", metavar="MB", type=_count, default=128, help="of one call of a function (default: 128)"
    )
    group.add_argument(
        "--allow-private",
        action="store_true",
        help="let requests of a store's functions and destinations reach private and loopback addresses",
    )
    group.add_argument(
        "--requests", metavar="N", type=_count, default=1000, help="under way at one time (default: 1000)"
    )
    group.add_argument(
        "--webhook-bytes",
        metavar="N",
        type=_count,
        default=512 * 1024,
        help="of a webhook's body (default: 524288)",
    )
    group.add_argument(
        "--event-bytes", metavar="N", type=_count, default=32 * 1024, help="of one event (default: 32768)"
    )


def _number(text: str, least: float, *, above: bool) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not (number > least if above else number >= least) or number == float("inf"):
        raise argparse.ArgumentTypeError(f"a number {'above' if above else 'from'} {least:g}, not {text!r}")
    return number


def _seconds(text: str) -> float:
    return _number(text, 0, above=False)


def _above_zero(text: str) -> float:
    return _number(text, 0, above=True)


def _count(text: str) -> int:
    return int(_number(text, 1, above=False))


def _share(text: str) -> float:
    share = _number(text, 0, above=False)
    if share > 1:
        raise argparse.ArgumentTypeError(f"a share is a number from 0 to 1, not {text!r}")
    return share
