"""What a Python function within WebAssembly must not reach, line by line; each line is an attack of ``hostile.py``.

Beside each attack a harmless call must succeed, and in the end nothing may be left.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
import trio
from tests.python import open_functions, processes_below, value_of

from isthmus import Instance
from isthmus_cpython_wasm import CPythonWasmRuntime

CODE: Final = Path(__file__).with_name("hostile.py").read_text("utf-8")
AT_ONCE: Final = 3
MEMORY: Final = 128 << 20
ENDLESS_TIME: Final = 0.6
"""Seconds that an attack without end is given."""
PATIENCE: Final = 60.0
"""Seconds that any other is: it ends by itself, on a machine that has other things to do."""

ENDLESS: Final = {
    "loop": "Timeout",
    "loop_that_swallows_everything": "Timeout",
    "backtrack": "Timeout",
    "big_number": "Timeout MemoryLimit",
    "sleep_for_ever": "Timeout",
    "sleep_in_c": "Timeout",
    "wait_for_nobody": "Timeout RuntimeError Crash",
    "wait_for_a_frame": "Timeout",
    "drip": "Timeout",
    "never_read_answers": "Timeout",
}
"""What only its limit ends, and how that is told."""

ENDING: Final = {
    "allocate_much": "MemoryLimit",
    "grow_and_catch": "= True",
    "grow": "MemoryLimit",
    "return_much": "OutputLimit MemoryLimit",
    "print_much": "= done",
    "draw_much_chance": "= ['ValueError']",
    "recurse": "RecursionError",
    "recurse_without_limit": "RecursionError MemoryLimit Crash",
    "recurse_in_c": "RecursionError Crash",
    "compile_what_nests": "SyntaxError RecursionError MemoryLimit Crash",
    "compare_what_nests": "RecursionError Crash",
    "exit_at_once": "Crash",
    "abort": "Crash",
    "broken_bytecode": "Crash SystemError",
    "raise_a_signal": "Crash",
    "read_files": "= ['FileNotFoundError', 'FileNotFoundError', 'FileNotFoundError']",
    "list_directories": "",
    "write_files": "",
    "look_at_the_environment": "= []",
    "connect": "",
    "resolve_a_name": "",
    "start_a_process": "",
    "kill_somebody": "",
    "make_a_thread": "= ['RuntimeError']",
    "load_a_library": "= ['ModuleNotFoundError', 'ModuleNotFoundError', 'ModuleNotFoundError']",
    "leave_traces": "= left",
    "find_traces": "= False",
    "look_for_others_settings": "= none",
    "forge_an_end": "= forged",
    "read_the_next_call": "= forged",
    "loop_after_the_end": "= forged",
    "say_that_it_is_ready": "= forged",
    "be_ready_twice": "Crash",
    "write_what_is_no_text": "Crash",
    "announce_much": "OutputLimit",
    "unknown_kind": "Crash",
    "write_garbage": "Crash",
    "fetch_that_is_none": "Crash",
    "flood_of_lines": "= done",
    "flood_of_operations": "Crash",
    "strange_numbers": "= done",
    "strange_times": "Crash",
}
"""What ends by itself or is ended by its host, and how that is told; after ``=`` comes a value, and nothing stands for any value but success."""


class Fate(msgspec.Struct, frozen=True):
    """What became of one attack.

    Attributes:
        value: what it returned.
        problem: name of the outcome's problem, "" for none.
        message: of the problem.
        harmless: a call beside it went well, and saw nothing of it.
    """

    value: object = None
    problem: str = ""
    message: str = ""
    harmless: bool = False


_fates: dict[str, Fate] = {}
_left: list[str] = []


async def _besiege(directory: Path) -> None:
    secret = directory / "secret"
    secret.write_text("secret")
    before, others = set(os.listdir("/proc/self/fd")), processes_below()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        event = {
            "type": "track",
            "engine": os.getpid(),
            "secret": str(secret),
            "home": str(Path.home()),
            "port": listening.getsockname()[1],
        }
        async with open_functions(runtime_class=CPythonWasmRuntime, default=True) as functions:
            limits: dict[str, Any] = {"wall": PATIENCE, "cpu": PATIENCE, "memory": MEMORY}
            # Two instances of one program, so that what an attack leaves behind is there for the other to find.
            patient = await functions.load(CODE, **limits, settings={"key": "its own"})
            other = await functions.load(CODE, **limits, settings={"key": "anothers secret"})
            strict = await functions.load(CODE, wall=ENDLESS_TIME, cpu=ENDLESS_TIME, memory=MEMORY)

            async def attack(name: str, instance: Instance) -> None:
                outcome = await functions.engine.invoke(instance, {**event, "attack": name})
                canary = await functions.engine.invoke(other, {"type": "page", "numbers": [1, 2, 3]})
                _fates[name] = Fate(
                    value=None if outcome.problem else value_of(outcome),
                    problem=outcome.problem.name if outcome.problem else "",
                    message=outcome.problem.message if outcome.problem else "",
                    harmless=canary.problem is None and value_of(canary) == {"sum": 6},
                )

            room = trio.Semaphore(AT_ONCE)

            async def guarded(name: str, instance: Instance) -> None:
                async with room:
                    await attack(name, instance)

            async with trio.open_nursery() as nursery:
                for name in ENDLESS:
                    nursery.start_soon(guarded, name, strict)
                for name in ENDING:
                    nursery.start_soon(guarded, name, patient)
    _left.extend(f"process {number}" for number in processes_below() - others)
    _left.extend(f"descriptor {name}" for name in set(os.listdir("/proc/self/fd")) - before)


@pytest.fixture(scope="module")
def fates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Fate]:
    """What became of all attacks, tried once."""
    if not _fates:
        trio.run(_besiege, tmp_path_factory.mktemp("siege"))
    return _fates


@pytest.mark.parametrize("attack", [*ENDLESS, *ENDING])
def test_an_attack_is_held(fates: dict[str, Fate], attack: str) -> None:
    fate = fates[attack]
    assert fate.harmless
    expected = ENDLESS.get(attack) or ENDING[attack]
    if expected.startswith("= "):
        assert str(fate.value) == expected[2:], fate
    elif expected:
        assert fate.problem in expected.split(), fate
    else:
        assert fate.value != "through", fate
        assert fate.problem == "", fate


def test_a_siege_leaves_nothing(fates: dict[str, Fate]) -> None:
    assert fates
    assert _left == []
