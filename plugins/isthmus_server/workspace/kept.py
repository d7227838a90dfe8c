"""Everything that a store keeps of a workspace, read in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar, final

import msgspec

from isthmus_server.store import (
    Destination,
    InsertInstance,
    Page,
    ResourceType,
    Source,
    StoredFunction,
    Transaction,
    Workspace,
)

__all__ = ["Kept", "kept_in"]

T = TypeVar("T")

PAGE: Final = 1_000


@final
class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A store's workspace; each list in the order in which things were made."""

    workspace: Workspace
    functions: tuple[StoredFunction, ...]
    sources: tuple[Source, ...]
    destinations: tuple[Destination, ...]
    inserts: tuple[InsertInstance, ...]


def kept_in(tx: Transaction) -> Kept:
    """Read it all."""
    return Kept(
        workspace=tx.workspace(),
        functions=tuple(
            function
            for resource_type in ResourceType
            for function in _all(lambda page, kind=resource_type: tx.functions.page(kind, page))  # type: ignore[misc] # its default is its type
        ),
        sources=tuple(_all(tx.sources.page)),
        destinations=tuple(_all(tx.destinations.page)),
        inserts=tuple(_all(tx.inserts.page)),
    )


def _all(page_of: Callable[[Page], tuple[list[T], int]]) -> list[T]:
    found: list[T] = []
    while True:
        part, total = page_of(Page(offset=len(found), count=PAGE))
        found += part
        if not part or len(found) >= total:
            return found
