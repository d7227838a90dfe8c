"""``isthmus backfill``: archives of any size to one destination, in parts that can be taken up again.

Importing this imports nothing of weight; that happens when the command is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from isthmus import hookimpl

if TYPE_CHECKING:
    from isthmus.abc import Command

__all__ = ["isthmus_commands"]


@hookimpl
def isthmus_commands() -> Iterable[Command]:
    """Offer ``backfill``."""
    from ._command import Backfill

    return [Backfill()]
