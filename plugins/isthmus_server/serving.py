"""The process of ``isthmus serve``: listens, runs a pipeline, reloads it, and ends in peace."""

from __future__ import annotations

import logging
import math
import signal
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Final, cast, final

import hypercorn.trio
import msgspec
import trio
from hypercorn.config import Config
from starlette.applications import Starlette
from starlette.types import ASGIApp

from isthmus import Engine, open_engine, open_queue
from isthmus.errors import EngineError, IsthmusError
from isthmus.limits import Limits
from isthmus.pipelines import Observation
from isthmus.queues import Queue
from isthmus.serverroutes import ServiceView, offered_routes

from .added import added_routes
from .basis import Basis
from .frontdoor import front_door
from .groups import alone
from .ingress.app import ingress_routes
from .ingress.limits import ADDED_BYTES, IngressLimits
from .journal import Journal
from .metrics import Metrics
from .operations import health_routes, operations_app
from .running import Running

__all__ = ["ServeOptions", "serve"]

logger = logging.getLogger("isthmus.server")

Listening = Callable[[list[str], list[str]], None]

ECHO: Final = 0.2
"""Seconds in which a signal counts as the one before it: ``timeout`` sends each to the process and to its group."""


@final
class ServeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to serve.

    Attributes:
        bind: addresses, ``HOST:PORT`` or ``unix:PATH``.
        operations: the address for health and metrics, "" for none.
        queue: URL of the storage of deliveries.
        limits: how much is taken.
        calls: limits of each call of a function.
        public_url: what senders see of this server; see :func:`.ingress_app`.
        certificate: paths of a certificate and of its key, for TLS, or None.
        notice: seconds between not being ready any more and listening no more.
        grace: seconds for requests, and then for deliveries, that are under way.
    """

    bind: tuple[str, ...]
    operations: str
    queue: str
    limits: IngressLimits = IngressLimits()
    calls: Limits = Limits()
    public_url: str = ""
    certificate: tuple[str, str] | None = None
    notice: float = 0.0
    grace: float = 10.0


async def serve(
    options: ServeOptions,
    opening: AbstractAsyncContextManager[Basis],
    *,
    plugins: Sequence[object] = (),
    listening: Listening = lambda *_: None,
) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP loads anew what runs.

    Args:
        options: see there.
        opening: opens what is to run.
        plugins: beside the installed ones.
        listening: told of the URLs, those for senders and those for operations, once events are taken.

    Raises:
        IsthmusError: what is to run at first cannot be, or the queue cannot be opened.
        OSError: an address cannot be listened on.
    """
    async with (
        opening as basis,
        open_engine(plugins=plugins, limits=options.calls, observe=basis.call) as engine,
        open_queue(options.queue, plugins=plugins) as queue,
        trio.open_nursery() as whole,
    ):
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
            async with trio.open_nursery() as pipelines:
                service = _Service(options, basis, engine, queue, pipelines, plugins)
                await service.reload()
                whole.start_soon(service.obey, signals, whole.cancel_scope)
                whole.start_soon(basis.follow, service.reload)
                await service.listen(listening)
                service.running.stop()
            logger.info("stopped")
            whole.cancel_scope.cancel()


@final
class _Service:
    """What is served, and when it ends.

    Attributes:
        running: the pipeline, and the one before it for a while.
    """

    def __init__(
        self,
        options: ServeOptions,
        basis: Basis,
        engine: Engine,
        queue: Queue,
        pipelines: trio.Nursery,
        plugins: Sequence[object],
    ) -> None:
        self._options = options
        self._basis = basis
        self._retiring = trio.Event()
        self._leaving = trio.Event()
        metrics = self._metrics = Metrics()
        journal = Journal()

        def observe(seen: Observation) -> None:
            metrics.observe(seen)
            journal.observe(seen)
            basis.observe(seen)

        running = self.running = Running(
            pipelines,
            engine,
            queue,
            observe=observe,
            archive=basis.archive,
            grace=options.grace,
            event_bytes=options.limits.event_bytes + ADDED_BYTES,
        )
        health = health_routes(lambda: running.current is not None and not self._retiring.is_set())
        routes = ingress_routes(
            running.enter,
            limits=options.limits,
            public_url=options.public_url,
            observer=metrics,
            received=basis.received,
        )
        offers, view = offered_routes(plugins), ServiceView(engine=engine, accept=self._accept)
        public: ASGIApp = Starlette(routes=[*health, *added_routes(offers, view, public=True), *routes])
        url = options.public_url or f"http{'s' if options.certificate else ''}://{options.bind[0]}"
        if (beside := basis.application(engine, f"{url.rstrip('/')}/", running, queue)) is not None:
            public = front_door(public, beside)
        for middleware in engine.middlewares:
            public = middleware(public)
        self._public = public
        private = [*health, *added_routes(offers, view, public=False)]
        self._private = operations_app(private, lambda: metrics.text(queue, running))

    async def _accept(self, source: str, events: Iterable[bytes | Mapping[str, Any]]) -> list[str]:
        """Take events that a plugin's application got; see :data:`isthmus.serverroutes.Accept`."""
        with self.running.enter() as serving:
            return await serving.pipeline.accept(source, events)

    async def reload(self) -> None:
        """Load what is to run; see :meth:`.Running.load`."""
        if self._retiring.is_set():
            return
        try:
            await self.running.load(self._basis.load)
        except IsthmusError:
            self._metrics.loaded(well=False)
            raise
        self._metrics.loaded(well=True)

    async def listen(self, listening: Listening) -> None:
        """Answer requests until it is to end, and then those that are under way."""
        options = self._options
        async with trio.open_nursery() as nursery:
            public = await self._bind(nursery, self._public, options.bind, options.certificate)
            private: list[str] = []
            if options.operations:
                private = await self._bind(nursery, self._private, (options.operations,), None)
            logger.info("serving", extra={"fields": {"urls": public, "operations": private}})
            listening(public, private)
            await self._retiring.wait()
            await trio.sleep(options.notice)
            self._leaving.set()

    async def _bind(
        self,
        nursery: trio.Nursery,
        app: ASGIApp,
        addresses: Sequence[str],
        certificate: tuple[str, str] | None,
    ) -> list[str]:
        config = Config()
        config.bind = list(addresses)
        config.accesslog, config.errorlog = None, logging.getLogger("hypercorn.error")
        config.backlog = 1024
        config.graceful_timeout = self._options.grace
        config.include_server_header = False
        config.keep_alive_timeout = 75
        if certificate is not None:
            config.certfile, config.keyfile = certificate
        start = partial(hypercorn.trio.serve, cast("Any", app), config, shutdown_trigger=self._leaving.wait)
        try:
            urls: list[str] = await nursery.start(start)
        except (OSError, BaseExceptionGroup) as exc:
            if not isinstance(error := alone(exc), OSError):
                raise
            said = error.strerror or error
            raise EngineError(f"{' or '.join(addresses)} cannot be listened on: {said}") from None
        return urls

    async def obey(self, signals: AsyncIterator[int], whole: trio.CancelScope) -> None:
        """Reload at SIGHUP, end in peace at the first of the others, and at once at the second."""
        last = -math.inf
        async for number in signals:
            if number == signal.SIGHUP:
                await self._reload_or_go_on()
            elif trio.current_time() - last >= ECHO:
                last = trio.current_time()
                if self._retiring.is_set():
                    whole.cancel()
                    return
                logger.info("stopping")
                self._retiring.set()

    async def _reload_or_go_on(self) -> None:
        try:
            await self.reload()
        except IsthmusError as exc:
            logger.error("what runs goes on, for the new cannot be loaded: %s", exc)
        else:
            logger.info("reloaded")
