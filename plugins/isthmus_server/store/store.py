"""The store: transactions over everything that is kept, and word of what has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar, final

import trio
from sqlalchemy import Connection

from .resealing import reseal
from .sealing import KeyRing
from .sessions import Sessions
from .snapshots import Snapshot
from .storage import Storage
from .transactions import Transaction
from .values import Source, Token
from .work import Work

__all__ = ["Store"]

T = TypeVar("T")

NOBODY: Final = "system"
"""The actor of what is done without a token."""


@final
class Store:
    """What functions, sources and destinations there are; made by :func:`isthmus_server.store.open_store`.

    Attributes:
        sessions: begins and reads those of people with a browser.
    """

    def __init__(self, storage: Storage, keys: KeyRing, clock: Callable[[], float]) -> None:
        self._storage = storage
        self._keys = keys
        self._clock = clock
        self.sessions: Final = Sessions(keys)
        self._changed = trio.Event()

    def __repr__(self) -> str:
        return f"<isthmus_server Store in {self._storage!r}>"

    async def read(self, action: Callable[[Transaction], T]) -> T:
        """Look at what is kept, in one transaction.

        Args:
            action: called in a thread; changes nothing.

        Raises:
            StoreError: the storage is away.
            Refused: as the action raises it.
        """
        return await self._storage.read(lambda connection: action(self._transaction(connection, NOBODY)))

    async def write(self, action: Callable[[Transaction], T], *, actor: str = NOBODY) -> T:
        """Change what is kept, in one transaction: all of it is kept when this returns, or nothing where it raises.

        Args:
            action: called in a thread.
            actor: id of the token on whose behalf it is, for the audit trail.

        Raises:
            StoreError: the storage is away.
            Refused: as the action raises it.
        """
        result = await self._storage.write(lambda connection: action(self._transaction(connection, actor)))
        self._changed.set()
        self._changed = trio.Event()
        return result

    async def snapshot(self) -> Snapshot:
        """Everything that is to run; `Snapshot.workspace.revision` tells it from others."""
        return await self.read(Transaction.snapshot)

    async def wait_changed(self, revision: int, *, every: float = 2.0) -> int:
        """Wait until what is to run is not what it was.

        Args:
            revision: of the snapshot that is known.
            every: seconds between two looks for what other processes have changed; what this one does is seen at once.

        Returns:
            the revision now.
        """
        while True:
            changed = self._changed
            now = await self.read(lambda tx: tx.workspace().revision)
            if now != revision:
                return now
            with trio.move_on_after(every):
                await changed.wait()

    async def source_by_write_key(self, key: str) -> Source | None:
        """The source that a write key is of, switched on or off; None where there is none."""
        return await self.read(lambda tx: tx.sources.by_write_key(key))

    async def source_by_webhook(self, token: str) -> Source | None:
        """The source whose webhook a token (``b`` in its address) is for, switched on or off; None where there is none."""
        return await self.read(lambda tx: tx.sources.by_webhook(token))

    async def bearer(self, token: str) -> Token | None:
        """What is kept of a token that is presented, or None where it is none."""
        return await self.read(lambda tx: tx.tokens.bearer(token))

    async def reseal(self) -> int:
        """Seal what another key has sealed under the first one, so that the other can be taken away.

        Returns:
            how many values were sealed anew.

        Raises:
            StoreError: one of them is sealed under a key that is not there; then nothing was changed.
        """
        return await self._storage.write(lambda connection: reseal(connection, self._keys))

    def _transaction(self, connection: Connection, actor: str) -> Transaction:
        return Transaction(Work(connection, self._keys, self._clock(), actor))
