"""``isthmus serve``: events and webhooks in over HTTP, and a pipeline that carries them on."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, final
from urllib.parse import quote

from isthmus.abc import Command, Egress
from isthmus.errors import EngineError
from isthmus.limits import Limits

from ._extra import of_the_extra
from .groups import alone

if TYPE_CHECKING:
    from .basis import Basis
    from .serving import ServeOptions

__all__ = ["ServeCommand"]


@final
class ServeCommand(Command):
    """``isthmus serve``."""

    name = "serve"
    summary = "take events and webhooks over HTTP, and carry them to the destinations of a pipeline"

    def parser(self) -> argparse.ArgumentParser:
        """The command's arguments."""
        parser = argparse.ArgumentParser(
            prog="isthmus serve",
            usage="isthmus serve (PIPELINE --queue URL | --data DIRECTORY) [options]",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            description=textwrap.dedent(
                """\
                Takes events and webhooks over HTTP and works on the queues of a pipeline, in one process: Segment's
                tracking API at /v1/ for sources with write keys, webhooks for those with a function.  What is answered
                with success is durable.

                What runs is written down in a pipeline.toml, which SIGHUP has read anew; or kept in a store, which
                Segment's Public API at the same address changes.  Either way no call is dropped when it changes.
                SIGTERM and Ctrl-C end it once what is under way has ended.
                """
            ),
            epilog=textwrap.dedent(
                """\
                examples:
                  isthmus serve pipeline.toml --queue sqlite:deliveries.db --bind 0.0.0.0:8080
                  isthmus serve --data data
                """
            ),
        )
        parser.add_argument("pipeline", metavar="PIPELINE", nargs="?", help="a pipeline.toml")
        parser.add_argument(
            "--data",
            metavar="DIRECTORY",
            help="of the store, made where it is not there; or postgresql://USER@HOST/DATABASE",
        )
        parser.add_argument(
            "--queue",
            metavar="URL",
            help="the storage of deliveries, such as sqlite:PATH (default: in the data directory)",
        )
        _add_listening(parser)
        _add_bounds(parser)
        return parser

    def execute(self, arguments: argparse.Namespace) -> int:
        """Serve until told to stop."""
        with of_the_extra():
            from .logs import json_logging
            from .serving import serve
        import trio

        options = _options(arguments)
        with json_logging(debug=arguments.debug):
            try:
                trio.run(partial(serve, options, _open_basis(arguments), listening=_say))
            except BaseExceptionGroup as group:
                raise alone(group) from None
        return 0


def _options(arguments: argparse.Namespace) -> ServeOptions:
    from .ingress.limits import IngressLimits
    from .serving import ServeOptions

    if bool(arguments.certificate) != bool(arguments.key):
        raise EngineError("TLS takes both --certificate and --key")
    if bool(arguments.pipeline) == bool(arguments.data):
        raise EngineError("what is to run is in a pipeline.toml or in a store: give PIPELINE or --data")
    queue = arguments.queue
    if queue is None:
        if not arguments.data or "://" in arguments.data:
            raise EngineError("--queue says where deliveries are kept")
        queue = f"sqlite:{quote(arguments.data)}/deliveries.db"
    return ServeOptions(
        bind=tuple(arguments.bind or ["127.0.0.1:8080"]),
        operations="" if arguments.operations == "none" else arguments.operations,
        queue=queue,
        limits=IngressLimits(
            webhook_bytes=arguments.webhook_bytes,
            event_bytes=arguments.event_bytes,
            events_per_second=arguments.rate,
            requests=arguments.requests,
        ),
        public_url=arguments.public_url,
        calls=Limits(wall=arguments.wall, cpu=arguments.wall, memory=arguments.memory * 1024 * 1024),
        certificate=(arguments.certificate, arguments.key) if arguments.certificate else None,
        notice=arguments.notice,
        grace=arguments.grace,
    )


@asynccontextmanager
async def _open_basis(arguments: argparse.Namespace) -> AsyncIterator[Basis]:
    """What is to run, as the arguments say."""
    from isthmus.pipelinefiles import open_journals

    from .basis import FileBasis, StoreBasis

    if arguments.pipeline:
        path = Path(arguments.pipeline)
        async with open_journals(path) as journals:
            yield FileBasis(path, journals)
        return
    from .firsttoken import provide_first_token
    from .store import counting, open_store

    async with open_store(arguments.data) as store, counting(store) as observe:
        directory = None if "://" in arguments.data else Path(arguments.data)
        if (written := await provide_first_token(store, directory, os.environ)) is not None:
            _print(f"the owner's token is in {written}")
        yield StoreBasis(store, Egress(allow_private=arguments.allow_private), observe)


def _print(line: str) -> None:
    print(line, file=sys.stdout, flush=True)  # noqa: T201 -- a command prints


def _say(public: list[str], private: list[str]) -> None:
    for what, urls in (("events and webhooks", public), ("health and metrics", private)):
        if urls:
            _print(f"{what}: {' '.join(urls)}")


def _add_listening(parser: argparse.ArgumentParser) -> None:
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


def _add_bounds(parser: argparse.ArgumentParser) -> None:
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
