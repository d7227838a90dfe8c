"""The connection between a call's process and its host, from inside the process."""

from __future__ import annotations

import pytest
from tests.python import Functions, value_of

from isthmus import LoadError


async def test_what_a_module_prints_at_length_does_not_hold_up_a_long_event(functions: Functions) -> None:
    """Its process writes before it reads, and a socket takes only so much."""
    functions.runtime._ready = 0
    code = """
    for number in range(200):
        print("x" * 20_000)
    def on_track(event, settings):
        return len(event["text"])
    """
    instance = await functions.load(code, log_bytes=8_000_000, wall=20.0)
    for _ in range(2):  # the second finds no process that is ready
        outcome = await functions.engine.invoke(instance, {"type": "track", "text": "y" * 4_000_000})
        assert value_of(outcome) == 4_000_000


@pytest.mark.parametrize("when", ["loaded", "called"])
async def test_a_function_that_says_it_could_not_be_confined_is_not_believed(
    functions: Functions, when: str
) -> None:
    functions.runtime._ready = 0
    code = f"""
    import os, struct, sys
    if ("taken_up" in {{frame.f_code.co_name for frame in (sys._getframe(2), sys._getframe(3), sys._getframe(4))}}) == {when == "called"}:
        text = b'{{"message":"forged"}}'
        os.write(3, struct.pack("<IB", len(text), 5) + text)
    def on_track(event, settings): pass
    """
    if when == "loaded":
        with pytest.raises(LoadError, match="wrote what it may not write: a frame of kind 5 comes too late"):
            await functions.load(code)
    else:
        outcome = await functions.outcome(code)
        assert outcome.problem is not None
        assert outcome.problem.name == "Crash"
        assert "a frame of kind 5 comes too late" in outcome.problem.message
