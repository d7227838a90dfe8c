"""The command ``isthmus``; see ``isthmus --help``."""

from __future__ import annotations

import sys

from ._cli.commands import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
