from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings
from tests.javascript import Scripts, WorldCensus, open_scripts

from isthmus_quickjs._guest import Guest

# No deadline: a busy machine is not a failure.  The guest is shared on purpose, and holds no state of a test.
settings.register_profile(
    "quickjs",
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("quickjs")


@pytest.fixture(scope="session")
def guest() -> Guest:
    return Guest()


@pytest.fixture
async def scripts(guest: Guest) -> AsyncIterator[Scripts]:
    """Loads functions: ``await scripts(code, wall=0.1)``."""
    async with open_scripts(guest) as made:
        yield made


@pytest.fixture
def census(monkeypatch: pytest.MonkeyPatch) -> WorldCensus:
    """Counts worlds; ask for it before a function is loaded."""
    return WorldCensus(monkeypatch)
