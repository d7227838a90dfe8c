from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.python import Functions, open_functions

from isthmus_cpython_wasm import CPythonWasmRuntime
from isthmus_cpython_wasm._component import compiled_component


@pytest.fixture(scope="session", autouse=True)
def component() -> None:
    """Build the component where the cache has none: no test is to wait for that."""
    compiled_component()


@pytest.fixture
async def functions() -> AsyncIterator[Functions]:
    """Loads and runs Python functions within WebAssembly, whatever isolation they ask for."""
    async with open_functions(runtime_class=CPythonWasmRuntime, default=True) as opened:
        yield opened
