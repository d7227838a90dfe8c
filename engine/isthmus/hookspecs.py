"""Every hook a plugin may implement.

A plugin is a module or object named by an entry point of the group ``isthmus``, or handed to
``open_engine(plugins=[...])``.  It marks its implementations with :data:`hookimpl`.  Hooks are
called when an engine opens or a command is looked for, never on the path of an event.

A plugin may say which versions of the engine it is for: ``isthmus_requires = ">=1.2,<2"``, beside its
hooks.  In any other it is left out, and that is reported by its name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from .abc import Command, Fetcher, Runtime
    from .calls import CallEvent
    from .pipelines import Observation
    from .queues import OpenQueue
    from .serverroutes import ServerRoute
    from .templates import Template

    ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]

__all__ = [
    "hookimpl",
    "isthmus_capabilities",
    "isthmus_commands",
    "isthmus_fetcher",
    "isthmus_middlewares",
    "isthmus_observers",
    "isthmus_pipeline_observers",
    "isthmus_queues",
    "isthmus_runtimes",
    "isthmus_server_routes",
    "isthmus_stores",
    "isthmus_templates",
]

hookspec = pluggy.HookspecMarker("isthmus")
hookimpl = pluggy.HookimplMarker("isthmus")


@hookspec
def isthmus_runtimes() -> Iterable[Runtime]:  # type: ignore[empty-body]
    """Offer runtimes, one a language.

    Called once, when an engine opens.  All plugins' results count; two runtimes for one language
    are an error that names both.  A runtime does its expensive work in ``load``, not here.
    """


@hookspec(firstresult=True)
def isthmus_fetcher() -> Fetcher | None:
    """Offer what carries requests out.

    Called once, when an engine opens, within Trio.  The first result that is not None wins, the
    plugins registered last being asked first; with none, every fetch fails with an error that says so.
    """


@hookspec
def isthmus_capabilities() -> Mapping[str, Callable[..., Any]]:  # type: ignore[empty-body]
    """Offer what functions may be granted beyond fetch and cache, by name: ``{"geo.lookup": lookup}``.

    Called once, when an engine opens, within Trio.  All plugins' results count; two capabilities of one name are an
    error that names both.  Each is a function as :meth:`isthmus.Engine.capability` takes it, called in the engine's thread.
    """


@hookspec
def isthmus_observers() -> Iterable[Callable[[CallEvent], None]]:  # type: ignore[empty-body]
    """Offer what is told of calls: metrics and traces are made of that.

    Called once, when an engine opens.  All plugins' results count.  An observer is called in the engine's thread and must
    not block; what it raises is logged, and changes nothing of the call.
    """


@hookspec
def isthmus_pipeline_observers() -> Iterable[Callable[[Observation], None]]:  # type: ignore[empty-body]
    """Offer what is told of events on their way, and of each attempt to deliver one.

    Called once, when an engine opens; every pipeline over it tells all plugins' observers, beside the one that it was
    opened with.  Each is called in the pipeline's thread, in the task in which it happens, and must not block; what it raises
    is logged, and changes nothing.
    """


@hookspec
def isthmus_middlewares() -> Iterable[Callable[[ASGIApp], ASGIApp]]:  # type: ignore[empty-body]
    """Offer what is put around the ASGI application that takes events and webhooks: traces of requests are made there.

    Called once, when an engine opens; ``isthmus serve`` takes what there is, the plugins registered last being outermost.
    What a request says may be secret: its URL, its headers and its body are.
    """


@hookspec
def isthmus_commands() -> Iterable[Command]:  # type: ignore[empty-body]
    """Offer commands of the command line ``isthmus``.

    Called once in a process that is given a command that is not built in, or is asked which there are; a
    built-in command starts without it.  All plugins' results count.  Two commands of one name are an
    error that names both plugins, when that command is called; a built-in command can't be replaced.
    """


@hookspec
def isthmus_templates() -> Iterable[Template]:  # type: ignore[empty-body]
    """Offer functions to begin with: ``isthmus new KIND NAME --language LANGUAGE``.

    Called once in a process that makes a function, lists what one can be made from, or lists the plugins.  All
    plugins' results count; two templates of one kind, language and name are an error that names both plugins.
    """


@hookspec
def isthmus_queues() -> Mapping[str, OpenQueue]:  # type: ignore[empty-body]
    """Offer queues, by the scheme of the URLs that name them: ``{"sqlite": open_sqlite_queue}``.

    Called once for each :func:`isthmus.open_queue`, and where the plugins are listed.  All plugins' results count; two
    queues for one scheme are an error that names both.  Importing what a storage needs belongs into the opening.
    """


@hookspec
def isthmus_server_routes() -> Iterable[ServerRoute]:  # type: ignore[empty-body]
    """Offer what ``isthmus serve`` answers under ``/plugins/NAME/``, beside its own ways in.

    Called once, when the service begins, or where the plugins are listed.  All plugins' results count; of two routes of one name neither is
    served, and the log names both plugins.  What an application raises is answered by 500 and logged by its plugin.
    """


@hookspec
def isthmus_stores() -> Mapping[str, Callable[[str], Any]]:  # type: ignore[empty-body]
    """Offer databases for the service's store, by the scheme of their URLs: ``{"vaulted": connect}``.

    Called once for each store whose URL has a scheme that is not built in, and where the plugins are listed.  Each function takes
    the whole URL and gives an engine of SQLAlchemy on SQLite or PostgreSQL, the two whose SQL the store speaks; the store
    disposes of it.  All plugins' results count; two for one scheme are an error that names both.
    """
