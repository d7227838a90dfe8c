"""``python -m tests.escape.siege LEVEL``: all attacks on an engine at a level of isolation; prints what became of each.

It runs as whoever starts it.  Attacks run a few at a time, and after each a harmless call must succeed.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import trio
from tests.python import open_functions, processes_below, value_of

from isthmus import Instance, Outcome

CODE = Path(__file__).with_name("attacks.py").read_text("utf-8")
AT_ONCE = 6
MEMORY = 256 << 20
ENDLESS = 0.4
"""Seconds that an attack without end is given."""
PATIENCE = 300.0
"""Seconds that any other is: it ends by itself, on a machine that has other things to do."""


class Fate(msgspec.Struct, frozen=True):
    """What became of one attack.

    Attributes:
        value: what it returned.
        problem: name of the outcome's problem, "" for none.
        message: of the problem.
        harmless: a call beside it went well.
    """

    value: object = None
    problem: str = ""
    message: str = ""
    harmless: bool = False


class Report(msgspec.Struct, frozen=True):
    """What became of all.

    Attributes:
        level: of isolation, as reached.
        missing: layers, with the reasons.
        user: who ran it.
        fates: by attack.
        left: processes and descriptors that were there in the end and not in the beginning.
        datagrams: that reached a socket outside.
    """

    level: str
    missing: dict[str, str]
    user: int
    fates: dict[str, Fate]
    left: list[str]
    datagrams: int


async def besiege(
    level: str, endless: Sequence[str], ending: Sequence[str], in_turn: Sequence[str]
) -> Report:
    """Run attacks at a level: those without an end and others a few at a time, then some one after the other."""
    fates: dict[str, Fate] = {}
    before = set(os.listdir("/proc/self/fd"))
    with tempfile.TemporaryDirectory() as directory:
        secret = _secret_in(directory)
        outside = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        outside.bind(f"{directory}/datagrams")
        outside.setblocking(False)
        listening = socket.create_server(("127.0.0.1", 0))
        event = {
            "type": "track",
            "engine": os.getpid(),
            "secret": str(secret),
            "home": str(Path.home()),
            "port": listening.getsockname()[1],
            "datagrams": f"{directory}/datagrams",
            "packages": [msgspec.__file__, trio.__file__, __file__],
        }
        with outside, listening:
            async with open_functions(level) as functions:
                patient = await functions.load(CODE, wall=PATIENCE, cpu=PATIENCE, memory=MEMORY)
                strict = await functions.load(CODE, wall=ENDLESS, cpu=ENDLESS, memory=MEMORY)
                other = "def on_track(e, s): return s['key']"
                await functions.engine.invoke(
                    await functions.load(other, settings={"key": "secret of another"}), event
                )

                async def attack(name: str, instance: Instance) -> None:
                    outcome = await functions.engine.invoke(instance, {**event, "attack": name})
                    canary = await functions.engine.invoke(patient, {"type": "page", "numbers": [1, 2, 3]})
                    fates[name] = Fate(
                        value=_value_of(outcome),
                        problem=outcome.problem.name if outcome.problem else "",
                        message=outcome.problem.message if outcome.problem else "",
                        harmless=canary.problem is None and value_of(canary) == {"sum": 6},
                    )

                room = trio.Semaphore(AT_ONCE)

                async def guarded(name: str, instance: Instance) -> None:
                    async with room:
                        await attack(name, instance)

                async with trio.open_nursery() as nursery:
                    for name in endless:
                        nursery.start_soon(guarded, name, strict)
                    for name in ending:
                        nursery.start_soon(guarded, name, patient)
                for name in in_turn:
                    await attack(name, patient)
                isolation = functions.runtime.reached
                assert isolation is not None
            datagrams = 0
            while True:
                try:
                    outside.recv(100)
                except BlockingIOError:
                    break
                datagrams += 1
    left = [f"process {number}" for number in processes_below()]
    left += [f"descriptor {name}" for name in set(os.listdir("/proc/self/fd")) - before]
    return Report(isolation.level, isolation.missing, os.geteuid(), fates, left, datagrams)


def _value_of(outcome: Outcome) -> object:
    """What it returned, as far as that can be read."""
    if outcome.problem is not None:
        return None
    try:
        return str(value_of(outcome))[:1000]
    except (msgspec.DecodeError, ValueError):
        return "what cannot be read"


def _secret_in(directory: str) -> Path:
    secret = Path(directory, "secret")
    secret.write_text("secret")
    secret.chmod(0o600)
    return secret


def main() -> None:
    level, (endless, ending, in_turn) = sys.argv[1], (names.split() for names in sys.argv[2:5])
    sys.stdout.buffer.write(msgspec.json.encode(trio.run(besiege, level, endless, ending, in_turn)))


if __name__ == "__main__":
    main()
