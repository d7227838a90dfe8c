"""Where what is compiled or bundled is kept between two starts; of the standard library alone, for builds read it too."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["cache_directory"]


def cache_directory() -> Path:
    """``$ISTHMUS_CACHE``, else ``isthmus`` in the user's cache directory; it need not exist."""
    if given := os.environ.get("ISTHMUS_CACHE"):
        return Path(given)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "isthmus"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "isthmus"
