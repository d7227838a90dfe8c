"""Deliveries out of the file: which may be tried now, and their leases."""

from __future__ import annotations

import itertools
import sqlite3
from typing import Final, final

import msgspec

from isthmus.queues import Claim

from ._clock import SECOND, Clock
from ._jobs import Lease, Line
from ._packing import LARGEST_PACK, decode_numbers, text_from, unpack

__all__ = ["Claimer"]

_DUE: Final = """
SELECT
(SELECT json_group_array(json_array(due, id, size, 1, 0)) FROM (SELECT due, id, size FROM delivery INDEXED BY fresh
    WHERE queue = ?1 AND attempt = 0 AND held = 0 AND due <= ?2 ORDER BY due, id LIMIT ?3)),
(SELECT json_group_array(json_array(due, id, size, 0, leased)) FROM (SELECT due, id, size, leased FROM delivery INDEXED BY tried
    WHERE queue = ?1 AND attempt > 0 AND held = 0 AND due <= ?2 ORDER BY due, id LIMIT ?4))"""

_LEASE: Final = """
UPDATE delivery SET attempt = attempt + 1, leased = 1, due = ?2, first = coalesce(first, ?3)
WHERE id IN (SELECT value FROM json_each(?1))"""

_READ: Final = """
SELECT json_group_array(json_array(id, attempt, published, first, length(message_id), ifnull(length(key), -1), length(body))),
    CAST(group_concat(message_id, '') AS BLOB), CAST(group_concat(key, '') AS BLOB), CAST(group_concat(body, '') AS BLOB)
FROM (SELECT d.id, attempt, published, first, message_id, b.key, b.body
      FROM json_each(?1) j CROSS JOIN delivery d ON d.id = j.value CROSS JOIN body b ON b.id = d.id ORDER BY j.key)"""

_NEXT: Final = """
SELECT
(SELECT due FROM delivery INDEXED BY fresh WHERE queue = ?1 AND attempt = 0 AND held = 0 ORDER BY due LIMIT 1),
(SELECT due FROM delivery INDEXED BY tried WHERE queue = ?1 AND attempt > 0 AND held = 0 ORDER BY due LIMIT 1)"""


@final
class Claimer:
    """Leases deliveries, within a transaction of the writer's.

    Args:
        connection: the file's.
        clock: the file's time.
        opening: of the file, for tokens.

    Attributes:
        expired: leases that were out, and whose deliveries were claimed anew.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Clock, opening: int) -> None:
        self.expired = 0
        self._execute = connection.execute
        self._clock = clock
        self._opening = opening

    def claim(self, line: Line, count: int, now: int) -> list[Claim]:
        """Lease what has been due longest, ``count`` at the most, and of large bodies fewer."""
        room = max(0, line.options.max_unacked - line.unacked)
        fresh, tried = self._execute(_DUE, (line.id, now, min(count, room), count)).fetchone()
        chosen = sorted(itertools.chain(decode_numbers(fresh), decode_numbers(tried)))[:count]
        sizes = itertools.accumulate(size for _, _, size, *_ in chosen)
        chosen = [row for row, size in zip(chosen, sizes, strict=True) if size <= LARGEST_PACK] or chosen[:1]
        if not chosen:
            return []
        ids = msgspec.json.encode([number for _, number, *_ in chosen]).decode()
        self._execute(_LEASE, (ids, now + int(line.options.lease * SECOND), now))
        line.unacked += sum(first for *_, first, _ in chosen)
        self.expired += sum(leased for *_, leased in chosen)
        return self._read(line, ids, now)

    def _read(self, line: Line, ids: str, now: int) -> list[Claim]:
        numbers, names, keys, bodies = self._execute(_READ, (ids,)).fetchone()
        rows = decode_numbers(numbers)
        each_name = unpack(names or b"", (row[4] for row in rows))
        each_key = unpack(keys or b"", (max(0, row[5]) for row in rows))
        each_body = unpack(bodies or b"", (row[6] for row in rows))
        told = self._clock.told
        return [
            Claim(
                queue=line.name,
                message_id=text_from(name),
                body=body,
                key=None if key_length < 0 else text_from(key),
                attempt=attempt,
                published_at=told(published, now),
                first_at=told(first, now),
                token=Lease(self._opening, number, attempt),
            )
            for (number, attempt, published, first, _, key_length, _), name, key, body in zip(
                rows, each_name, each_key, each_body, strict=True
            )
        ]

    def next_due(self, line: Line, now: int) -> float | None:
        """Seconds until one may be claimed; None where that is not a question of time."""
        fresh, tried = self._execute(_NEXT, (line.id,)).fetchone()
        if line.unacked >= line.options.max_unacked:
            fresh = None
        soonest = min((due for due in (fresh, tried) if due is not None), default=None)
        return None if soonest is None else max(0.0, (soonest - now) / SECOND)
