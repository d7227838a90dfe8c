"""wasi:cli, clocks and random, from the call; files and sockets, of which there are none."""

from __future__ import annotations

from typing import Any, Final, final

from .offers import gives
from .streams import Alarm, Stdin
from .world import ComponentWorld, Exited

__all__: list[str] = []

SECOND: Final = 1_000_000_000
MOST_CHANCE: Final = 1 << 18
"""Bytes of chance that are drawn at once."""
LATEST: Final = (1 << 64) - 1


@final
class Console:
    """Standard output, or the log."""

    def __init__(self, stream: int) -> None:
        self._stream = stream

    def put(self, world: ComponentWorld, data: bytes) -> bool:
        """Hand bytes to the call."""
        world.write(self._stream, data)
        return True


# -- wasi:cli


@gives("wasi:cli/environment", "get-environment")
def environment(_world: ComponentWorld) -> list[tuple[str, str]]:
    return []


@gives("wasi:cli/environment", "get-arguments")
def arguments(_world: ComponentWorld) -> list[str]:
    return ["function"]


@gives("wasi:cli/environment", "initial-cwd")
@gives("wasi:cli/terminal-stdin", "get-terminal-stdin")
@gives("wasi:cli/terminal-stdout", "get-terminal-stdout")
@gives("wasi:cli/terminal-stderr", "get-terminal-stderr")
def nothing(_world: ComponentWorld) -> None:
    return None


@gives("wasi:cli/exit", "exit")
def leave(_world: ComponentWorld, status: tuple[str, None]) -> None:
    raise Exited(0 if status[0] == "ok" else 1)


@gives("wasi:cli/exit", "exit-with-code")
def leave_with(_world: ComponentWorld, status: int) -> None:
    raise Exited(status)


@gives("wasi:cli/stdin", "get-stdin")
def stdin(_world: ComponentWorld) -> Stdin:
    return Stdin()


@gives("wasi:cli/stdout", "get-stdout")
def stdout(world: ComponentWorld) -> Console:
    # Where the reply is not what is printed, what is printed is for whoever reads the log.
    return Console(2 if world.speaking().stdin else 3)


@gives("wasi:cli/stderr", "get-stderr")
def stderr(_world: ComponentWorld) -> Console:
    return Console(3)


# -- wasi:clocks and wasi:random


@gives("wasi:clocks/monotonic-clock", "now")
def now(world: ComponentWorld) -> int:
    return world.now()


@gives("wasi:clocks/monotonic-clock", "resolution")
def resolution(_world: ComponentWorld) -> int:
    return 1000


@gives("wasi:clocks/monotonic-clock", "subscribe-instant")
def at_instant(world: ComponentWorld, when: int) -> Alarm:
    world.speaking()
    return Alarm(when)


@gives("wasi:clocks/monotonic-clock", "subscribe-duration")
def after(world: ComponentWorld, duration: int) -> Alarm:
    return Alarm(min(world.now() + duration, LATEST))


@gives("wasi:clocks/wall-clock", "now")
def wall_clock(world: ComponentWorld) -> dict[str, int]:
    seconds, nanoseconds = divmod(world.wall_clock(), SECOND)
    return {"seconds": seconds, "nanoseconds": nanoseconds}


@gives("wasi:clocks/wall-clock", "resolution")
def wall_resolution(_world: ComponentWorld) -> dict[str, int]:
    return {"seconds": 0, "nanoseconds": 1000}


@gives("wasi:random/random", "get-random-bytes")
@gives("wasi:random/insecure", "get-insecure-random-bytes")
def chance(world: ComponentWorld, size: int) -> bytes:
    if size > MOST_CHANCE:
        raise ValueError(f"{size} random bytes were asked for at once, and {MOST_CHANCE} are the most")
    return world.chance(size)


@gives("wasi:random/random", "get-random-u64")
@gives("wasi:random/insecure", "get-insecure-random-u64")
def number(world: ComponentWorld) -> int:
    return int.from_bytes(world.chance(8), "little")


@gives("wasi:random/insecure-seed", "insecure-seed")
def seed(world: ComponentWorld) -> tuple[int, int]:
    return number(world), number(world)


# -- files and sockets


@gives("wasi:filesystem/preopens", "get-directories")
def directories(_world: ComponentWorld) -> list[Any]:
    return []


@gives("wasi:filesystem/types", "filesystem-error-code")
@gives("wasi:sockets/network", "network-error-code")
def other_error(_world: ComponentWorld, _error: object) -> None:
    return None


@gives("wasi:sockets/instance-network", "instance-network")
def network(_world: ComponentWorld) -> str:
    return "no network"


@gives("wasi:sockets/tcp-create-socket", "create-tcp-socket")
@gives("wasi:sockets/udp-create-socket", "create-udp-socket")
def socket(_world: ComponentWorld, _family: str) -> tuple[str, str]:
    return "err", "access-denied"


@gives("wasi:sockets/ip-name-lookup", "resolve-addresses")
def resolve(_world: ComponentWorld, _network: object, _name: str) -> tuple[str, str]:
    return "err", "access-denied"
