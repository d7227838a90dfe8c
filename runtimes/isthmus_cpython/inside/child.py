"""One child: goes behind its layers, takes up the function's code, and runs what it is sent."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterable
from typing import NoReturn

from isthmus_guest._channel import CONFINED, FAULT, Channel

from .layers import Layers
from .serving import Interior

__all__ = ["live"]

CONNECTION = 3
MOST_FILES = 1 << 20
UNFIT = 70
"""Exit status of a child that could not be confined."""


def live(connection: int, layers: Layers, interior: Interior) -> NoReturn:
    """The whole life of a child; it leaves by ``os._exit``, so that nothing of the zygote's runs in it.

    Args:
        connection: descriptor of its end.
        layers: to go behind.
        interior: what interprets the function.
    """
    status = 1
    try:
        # Opened anew: what is shared with the other children has flags that one could set, and another read.
        null = os.open(os.devnull, os.O_RDWR)
        try:
            layers.confine()  # by means of descriptors that are closed next
        except OSError as error:
            text = f"the layer {error.filename!r} could not be put on: {error.strerror}"
            Channel(connection).send(FAULT, json.dumps({"message": text}).encode())
            os._exit(UNFIT)
        _shed(connection, null, interior.files)
        os.chdir("/tmp" if layers.writable else "/")
        sys.path += layers.packages  # here, not in the zygote, which is to import nothing of theirs
        channel = Channel(CONNECTION)
        channel.send(CONFINED, b"")  # from here on the author's code may run, and says what it likes
        interior.speak(channel)
        status = 0
    except EOFError:
        status = 0  # the host has no use for it any more
    except BaseException:  # noqa: BLE001 -- whatever the function has broken, the host sees a process that ended
        status = 1
    finally:
        os._exit(status)


def _shed(connection: int, null: int, kept: Iterable[int]) -> None:
    """Keep of what the zygote holds nothing but this connection, and files that the interior reads."""
    signal.set_wakeup_fd(-1)
    os.dup2(connection, CONNECTION)
    for file in (0, 1, 2):
        os.dup2(null, file)
    first = CONNECTION + 1
    for file in sorted(kept):
        os.closerange(first, file)
        first = file + 1
    os.closerange(first, MOST_FILES)
