"""``isthmus serve``: events and webhooks in over HTTP, and a pipeline that carries them on."""

from __future__ import annotations

import argparse
import sys
import textwrap
from functools import partial
from pathlib import Path
from typing import final

from isthmus.abc import Command
from isthmus.errors import EngineError

from .groups import alone

__all__ = ["ServeCommand"]


@final
class ServeCommand(Command):
    """``isthmus serve PIPELINE``."""

    name = "serve"
    summary = "take events and webhooks over HTTP, and carry them to the destinations of a pipeline"

    def parser(self) -> argparse.ArgumentParser:
        """The command's arguments."""
        parser = argparse.ArgumentParser(
            prog="isthmus serve",
            usage="isthmus serve PIPELINE --queue URL [options]",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            description=textwrap.dedent(
                """\
                Serves the sources of a pipeline.toml over HTTP and works on its queues, in one process: Segment's tracking
                API at /v1/ for those with write_keys, webhooks for those with a function and secrets.  What is answered
                with success is durable.  SIGHUP loads the file anew without dropping a call; SIGTERM and Ctrl-C end it
                once what is under way has ended.
                """
            ),
            epilog=textwrap.dedent(
                """\
                example:
                  isthmus serve pipeline.toml --queue sqlite:deliveries.db --bind 0.0.0.0:8080
                """
            ),
        )
        parser.add_argument("pipeline", metavar="PIPELINE", help="its pipeline.toml")
        parser.add_argument("--queue", metavar="URL", required=True, help="the storage, such as sqlite:PATH")
        _add_listening(parser)
        _add_bounds(parser)
        return parser

    def execute(self, arguments: argparse.Namespace) -> int:
        """Serve until told to stop."""
        try:
            from .logs import json_logging
            from .serving import ServeOptions, serve
        except ModuleNotFoundError as exc:
            if exc.name is None or exc.name.partition(".")[0] not in {"starlette", "hypercorn"}:
                raise
            raise EngineError(f"{exc.name} is not installed: pip install 'isthmus[server]'") from None
        import trio

        from isthmus.pipelinefiles import load_pipeline

        from .ingress.limits import IngressLimits

        if bool(arguments.certificate) != bool(arguments.key):
            raise EngineError("TLS takes both --certificate and --key")
        options = ServeOptions(
            bind=tuple(arguments.bind or ["127.0.0.1:8080"]),
            operations="" if arguments.operations == "none" else arguments.operations,
            queue=arguments.queue,
            limits=IngressLimits(
                webhook_bytes=arguments.webhook_bytes,
                event_bytes=arguments.event_bytes,
                events_per_second=arguments.rate,
                requests=arguments.requests,
            ),
            public_url=arguments.public_url,
            certificate=(arguments.certificate, arguments.key) if arguments.certificate else None,
            notice=arguments.notice,
            grace=arguments.grace,
        )
        path = Path(arguments.pipeline)
        with json_logging(debug=arguments.debug):
            try:
                trio.run(partial(serve, options, partial(load_pipeline, path=path), listening=_say))
            except BaseExceptionGroup as group:
                raise alone(group) from None
        return 0


def _say(public: list[str], private: list[str]) -> None:
    for what, urls in (("events and webhooks", public), ("health and metrics", private)):
        if urls:
            print(f"{what}: {' '.join(urls)}", file=sys.stdout, flush=True)  # noqa: T201 -- a command prints


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
