from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.python import Functions, open_functions

from isthmus_cpython_wasm import CPythonWasmRuntime
from isthmus_cpython_wasm._component import compiled_component

CONTRACT = Path(__file__).with_name("test_contract.py")


@pytest.fixture(scope="session", autouse=True)
def component() -> None:
    """Build the component where the cache has none: no test is to wait for that."""
    compiled_component()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of the contract's cases leave out those that need what there is not."""
    for item in items:
        if item.path == CONTRACT and "import ctypes" in item.name:
            item.add_marker(pytest.mark.skip(reason="there is no ctypes within WebAssembly"))
        if item.path == CONTRACT and "os._exit(7)" in item.name:
            item.add_marker(pytest.mark.skip(reason="WASI tells of success or failure, and no number"))


@pytest.fixture
async def functions() -> AsyncIterator[Functions]:
    """Loads and runs Python functions within WebAssembly, whatever isolation they ask for."""
    async with open_functions(runtime_class=CPythonWasmRuntime, default=True) as opened:
        yield opened
