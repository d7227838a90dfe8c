"""Databases that plugins offer for the store, by the scheme of their URLs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import Engine

from isthmus.errors import EngineError, PluginError
from isthmus.offers import Offers

__all__ = ["offered_engine"]

BUILT_IN: Final = frozenset({"sqlite", "postgresql", "postgres"})
SPOKEN: Final = frozenset({"sqlite", "postgresql"})
"""Dialects whose SQL the store speaks."""


def offered_engine(where: str, plugins: Sequence[object]) -> Engine | None:
    """The database that a URL names among what plugins offer; None for a path, or a scheme that is built in or nobody's.

    Raises:
        EngineError: what the plugin gave is none that the store can speak to.
        PluginError: two plugins offer the scheme.
    """
    scheme, colon, _ = where.partition("://")
    if not colon or scheme in BUILT_IN:
        return None
    offers: Offers[Callable[[str], object]] = Offers(
        "isthmus_stores", lambda given: dict(given).items(), plugins, what="store"
    )
    if scheme not in offers.names:
        return None
    connect = offers.find(scheme)
    (plugin,) = offers.owners(scheme)
    try:
        engine = connect(where)
    except Exception as exc:  # noqa: BLE001 -- reported as the plugin's
        # Not what it says: that may hold the URL, and the URL a password.
        raise PluginError(f"the plugin {plugin!r} cannot open its store: {type(exc).__name__}") from None
    if not isinstance(engine, Engine) or engine.dialect.name not in SPOKEN:
        raise EngineError(
            f"a store of the plugin {plugin!r} has to be an engine of SQLAlchemy on SQLite or PostgreSQL"
        )
    return engine
