"""The audit trail, read."""

from __future__ import annotations

from typing import final

import msgspec

from .schema import audit_events
from .values import AuditEvent, Page
from .work import Work

__all__ = ["Audit"]


@final
class Audit:
    """Who did what in the workspace; what is done to the store writes it itself, in its transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def add(self, type: str, resource_type: str, id: str, name: str) -> None:  # noqa: A002 -- as events call it
        """Write down what was done beside the store, as whoever does it.

        Args:
            type: ``Deliveries Replayed`` and the like.
            resource_type: of what it was done to; see :meth:`page`.
            id: likewise.
            name: likewise.
        """
        self._work.note(type, resource_type, id, name)

    def page(
        self,
        page: Page,
        *,
        since: int | None = None,
        until: int | None = None,
        resource_type: str | None = None,
        resource_id: str | None = None,
    ) -> tuple[list[AuditEvent], int]:
        """Events, the newest first, and how many there are.

        Args:
            page: of those that match.
            since: milliseconds since the epoch.
            until: likewise, itself excluded.
            resource_type: ``Functions``, ``Sources``, ``Destinations``, ``Tokens`` or ``Workspace``.
            resource_id: of what it was done to.
        """
        table, where = audit_events, []
        if since is not None:
            where.append(table.c.at >= since)
        if until is not None:
            where.append(table.c.at < until)
        if resource_type is not None:
            where.append(table.c.resource_type == resource_type)
        if resource_id is not None:
            where.append(table.c.resource_id == resource_id)
        rows, total = self._work.page(table, tuple(where), page, newest_first=True)
        return msgspec.convert(rows, list[AuditEvent]), total
