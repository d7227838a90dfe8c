"""Hypothesis without its clock: a busy machine is not a failure."""

import pytest
from hypothesis import HealthCheck, settings

from isthmus_cpython_wasm._component import compiled_component

settings.register_profile(
    "properties",
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("properties")


@pytest.fixture(scope="session")
def component() -> None:
    """Build the component of Python where the cache has none: no call is to wait for that."""
    compiled_component()
