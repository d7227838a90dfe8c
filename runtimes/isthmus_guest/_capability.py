"""capability: what the service that runs the function offers it beyond fetch and cache, by name; JSON there and back."""

from __future__ import annotations

import json
from typing import Any

from ._door import door

__all__ = ["acapability", "capability"]


def capability(name: str, argument: Any = None) -> Any:
    """What comes of an argument.

    Args:
        name: of something that the function was granted.
        argument: anything that JSON can hold.

    Raises:
        CapabilityError: it gave nothing; its ``code`` says why.
    """
    return door.ask(op="capability", key=str(name), value=_text(argument))


async def acapability(name: str, argument: Any = None) -> Any:
    """As :func:`capability`, awaited: other tasks go on."""
    return await door.ask_async(op="capability", key=str(name), value=_text(argument))


def _text(argument: Any) -> str:
    return json.dumps(argument, allow_nan=False, separators=(",", ":"))
