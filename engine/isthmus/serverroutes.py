"""What a plugin may add to the service: an ASGI application under a path of its own."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, Final, final

import msgspec

from .errors import EngineError
from .offers import Offers

if TYPE_CHECKING:
    from ._engine import Engine

__all__ = ["Accept", "Application", "ServerRoute", "ServiceView", "offered_routes"]

NAME: Final = re.compile(r"[a-z][a-z0-9-]*")

Message = MutableMapping[str, Any]
Application = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Any]
"""An ASGI 3 application, which runs on Trio."""

Accept = Callable[[str, Iterable[bytes | Mapping[str, Any]]], Awaitable[list[str]]]
"""``await accept(source, events)``: as :meth:`isthmus.Pipeline.accept`, by the pipeline that runs at that moment."""


@final
class ServiceView(msgspec.Struct, frozen=True, kw_only=True):
    """What an application of a plugin has of the service.

    Attributes:
        engine: that runs its functions.
        accept: takes events of a source into its pipeline; they are kept when it returns.
    """

    engine: Engine
    accept: Accept


@final
class ServerRoute(msgspec.Struct, frozen=True, kw_only=True):
    """An application of a plugin, served under ``/plugins/NAME/``.

    Attributes:
        name: lower-case letters, digits and hyphens.
        make: makes it; called once, within Trio, before the service listens.
        public: served where events come in, so that whoever reaches that may ask it; else where health and metrics are.

    Raises:
        EngineError: the name is none.
    """

    name: str
    make: Callable[[ServiceView], Application]
    public: bool = False

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise EngineError(f"a route's name is lower-case letters, digits and hyphens, not {self.name!r}")


def offered_routes(
    plugins: Sequence[object] = (), *, load_entry_points: bool = True, logged: bool = True
) -> Offers[ServerRoute]:
    """What plugins offer through ``isthmus_server_routes``; see :class:`isthmus.offers.Offers`."""
    return Offers(
        "isthmus_server_routes",
        _named,
        plugins,
        what="server route",
        load_entry_points=load_entry_points,
        logged=logged,
    )


def _named(routes: Iterable[object]) -> Iterable[tuple[str, ServerRoute]]:
    for route in routes:
        if not isinstance(route, ServerRoute):
            raise TypeError(f"it gave {route!r}, not a ServerRoute")
        yield route.name, route
