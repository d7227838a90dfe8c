"""Opening an engine, with what its owner hands in."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from ._engine import NO_CAPABILITIES, Engine
from ._fetching import FetchFunction, fetcher_of
from ._offering import Offering
from ._plugins import Plugins
from .abc import Fetcher, SharedCache
from .calls import Observe
from .limits import Limits

if TYPE_CHECKING:
    from .tapes import Recording

__all__ = ["DEFAULT_LIMITS", "open_engine"]

DEFAULT_LIMITS: Final = Limits()


@asynccontextmanager
async def open_engine(
    *,
    plugins: Sequence[object] = (),
    load_entry_points: bool = True,
    limits: Limits = DEFAULT_LIMITS,
    wall_clock: Callable[[], float] = time.time,
    entropy: Callable[[int], bytes] = os.urandom,
    record: Recording | None = None,
    capabilities: Mapping[str, Callable[..., Any]] = NO_CAPABILITIES,
    observe: Observe | None = None,
    fetcher: Fetcher | FetchFunction | None = None,
    cache: SharedCache | None = None,
) -> AsyncIterator[Engine]:
    """Open an engine, and close it on the way out.

    Calls that other tasks still have under way then are cancelled, and raise
    :class:`EngineClosed` there; programs, runtimes and the fetcher are closed.

    Args:
        plugins: modules or objects with hook implementations, beside the installed ones.
        load_entry_points: take the installed ones; one that does not load is reported in
            ``Engine.plugins`` and in the log, and the engine does without.
        limits: of all instances that are loaded without limits of their own.
        wall_clock: seconds since the epoch, for what functions see as the time.
        entropy: gives that many random bytes, for what functions see as chance.
        record: keep tapes of calls, to be replayed (see :mod:`isthmus.tapes`); None for none.
        capabilities: what functions may be granted beyond fetch and cache, by name; see :meth:`Engine.capability`.
        observe: told of each call as it begins and ends (see :mod:`isthmus.calls`), in the Trio thread; must not block.
        fetcher: carries requests out in place of a plugin's: a fetcher, which is closed with the engine, or an async
            function of a request, egress rules and the most bytes of a response's body, which holds those rules itself.
        cache: where functions' caches are kept, for several processes to share; in memory by default.

    Raises:
        PluginError: what was handed in is no plugin, or two offer a runtime for one language.
    """
    engine = Engine(
        Plugins(plugins, load_entry_points=load_entry_points),
        limits,
        wall_clock,
        entropy,
        record,
        Offering(capabilities),
        () if observe is None else (observe,),
        None if fetcher is None else fetcher_of(fetcher),
        cache,
    )
    try:
        yield engine
    finally:
        await engine._aclose()  # noqa: SLF001 -- nobody else is to close it


open_engine.__module__ = "isthmus"
