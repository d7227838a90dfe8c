from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.servers import Authority

from isthmus.abc import Egress, FetchRequest, FetchResponse, Hop
from isthmus_fetch import HttpFetcher

LOCAL = Egress(allow_private=True)
MIB = 1024 * 1024


class Client:
    """A fetcher, with what a test has no opinion on filled in, that notes its hops."""

    def __init__(self, fetcher: HttpFetcher) -> None:
        self.fetcher = fetcher
        self.hops: list[Hop] = []

    async def __call__(
        self, url: str, egress: Egress = LOCAL, *, limit: int = MIB, **request: object
    ) -> FetchResponse:
        return await self.fetcher.fetch(
            FetchRequest(url=url, **request),  # type: ignore[arg-type] # whatever FetchRequest takes
            egress,
            max_response_bytes=limit,
            on_hop=self.hops.append,
        )


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder: Path = tmp_path_factory.mktemp("certificates")
    return Authority(folder)


@pytest.fixture
async def make_client(authority: Authority) -> AsyncIterator[Callable[..., Client]]:
    """Makes clients that trust the test's authority; arguments as :class:`HttpFetcher` takes them."""
    clients: list[Client] = []

    def make(**options: object) -> Client:
        fetcher = HttpFetcher(**{"ssl_context": authority.client(), "connect_timeout": 600, **options})  # type: ignore[arg-type]
        clients.append(Client(fetcher))
        return clients[-1]

    yield make
    for client in clients:
        await client.fetcher.aclose()


@pytest.fixture
async def client(make_client: Callable[..., Client]) -> Client:
    return make_client()
