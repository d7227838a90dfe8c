"""Files of events, as the command line reads them: their bytes, where one event ends, and what an event is.

For commands of plugins that read archives.  Nothing here decides what is done with an event.
"""

from __future__ import annotations

from ._cli.feeds import CHUNK as CHUNK, Feed as Feed
from ._cli.splitting import (
    Flaw as Flaw,
    Piece as Piece,
    Splitter as Splitter,
    Unreadable as Unreadable,
    detecting as detecting,
)
from ._pipeline.events import ID_LENGTH as ID_LENGTH, Head as Head, Taken as Taken, taken as taken

__all__ = [
    "CHUNK",
    "ID_LENGTH",
    "Feed",
    "Flaw",
    "Head",
    "Piece",
    "Splitter",
    "Taken",
    "Unreadable",
    "detecting",
    "taken",
]
