"""Pages on what was used, and on who did what."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from isthmus_server.store import Page as Part, ResourceType, Role, Transaction
from isthmus_server.store.usage import Standing, UsedBy, UsedOn

from . import charts
from .visits import Page, Visit

__all__ = ["PAGES"]

OWNER: Final = frozenset({Role.OWNER})
SHOWN: Final = 100


async def _usage(visit: Visit) -> Response:
    """This month so far: each day, each function, and what is left of quotas."""

    def read(tx: Transaction) -> tuple[list[UsedOn], list[UsedBy], list[Standing], dict[str, str]]:
        names = {
            each.id: each.display_name
            for kind in ResourceType
            for each in tx.functions.page(kind, Part(count=1000))[0]
        }
        return tx.usage.by_day(), tx.usage.by_function(), tx.usage.standings(), names

    days, functions, standings, names = await visit.store.read(read)
    return visit.show(
        "usage.html",
        days=days,
        bars=charts.heights([each.wall for each in days]),
        functions=functions,
        standings=standings,
        names=names,
        wall=sum(each.wall for each in functions),
        calls=sum(each.calls for each in functions),
        failed=sum(each.failed for each in functions),
        events=sum(each.events for each in days),
    )


async def _audit(visit: Visit) -> Response:
    text = visit.query.text("from", "0")
    offset = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0

    def read(tx: Transaction) -> tuple[list[object], int, dict[str, str]]:
        events, total = tx.audit.page(Part(offset, SHOWN))
        names = {token.id: token.name for token in tx.tokens.page(Part(count=1000))[0]}
        return list(events), total, names

    events, total, names = await visit.store.read(read)
    return visit.show("audit.html", events=events, total=total, offset=offset, shown=SHOWN, names=names)


PAGES: Final = (
    Page(method="GET", path="/usage", roles=OWNER, section="Usage", handler=_usage),
    Page(method="GET", path="/audit", roles=OWNER, section="Audit", handler=_audit),
)
