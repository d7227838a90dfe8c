"""The service: events and webhooks in over HTTP, and a pipeline that carries them on, in one process.

The command is ``isthmus serve``; :mod:`isthmus_server.ingress` is an application for a server of one's own.
Importing this imports no HTTP library.
"""

from __future__ import annotations

from collections.abc import Sequence

from isthmus import hookimpl
from isthmus.abc import Command

from ._command import ServeCommand

__all__ = ["isthmus_commands"]


@hookimpl
def isthmus_commands() -> Sequence[Command]:
    """``isthmus serve``."""
    return [ServeCommand()]
