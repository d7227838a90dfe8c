"""The command ``isthmus``; see ``isthmus --help``."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

from ._cli import commands

__all__ = ["main"]

YOUNG = 50_000
"""Objects that are made before they are looked at for cycles. With Python's own 700, the imports of a start
alone make it look through all that there is some ten times, a tenth of what a short command takes."""


def main(argv: Sequence[str] | None = None, *, plugins: Sequence[object] = ()) -> int:
    """Run a command in a process that is its own; see :func:`isthmus._cli.commands.main`."""
    gc.set_threshold(YOUNG, 10, 10)
    return commands.main(argv, plugins=plugins)


if __name__ == "__main__":
    sys.exit(main())
