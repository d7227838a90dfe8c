"""One child: goes behind its layers, takes up the function's code, and runs what it is sent."""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from isthmus_guest._channel import ARMED, CALL, END, FAULT, LOAD, LOADED, Channel
from isthmus_guest._door import door

from . import calls, clock, loading
from .layers import Layers

__all__ = ["live"]

CONNECTION = 3
MOST_FILES = 1 << 20
UNFIT = 70
"""Exit status of a child that could not be confined."""


def live(connection: int, layers: Layers, image: dict[str, Any]) -> NoReturn:
    """The whole life of a child; it leaves by ``os._exit``, so that nothing of the zygote's runs in it.

    Args:
        connection: descriptor of its end.
        layers: to go behind.
        image: of the function, empty for a first look at code.
    """
    status = 1
    try:
        try:
            layers.confine()  # by means of descriptors that are closed next
        except OSError as error:
            text = f"the layer {error.filename!r} could not be put on: {error.strerror}"
            Channel(connection).send(FAULT, json.dumps({"message": text}).encode())
            os._exit(UNFIT)
        _shed(connection)
        channel = Channel(CONNECTION)
        os.chdir("/tmp" if layers.writable else "/")
        door.connect(channel)
        sys.path += layers.packages  # here, not in the zygote, which is to import nothing of theirs
        if image:
            _serve(channel, image)
        else:
            _load(channel)
        status = 0
    except EOFError:
        status = 0  # the host has no use for it any more
    except BaseException:  # noqa: BLE001 -- whatever the function has broken, the host sees a process that ended
        status = 1
    finally:
        os._exit(status)


def _shed(connection: int) -> None:
    """Keep of what the zygote holds nothing but this connection."""
    signal.set_wakeup_fd(-1)
    os.dup2(connection, CONNECTION)
    for file in (1, 2):
        os.dup2(0, file)
    os.closerange(CONNECTION + 1, MOST_FILES)


def _load(channel: Channel) -> None:
    """Look at code for the first time: compile it, run its body, say what it defines."""
    kind, payload = channel.receive()
    if kind == LOAD:
        door.loading = True
        channel.send(LOADED, json.dumps(loading.load(json.loads(payload))).encode())


def _serve(channel: Channel, image: dict[str, Any]) -> None:
    clock.start(clock.time_of_machine(), bytes(32))
    run: Callable[[bytes], bytes] = calls.taken_up(image)
    if not select.select([channel.file], [], [], 0)[0]:
        calls.rehearse(image)
    gc.freeze()
    channel.send(ARMED, b"")
    while True:
        kind, payload = channel.receive()
        if kind != CALL:
            continue
        door.loading = False
        channel.send(END, run(payload))
        # The host ends this process, or has another call for it.
        door.forget()
