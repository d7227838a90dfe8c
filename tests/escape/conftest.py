from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio
from tests.escape.prisons import Prison

import isthmus_quickjs
from isthmus import open_engine
from isthmus.abc import FetchRequest, FetchResponse
from isthmus.testing import MockFetcher
from isthmus_quickjs._guest import Guest


@pytest.fixture(scope="session")
def guest() -> Guest:
    return Guest()


@pytest.fixture
async def javascript(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Prison]:
    """Runs JavaScript through the public engine, over one compiled guest for all tests."""
    monkeypatch.setattr("isthmus_quickjs._guest.Guest", lambda: guest)

    async def answer(request: FetchRequest) -> FetchResponse:
        if "slow" in request.url:
            await trio.sleep(0.05)
        return FetchResponse(status=200, body=b'"answer"', url=request.url)

    fetcher = MockFetcher(answer)
    async with open_engine(plugins=[isthmus_quickjs, fetcher], load_entry_points=False) as engine:
        yield Prison(engine, fetcher, "javascript")
