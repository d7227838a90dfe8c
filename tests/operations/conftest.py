"""A store in a data directory, as an operator has it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
import trio

from isthmus_server.store import HTTP_API, Draft, ResourceType, Transaction, open_store

CODE = """
async function onTrack(event) {
  if (event.event === "Bad") throw new ValidationError("no such thing");
}
"""


class Workspace(NamedTuple):
    """What is in the store.

    Attributes:
        data: the directory, or URL.
        key: a write key of the source.
        function: id of the destination function.
    """

    data: Path | str
    key: str
    source: str
    function: str
    destination: str

    @property
    def directory(self) -> Path:
        """Of the store."""
        return Path(self.data)


def make_workspace(data: Path | str, code: str = CODE) -> Workspace:
    """Make a store with a source, a destination function, and a destination made of it."""

    def make(tx: Transaction) -> tuple[str, str, str, str]:
        source = tx.sources.create("web", HTTP_API, {}, enabled=True)
        draft = Draft(code=code, display_name="Crm")
        function = tx.functions.create(ResourceType.DESTINATION, draft)
        destination = tx.destinations.create(source.id, function.id, {}, enabled=True)
        return source.write_keys[0], source.id, f"dfn_{function.id}", destination.id

    async def made() -> tuple[str, str, str, str]:
        async with open_store(data) as store:
            return await store.write(make)

    return Workspace(data, *trio.run(made))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "data")
