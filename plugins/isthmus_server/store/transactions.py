"""One transaction, with everything that can be done within it."""

from __future__ import annotations

from typing import final

import msgspec
from sqlalchemy import select, update

from .audit import Audit
from .bounds import KeptBounds
from .catalog import BUILT_IN, CatalogEntry, entry_of, function_entry
from .delivery_counts import DeliveryCounts
from .destinations import Destinations
from .functions import Functions
from .inserts import Inserts
from .schema import functions, workspaces
from .snapshots import Snapshot, snapshot_of
from .sources import Sources
from .tokens import Tokens
from .usage import Usage
from .values import Page, ResourceType, StoredFunction, Workspace
from .work import Work, fields_of

__all__ = ["Transaction"]


@final
class Transaction:
    """What a function given to :meth:`Store.read` or :meth:`Store.write` gets.

    Attributes:
        functions, sources, destinations, inserts, tokens, audit, delivery_counts, usage, bounds: what is kept, by its kind.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self.functions = Functions(work)
        self.sources = Sources(work)
        self.destinations = Destinations(work)
        self.inserts = Inserts(work)
        self.tokens = Tokens(work)
        self.audit = Audit(work)
        self.delivery_counts = DeliveryCounts(work)
        self.usage = Usage(work)
        self.bounds = KeptBounds(work)

    def workspace(self) -> Workspace:
        """Whose functions they are."""
        row = self._work.connection.execute(
            select(workspaces.c.id, workspaces.c.slug, workspaces.c.name, workspaces.c.revision)
        )
        return msgspec.convert(fields_of(row.mappings().one()), Workspace)

    def rename_workspace(self, *, name: str, slug: str) -> None:
        """Give the workspace another name; names of destination functions have it in them."""
        self._work.connection.execute(update(workspaces).values(name=name, slug=slug))
        self._work.touch()
        self._work.note("Workspace Modified", "Workspace", self.workspace().id, name)

    def catalog_entry(self, id: str, resource_type: ResourceType) -> CatalogEntry:  # noqa: A002 -- as everywhere
        """What a ``metadataId`` stands for.

        Raises:
            NotFound: nothing of that kind.
        """
        return entry_of(self._work, id, resource_type)

    def catalog(self, resource_type: ResourceType, page: Page) -> tuple[list[CatalogEntry], int]:
        """What sources, or destinations, can be made of, and how many entries there are: built-in ones, then functions."""
        built_in = [entry for entry in BUILT_IN if entry.resource_type is resource_type]
        where = (functions.c.resource_type == resource_type.value,)
        skipped = max(page.offset - len(built_in), 0)
        first = built_in[page.offset : page.offset + page.count]
        rows, total = self._work.page(functions, where, Page(skipped, page.count - len(first)))
        made = [function_entry(function) for function in msgspec.convert(rows, list[StoredFunction])]
        return [*first, *made], len(built_in) + total

    def snapshot(self) -> Snapshot:
        """Everything that is to run."""
        return snapshot_of(self._work, self.workspace())
