"""Versions of a function: the list, two of them compared, and an older one made the newest."""

from __future__ import annotations

from typing import Final

import trio
from starlette.responses import Response

from isthmus_server.api.functions import EDIT, READ
from isthmus_server.store import Page as Part, StoredFunction, Transaction, Version

from .differences import pairs, unified
from .visits import Page, Visit

__all__ = ["PAGES"]

SHOWN: Final = Part(count=200)
LINES: Final = 20_000
"""Of two texts together; more take too long to be compared."""


async def _list(visit: Visit) -> Response:
    id_ = visit.path["functionId"]

    def read(tx: Transaction) -> tuple[StoredFunction, list[Version], int, dict[str, str]]:
        versions, total = tx.functions.versions(id_, SHOWN)
        names = {token.id: token.name for token in tx.tokens.page(Part(count=1000))[0]}
        return tx.functions.get(id_), versions, total, names

    function, versions, total, names = await visit.store.read(read)
    return visit.show("versions.html", function=function, id=id_, versions=versions, total=total, names=names)


async def _compare(visit: Visit) -> Response:
    """A version beside another one; by default beside the one before it."""
    id_ = visit.path["functionId"]
    against = visit.query.text("against")

    def read(tx: Transaction) -> tuple[StoredFunction, Version, Version | None, list[Version]]:
        all_, _ = tx.functions.versions(id_, SHOWN)
        shown = tx.functions.version(id_, visit.path["versionId"])
        earlier = [each for each in all_ if each.number < shown.number]
        other = tx.functions.version(id_, against) if against else earlier[0] if earlier else None
        return tx.functions.get(id_), shown, other, all_

    function, shown, other, all_ = await visit.store.read(read)
    old = other.code if other is not None else ""
    too_long = old.count("\n") + shown.code.count("\n") > LINES
    side_by_side = visit.query.text("view") == "split"
    compare = pairs if side_by_side else unified
    lines = [] if too_long else await trio.to_thread.run_sync(compare, old, shown.code)
    return visit.show(
        "version.html",
        function=function,
        id=id_,
        shown=shown,
        other=other,
        all=all_,
        lines=lines,
        too_long=too_long,
        view="split" if side_by_side else "unified",
    )


async def _restore(visit: Visit) -> Response:
    await visit.operate("restoreFunctionVersion", visit.path, body={"versionId": visit.form.text("version")})
    return visit.go(f"/functions/{visit.path['functionId']}", "restored")


PAGES: Final = (
    Page(method="GET", path="/functions/{functionId}/versions", roles=READ, scoped=True, handler=_list),
    Page(
        method="GET",
        path="/functions/{functionId}/versions/{versionId}",
        roles=READ,
        scoped=True,
        handler=_compare,
    ),
    Page(method="POST", path="/functions/{functionId}/restore", roles=EDIT, scoped=True, handler=_restore),
)
