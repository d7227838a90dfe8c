"""What plugins add to the service: their applications, each in a guard of its own."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from starlette.routing import BaseRoute, Mount

from isthmus.errors import PluginError
from isthmus.offers import Offers
from isthmus.serverroutes import Application, ServerRoute, ServiceView

from .ingress.answers import json_answer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["PREFIX", "added_routes"]

logger = logging.getLogger("isthmus.server")

PREFIX: Final = "/plugins"


def added_routes(offers: Offers[ServerRoute], view: ServiceView, *, public: bool) -> list[BaseRoute]:
    """The routes that plugins offer for the public address, or for the operator's.

    One that cannot be made, or whose name two plugins have, is logged by its plugin and left out.
    """
    routes: list[BaseRoute] = []
    for name in offers.names:
        try:
            route = offers.find(name)
        except PluginError as exc:
            if public:  # said once
                logger.error("%s", exc)
            continue
        if route.public is not public:
            continue
        (plugin,) = offers.owners(name)
        try:
            application = route.make(view)
        except Exception as exc:  # noqa: BLE001 -- reported
            logger.error(
                "the plugin %r cannot make its server route %r: %s", plugin, name, type(exc).__name__
            )
            continue
        routes.append(Mount(f"{PREFIX}/{name}", app=_guarded(application, plugin, name)))
    return routes


def _guarded(application: Application, plugin: str, name: str) -> ASGIApp:
    """An application whose faults end one request; what they say may quote a secret, and is not logged."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def tell(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await application(scope, receive, tell)
        except Exception as exc:
            logger.error("the server route %r of the plugin %r failed: %s", name, plugin, type(exc).__name__)
            if begun or scope["type"] != "http":
                raise  # the server ends what was begun
            failed = json_answer({"success": False, "error": "internal"}, 500)
            await failed(scope, receive, send)

    return app
