"""An insert function: what a handler returns goes on.

A handler that is left out blocks its type of event; raising DropEvent, or returning None, drops one.
"""

from typing import Any

from kit import handlers


def pass_on(event: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    return event


Handlers = handlers(
    onTrack=pass_on,
    onIdentify=pass_on,
    onPage=pass_on,
    onScreen=pass_on,
    onGroup=pass_on,
    onAlias=pass_on,
    onDelete=pass_on,
)
