from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.python import Functions, open_functions


@pytest.fixture
async def functions() -> AsyncIterator[Functions]:
    """Loads and runs Python functions, behind all the layers that this machine has."""
    async with open_functions() as opened:
        yield opened
