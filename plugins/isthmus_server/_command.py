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

from ._arguments import add_bounds, add_journals, add_listening
from ._extra import of_the_extra
from .groups import alone

if TYPE_CHECKING:
    from .basis import Basis
    from .journals import JournalOptions
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
        add_listening(parser)
        add_bounds(parser)
        add_journals(parser)
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
                trio.run(
                    partial(
                        serve,
                        options,
                        _open_basis(arguments),
                        listening=partial(_say, console=bool(arguments.data)),
                    )
                )
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
        if arguments.journals is not None:
            raise EngineError("--journals is for --data: a pipeline.toml names its own [log] and [archive]")
        path = Path(arguments.pipeline)
        async with open_journals(path) as journals:
            yield FileBasis(path, journals)
        return
    from .firsttoken import provide_first_token
    from .journals import open_store_journals
    from .store import counting, metering, open_store

    directory = None if "://" in arguments.data else Path(arguments.data)
    async with (
        open_store(arguments.data) as store,
        counting(store) as count,
        metering(store) as meter,
        open_store_journals(_journals(arguments, directory)) as journals,
    ):
        if (written := await provide_first_token(store, directory, os.environ)) is not None:
            _print(f"the owner's token is in {written}")
        egress = Egress(allow_private=arguments.allow_private)
        kept = _journals(arguments, directory).directory
        yield StoreBasis(store, egress, count=count, meter=meter, journals=journals, kept=kept)


def _journals(arguments: argparse.Namespace, directory: Path | None) -> JournalOptions:
    from .journals import JournalOptions

    where = directory
    if arguments.journals is not None:
        where = None if arguments.journals == "none" else Path(arguments.journals)
    return JournalOptions(
        directory=where,
        log_age=arguments.log_age,
        log_bytes=arguments.log_bytes,
        log_sample=arguments.log_sample,
        archive_age=arguments.archive_age,
        archive_bytes=arguments.archive_bytes,
    )


def _print(line: str) -> None:
    print(line, file=sys.stdout, flush=True)  # noqa: T201 -- a command prints


def _say(public: list[str], private: list[str], *, console: bool) -> None:
    pages = [f"{url}/console/" for url in public if url.startswith("http")] if console else []
    for what, urls in (("events and webhooks", public), ("health and metrics", private), ("console", pages)):
        if urls:
            _print(f"{what}: {' '.join(urls)}")
