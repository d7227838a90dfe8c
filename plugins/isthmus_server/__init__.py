"""The service: events and webhooks in over HTTP, a pipeline that carries them on, and an API over what it is made of.

The command is ``isthmus serve``; ``isthmus plan``, ``apply`` and ``export`` take a store as code
(:mod:`isthmus_server.workspace`), and ``tokens``, ``usage``, ``bounds`` and ``reseal`` are for its operator.  Functions,
sources and destinations are in a ``pipeline.toml``, or in a store (:mod:`isthmus_server.store`) that is changed over HTTP
(:mod:`isthmus_server.api`) and in a browser (:mod:`isthmus_server.console`); :mod:`isthmus_server.ingress` is an
application for a server of one's own.  Importing this imports no HTTP server and no database: what needs them comes with
``pip install 'isthmus[server]'``.
"""

from __future__ import annotations

from collections.abc import Sequence

from isthmus import hookimpl
from isthmus.abc import Command

from ._command import ServeCommand
from ._consolecommand import ConsoleCommand
from ._reseal import ResealCommand
from ._tokens import TokensCommand
from ._usage import BoundsCommand, UsageCommand
from ._workspace import ApplyCommand, ExportCommand, PlanCommand

__all__ = ["isthmus_commands"]


@hookimpl
def isthmus_commands() -> Sequence[Command]:
    """``isthmus serve`` and its console, a store as a directory, and what an operator asks and sets."""
    return [
        ServeCommand(),
        ConsoleCommand(),
        PlanCommand(),
        ApplyCommand(),
        ExportCommand(),
        TokensCommand(),
        UsageCommand(),
        BoundsCommand(),
        ResealCommand(),
    ]
