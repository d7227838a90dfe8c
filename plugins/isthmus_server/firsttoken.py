"""The token of a new store's owner: without one nobody could make others."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from isthmus import EngineError

from .store import Grant, Page, Role, Store

__all__ = ["TOKEN_FILE", "TOKEN_VARIABLE", "provide_first_token"]

TOKEN_FILE: Final = "owner.token"  # noqa: S105 -- a file's name
TOKEN_VARIABLE: Final = "ISTHMUS_OWNER_TOKEN"  # noqa: S105 -- a variable's name


async def provide_first_token(
    store: Store, directory: Path | None, environ: Mapping[str, str]
) -> Path | None:
    """Make the owner's token where a store has none at all.

    Args:
        store: that is open.
        directory: of its data, None where it has none.
        environ: may hold the token in ``ISTHMUS_OWNER_TOKEN``.

    Returns:
        the file that the token was written to, readable by its owner alone; None where no token was made, or it was given.

    Raises:
        EngineError: there is no token, none is given, and there is no directory for it.
    """
    given = environ.get(TOKEN_VARIABLE) or None
    _, total = await store.read(lambda tx: tx.tokens.page(Page(count=1)))
    if total:
        return None
    if given is None and directory is None:
        raise EngineError(f"the store is new, and has no token for its owner: give one in {TOKEN_VARIABLE}")
    _, token = await store.write(lambda tx: tx.tokens.create("owner", [Grant(Role.OWNER)], token=given))
    if given is not None or directory is None:
        return None
    path = directory / TOKEN_FILE
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii"
    ) as file:
        file.write(f"{token}\n")
    return path
