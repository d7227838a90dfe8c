"""Fixtures for pytest, there wherever isthmus is installed: functions in an engine without a network.

A module of its own, which imports the engine with the first test that asks for it: every run of pytest imports this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from isthmus.testing import HttpStub, LabEngine, LoadedFunction

__all__ = ["isthmus_engine", "isthmus_function", "isthmus_http", "isthmus_plugins"]


@pytest.fixture(scope="session")
def isthmus_plugins() -> Sequence[object]:
    """Plugins beside the installed ones; define a fixture of this name to hand in your own."""
    return ()


@pytest.fixture(scope="session")
def _isthmus_engine(isthmus_plugins: Sequence[object]) -> Iterator[LabEngine]:
    from isthmus.testing import lab_engine

    with lab_engine(plugins=isthmus_plugins) as engine:
        yield engine


@pytest.fixture
def isthmus_engine(_isthmus_engine: LabEngine) -> Iterator[LabEngine]:
    """An engine without a network, one for all tests, which run one after the other; see :class:`isthmus.testing.LabEngine`.

    Each test finds it with nothing written down of the network, and with the real clock.
    """
    from isthmus.testing import HttpStub

    _isthmus_engine.http = HttpStub()
    _isthmus_engine.freeze()
    yield _isthmus_engine
    _isthmus_engine.http = HttpStub()


@pytest.fixture
def isthmus_http(isthmus_engine: LabEngine) -> HttpStub:
    """The network of this test: write down responses, look at requests; see :class:`isthmus.testing.HttpStub`."""
    return isthmus_engine.http


@pytest.fixture
def isthmus_function(isthmus_engine: LabEngine) -> Iterator[Callable[..., LoadedFunction]]:
    """Loads functions, from a directory or from code, and closes them; see :meth:`isthmus.testing.LabEngine.load`."""
    loaded: list[LoadedFunction] = []

    def load(*args: Any, **options: Any) -> LoadedFunction:
        loaded.append(isthmus_engine.load(*args, **options))
        return loaded[-1]

    yield load
    for function in loaded:
        function.close()
