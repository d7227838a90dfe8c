"""A function in one world, which is restored before each call."""

from __future__ import annotations

from contextlib import ExitStack

import msgspec

from isthmus import Limits
from isthmus.abc import Call
from isthmus_quickjs._frames import RETURNED, pack_record, parse_frame
from isthmus_quickjs._guest import Guest
from isthmus_quickjs._runtime import modules_named_in
from isthmus_quickjs._source import Source
from isthmus_quickjs._world import World

__all__ = ["LoneWorld"]

LIMITS = Limits()


class LoneWorld:
    """A world, below all that hands calls out.

    Args:
        stack: closes it.
        code: a script whose onTrack is called.
        file: its name.
    """

    def __init__(self, stack: ExitStack, code: str, file: str) -> None:
        options: dict[str, object] = {
            "kind": "destination",
            "modules": modules_named_in(code),
            "lenient": False,
        }
        image = Guest().load(
            Source(code=code, file=file),
            options,
            memory=LIMITS.memory,
            log_bytes=LIMITS.log_bytes + 1,
            proceed=lambda *_: True,
        )
        self._world = World(image)
        stack.callback(self._world.close)

    def run(self, event: dict[str, object]) -> object:
        """What a call returns; the world is restored first."""
        call = Call("onTrack", msgspec.json.encode(event), b"{}", "subject#1", 1_700_000_000.0, bytes(32))
        self._world.restore()
        result = self._world.invoke(pack_record(call), lambda *_: True)
        frame = parse_frame(result.ran[0].frame)
        if frame.status != RETURNED:
            raise RuntimeError(f"the call ended otherwise: {frame.value!r}")
        return msgspec.json.decode(frame.value)
