"""What a function's interpreter does over its connection: looks at code for the first time, or runs call after call."""

from __future__ import annotations

import gc
import importlib
import json
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from isthmus_guest._channel import ARMED, CALL, END, LOAD, LOADED, Channel
from isthmus_guest._door import door

from . import calls, clock, console, loading

__all__ = ["Interior", "Native", "prepare", "speak"]


class Interior(Protocol):
    """What interprets a function in the children of a zygote.

    Attributes:
        files: descriptors that a child keeps, beyond the fourth.
    """

    @property
    def files(self) -> Sequence[int]: ...

    def adopt(self, image: dict[str, Any]) -> None:
        """Take, in the zygote, what all children from here on are to find."""

    def speak(self, channel: Channel) -> None:
        """Do, in a child, what its host asks; without an image, look at code for the first time.

        Raises:
            EOFError: the host has gone.
        """


class Native:
    """The interpreter that runs the zygote itself."""

    files = ()

    def __init__(self) -> None:
        self._image: dict[str, Any] = {}

    def adopt(self, image: dict[str, Any]) -> None:
        """Keep the function's code, and import the trusted modules that it imports."""
        self._image = image
        for name in image["modules"]:
            try:
                importlib.import_module(name)
            except ImportError:
                continue  # not part of this interpreter; the child will say so where it matters
        # What a child need not do it need not touch: each page that it writes to is copied for it.
        prepare(image)

    def speak(self, channel: Channel) -> None:
        """See :class:`Interior`."""
        speak(channel, self._image)


def prepare(image: dict[str, Any]) -> None:
    """Put a call's time, chance and console in place of the machine's."""
    clock.install()
    door.on_time = clock.told
    console.capture(image["log_bytes"])
    door.loading = True


def speak(
    channel: Channel, image: dict[str, Any], *, once: bool = False, refuse: loading.Refusal | None = None
) -> None:
    """Run the calls of an image, which :func:`prepare` was given; without one, look at code for the first time.

    Args:
        channel: to the host.
        image: what was adopted.
        once: there is one call; else it is the host that ends this.
        refuse: see :func:`loading.load`.
    """
    door.connect(channel)
    if image:
        _serve(channel, image, once=once)
    else:
        _load(channel, refuse)


def _load(channel: Channel, refuse: loading.Refusal | None) -> None:
    """Compile code, run its body, say what it defines."""
    kind, payload = channel.receive()
    if kind == LOAD:
        door.loading = True
        channel.send(LOADED, json.dumps(loading.load(json.loads(payload), refuse)).encode())


def _serve(channel: Channel, image: dict[str, Any], *, once: bool) -> None:
    clock.start(clock.time_of_machine(), bytes(32))
    run: Callable[[bytes], bytes] = calls.taken_up(image)
    # Where calls follow each other at once, what is rehearsed for each is lost to all.
    if not once and not channel.wait(0):
        calls.rehearse(image)
    gc.freeze()
    channel.send(ARMED, b"")
    while True:
        kind, payload = channel.receive()
        if kind != CALL:
            continue
        door.loading = False
        channel.send(END, run(payload))
        if once:
            return
        door.forget()
