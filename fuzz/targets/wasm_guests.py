"""A damaged module or component is refused in one sentence, or loads and its call ends within its limits; nothing else."""

from __future__ import annotations

import trio
from tests.wasm.damage import damaged
from tests.wasm.modules import Modules

from fuzz.generators import text
from isthmus import LoadError
from isthmus.abc import Killed, Returned, Thrown
from isthmus_wasmtime._runtime import WasmtimeRuntime


def check(data: bytes) -> None:
    try:
        code = damaged(text(data))
    except (ValueError, IndexError):
        return  # the text describes no guest
    trio.run(_run, code)


async def _run(code: bytes) -> None:
    async with Modules.opened(WasmtimeRuntime(cache=None, threads=1)) as modules:
        refused = ""
        try:
            module = await modules(code, wall=1.0, cpu=0.3, memory=16 << 20)
        except LoadError as error:
            refused = error.message
        else:
            ending = (await module.run()).ending
            assert isinstance(ending, Returned | Thrown | Killed), ending
        assert "\n" not in refused, refused
