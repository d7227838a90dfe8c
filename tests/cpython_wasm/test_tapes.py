"""What is replayed of a Python function is replayed within WebAssembly: the same tests, and the order of sets."""

from __future__ import annotations

from tests.cpython.test_tapes import *  # noqa: F403
from tests.cpython.test_tapes import record, replay
from tests.python import Functions


async def test_what_c_code_reads_of_the_clock_is_as_on_the_tape(functions: Functions) -> None:
    code = """
        from datetime import datetime, timezone
        from isthmus_guest import fetch
        def on_track(event, settings):
            fetch("https://api.example/slow", body=str(datetime.now()), method="POST")
            return [str(datetime.now()), str(datetime.now(timezone.utc))]
    """
    _, tape = await record(functions, code)
    assert (await replay(functions, tape)).identical


async def test_the_order_of_a_set_and_hashes_are_as_on_the_tape(functions: Functions) -> None:
    code = """
        import random
        def on_track(event, settings):
            return [list({f"{n}" for n in range(100)}), hash("a"), random.Random().random()]
    """
    _, tape = await record(functions, code)
    assert (await replay(functions, tape)).identical
