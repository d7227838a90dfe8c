"""Every page of the console that takes a role: what dispatch, the menu, and the test of pages and roles are made of."""

from __future__ import annotations

from typing import Final

from . import deliverypages, functionpages, instancepages, oversightpages, sourcepages, versionpages
from .visits import Page

__all__ = ["PAGES"]

# A path without variables comes before one that it would fit.
PAGES: Final[tuple[Page, ...]] = (
    *functionpages.PAGES,
    *versionpages.PAGES,
    *sourcepages.PAGES,
    *instancepages.PAGES,
    *deliverypages.PAGES,
    *oversightpages.PAGES,
)
