"""Keys changed: every sealed value read with whichever key it has, and sealed under the first."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select, update

from . import places
from .schema import destinations, insert_instances, sources, workspaces
from .sealing import KeyRing

__all__ = ["reseal"]

SEALED: Final = (
    (workspaces.c.token_key, lambda _id: places.TOKEN_KEY),
    (sources.c.settings, places.source_settings),
    (sources.c.webhook_secret, places.source_webhook),
    (destinations.c.settings, places.destination_settings),
    (insert_instances.c.settings, places.insert_settings),
)
"""Every column that is sealed, and the place of a row's value by its id."""


def reseal(connection: Connection, keys: KeyRing) -> int:
    """Seal anew what the first key has not sealed; how many values that were."""
    count = 0
    for column, place_of in SEALED:
        table = column.table
        for row_id, sealed in connection.execute(select(table.c.id, column)).all():
            if keys.is_current(bytes(sealed)):
                continue
            place = place_of(row_id)
            anew = keys.seal(keys.open(bytes(sealed), place), place)
            connection.execute(update(table).where(table.c.id == row_id).values({column.name: anew}))
            count += 1
    return count
