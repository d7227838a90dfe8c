"""Events and webhooks over HTTP into a pipeline: a Starlette application, for Trio."""

from __future__ import annotations

from .app import ingress_app as ingress_app
from .limits import IngressLimits as IngressLimits
from .sources import (
    Enter as Enter,
    Entrance as Entrance,
    Serving as Serving,
    Sources as Sources,
    SourceTable as SourceTable,
)

__all__ = ["Enter", "Entrance", "IngressLimits", "Serving", "SourceTable", "Sources", "ingress_app"]
