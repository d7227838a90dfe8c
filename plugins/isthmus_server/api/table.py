"""Every operation of the API: what dispatch, roles, the OpenAPI document and the test of routes and roles are made of."""

from __future__ import annotations

from typing import Final

from . import catalog, deliveries, destinations, functions, inserts, preview, sources, workspace
from .calls import Route

__all__ = ["ROUTES"]

# A path without variables comes before one that it would fit.
ROUTES: Final[tuple[Route, ...]] = (
    *workspace.ROUTES,
    *preview.ROUTES,
    *functions.ROUTES,
    *inserts.ROUTES,
    *sources.ROUTES,
    *destinations.ROUTES,
    *catalog.ROUTES,
    *deliveries.ROUTES,
)
