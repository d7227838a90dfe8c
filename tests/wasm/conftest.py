from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.wasm.modules import Modules

from isthmus_wasmtime._runtime import WasmtimeRuntime

# No deadline: a busy machine is not a failure.
settings.register_profile(
    "wasm", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
settings.load_profile("wasm")


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for compiled code, one for all tests."""
    directory = tmp_path_factory.mktemp("compiled")
    directory.chmod(0o700)
    return directory


@pytest.fixture
async def modules(compiled: Path) -> AsyncIterator[Modules]:
    """Loads functions: ``await modules(wat, wall=0.1)``."""
    async with Modules.opened(WasmtimeRuntime(cache=compiled)) as made:
        yield made
