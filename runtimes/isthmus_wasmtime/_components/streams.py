"""wasi:io: streams over bytes, and waiting for what is on its way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol, final

from isthmus.abc import Thrown
from isthmus_wasmtime._asked import LONGEST_WAIT
from isthmus_wasmtime._course import Ended

from .errands import Errand
from .offers import gives
from .world import ComponentWorld

__all__ = ["Alarm", "Arrival", "Input", "Output", "Pollable", "Ready", "Stdin", "wait"]

ERROR, POLL, STREAMS = "wasi:io/error", "wasi:io/poll", "wasi:io/streams"
MOST: Final = 65_536
"""Bytes that one read gives, and one write takes."""
CLOSED: Final = ("err", ("closed", None))


# -- what can be waited for


class Pollable(Protocol):
    """What a component waits for."""

    def ready(self, world: ComponentWorld) -> bool:
        """Whether there is nothing to wait for."""


@final
class Ready:
    """What never keeps anyone waiting."""

    def ready(self, world: ComponentWorld) -> bool:
        del world
        return True


@final
class Alarm:
    """A time of the steady clock, in nanoseconds."""

    def __init__(self, when: int) -> None:
        self.when = when

    def ready(self, world: ComponentWorld) -> bool:
        return world.clock >= self.when


@final
class Arrival:
    """The end of an errand; None for one that has not begun."""

    def __init__(self, errand: Errand | None) -> None:
        self.errand = errand

    def ready(self, world: ComponentWorld) -> bool:
        del world
        return self.errand is not None and self.errand.done


def wait(world: ComponentWorld, awaited: Sequence[Pollable]) -> None:
    """Wait until one of several is ready.

    Raises:
        Ended: that never comes.
    """
    if any(each.ready(world) for each in awaited):
        return
    alarms = [each.when for each in awaited if isinstance(each, Alarm)]
    errands = [each.errand for each in awaited if isinstance(each, Arrival) and each.errand is not None]
    if not alarms and not errands:
        raise Ended(
            Thrown("Error", "it waits for what never comes: a request whose body it has not finished")
        )
    left = min(alarms) - world.clock if alarms else None
    seconds = None if left is None else min(left / 1e9, LONGEST_WAIT)
    if world.errands is None:
        raise Ended(Thrown("Error", "it waits for something while no call runs"))
    world.speaking().waiting(world.errands.first, errands, seconds)
    if left is not None and not any(errand.done for errand in errands):
        # The host's clock may be coarser than the component's: what was waited for has passed.
        world.waited(max(0, min(alarms) - world.clock))


@gives(POLL, "poll")
def poll(world: ComponentWorld, awaited: Sequence[Pollable]) -> list[int]:
    if not awaited:
        raise ValueError("poll was given nothing to wait for")
    wait(world, awaited)
    return [index for index, each in enumerate(awaited) if each.ready(world)]


@gives(POLL, "[method]pollable.ready")
def is_ready(world: ComponentWorld, awaited: Pollable) -> bool:
    world.now()  # a look at the clock moves it on, so that who only looks comes to an end too
    if isinstance(awaited, Arrival) and not awaited.ready(world):
        world.speaking().look()
    return awaited.ready(world)


@gives(POLL, "[method]pollable.block")
def block(world: ComponentWorld, awaited: Pollable) -> None:
    wait(world, [awaited])


@gives(ERROR, "[method]error.to-debug-string")
def to_debug_string(_world: ComponentWorld, error: object) -> str:
    return str(error)


# -- input


@final
class Input:
    """Bytes to be read."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)

    def take(self, world: ComponentWorld, size: int) -> bytes:
        """The next bytes, b"" at the end."""
        del world
        taken, self._data = self._data[:size], self._data[size:]
        return bytes(taken)


@final
class Stdin:
    """Standard input, the same for whoever asks for it."""

    def take(self, world: ComponentWorld, size: int) -> bytes:
        """The next bytes, b"" at the end."""
        # A view: what is left of some megabytes would be copied with each read.
        taken, world.stdin = world.stdin[:size], world.stdin[size:]
        return bytes(taken)


@gives(STREAMS, "[method]input-stream.read", "[method]input-stream.blocking-read")
def read(world: ComponentWorld, stream: Input | Stdin, size: int) -> tuple[str, Any]:
    if not size:
        return "ok", b""
    data = stream.take(world, min(size, MOST))
    return ("ok", data) if data else CLOSED


@gives(STREAMS, "[method]input-stream.skip", "[method]input-stream.blocking-skip")
def skip(world: ComponentWorld, stream: Input | Stdin, size: int) -> tuple[str, Any]:
    answer, found = read(world, stream, size)
    return (answer, len(found)) if answer == "ok" else CLOSED


@gives(STREAMS, "[method]input-stream.subscribe", "[method]output-stream.subscribe")
def subscribe(_world: ComponentWorld, _stream: object) -> Ready:
    return Ready()


# -- output


class Output(Protocol):
    """Where bytes go."""

    def put(self, world: ComponentWorld, data: bytes) -> bool:
        """Take bytes; whether there is anyone to take them."""


@gives(STREAMS, "[method]output-stream.check-write")
def check_write(_world: ComponentWorld, _stream: Output) -> tuple[str, Any]:
    return "ok", MOST


@gives(STREAMS, "[method]output-stream.write", "[method]output-stream.blocking-write-and-flush")
def write(world: ComponentWorld, stream: Output, data: bytes) -> tuple[str, Any]:
    if len(data) > MOST:
        raise ValueError(f"{len(data)} bytes were written at once, and {MOST} are what a stream takes")
    return ("ok", None) if stream.put(world, data) else CLOSED


@gives(STREAMS, "[method]output-stream.write-zeroes", "[method]output-stream.blocking-write-zeroes-and-flush")
def write_zeroes(world: ComponentWorld, stream: Output, size: int) -> tuple[str, Any]:
    return write(world, stream, bytes(min(size, MOST + 1)))


@gives(STREAMS, "[method]output-stream.flush", "[method]output-stream.blocking-flush")
def flush(_world: ComponentWorld, _stream: Output) -> tuple[str, Any]:
    return "ok", None


@gives(STREAMS, "[method]output-stream.splice", "[method]output-stream.blocking-splice")
def splice(world: ComponentWorld, stream: Output, source: Input | Stdin, size: int) -> tuple[str, Any]:
    answer, data = read(world, source, size)
    if answer != "ok" or not stream.put(world, data):
        return CLOSED
    return "ok", len(data)
