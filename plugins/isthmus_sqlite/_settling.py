"""What becomes of claims: acknowledged, put back, buried, extended, or released as if never claimed.

Each is fenced: what a claim stands for is looked up by its attempt, so that one whose lease ran out and whose delivery was
claimed again does nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final, final

import msgspec

from isthmus.queues import Claim
from isthmus.rules import REASON_LENGTH

from ._clock import SECOND
from ._jobs import Lease, Line
from ._packing import Pack, decode_numbers, text_bytes

__all__ = ["Settler"]

_STANDING: Final = """
SELECT json_group_array(json_array(j.key)) FROM json_each(?1) j CROSS JOIN delivery d ON d.id = j.value->>0
WHERE d.attempt = j.value->>1 AND d.leased = 1"""

_BURY: Final = """
INSERT INTO dead(queue, message_id, key, reason, attempts, published, buried, size, body)
SELECT d.queue, d.message_id, b.key, substr(?1, j.value->>1, j.value->>2), d.attempt, d.published, ?3, d.size, b.body
FROM json_each(?2) j CROSS JOIN delivery d ON d.id = j.value->>0 CROSS JOIN body b ON b.id = d.id"""

_NEXT_TURN: Final = """
UPDATE delivery SET held = 0 WHERE id IN (
    SELECT (SELECT min(id) FROM delivery d WHERE d.queue = j.value->>0 AND d.turn = substr(?1, j.value->>1, j.value->>2))
    FROM json_each(?2) j)"""

_MOVE: Final = """
UPDATE delivery SET leased = ?2, due = j.value->>1 FROM json_each(?1) j WHERE delivery.id = j.value->>0"""

_RELEASE: Final = """
UPDATE delivery SET leased = 0, due = ?2, attempt = attempt - 1, first = CASE attempt WHEN 1 THEN NULL ELSE first END
WHERE id IN (SELECT value FROM json_each(?1))"""

_encode: Final = msgspec.json.Encoder().encode


@final
class Settler:
    """Settles claims, within a transaction of the writer's.

    Args:
        connection: the file's.
        opening: of the file: claims of an earlier one stand for nothing.
    """

    def __init__(self, connection: sqlite3.Connection, opening: int) -> None:
        self._execute = connection.execute
        self._opening = opening

    def settle(
        self, how: str, claims: Sequence[Claim], details: Sequence[Any], lines: Mapping[str, Line], now: int
    ) -> None:
        """Do one thing to what claims stand for.

        Args:
            how: as in :class:`Settling`.
            claims: of any number of calls; one that is there twice counts once.
            details: of each, or empty.
            lines: the queues.
            now: the moment.
        """
        standing = self._standing(claims, details or [None] * len(claims))
        if not standing:
            return
        if how in {"ack", "bury"}:
            if how == "bury":
                self._keep_dead(standing, now)
            self._remove(standing, lines)
        elif how == "release":
            self._execute(_RELEASE, (_encode([lease.id for lease, _, _ in standing]).decode(), now))
            for lease, claim, _ in standing:
                lines[claim.queue].unacked -= lease.attempt == 1
        else:
            rows = [
                [
                    lease.id,
                    now
                    + int((lines[claim.queue].options.lease if how == "extend" else float(detail)) * SECOND),
                ]
                for lease, claim, detail in standing
            ]
            self._execute(_MOVE, (_encode(rows).decode(), int(how == "extend")))

    def _standing(self, claims: Sequence[Claim], details: Sequence[Any]) -> list[tuple[Lease, Claim, Any]]:
        """Those whose lease is still the last one of their delivery."""
        asked: dict[int, tuple[Lease, Claim, Any]] = {}
        for claim, detail in zip(claims, details, strict=True):
            lease = claim.token
            if isinstance(lease, Lease) and lease.opening == self._opening:
                known = asked.get(lease.id)
                if known is None or known[0].attempt < lease.attempt:
                    asked[lease.id] = (lease, claim, detail)
        each = list(asked.values())
        rows = _encode([[lease.id, lease.attempt] for lease, _, _ in each]).decode()
        found = decode_numbers(self._execute(_STANDING, (rows,)).fetchone()[0])
        return [each[number] for (number,) in found]

    def _keep_dead(self, standing: Sequence[tuple[Lease, Claim, Any]], now: int) -> None:
        pack = Pack()
        pack.put(b"\0")  # of a blob without any bytes SQL's substr makes NULL
        for lease, _, reason in standing:
            pack.row(lease.id, *pack.put(text_bytes(str(reason)[:REASON_LENGTH])))
        self._execute(_BURY, (*pack.parameters, now))

    def _remove(self, standing: Sequence[tuple[Lease, Claim, Any]], lines: Mapping[str, Line]) -> None:
        ids = _encode([lease.id for lease, _, _ in standing]).decode()
        self._execute("DELETE FROM delivery WHERE id IN (SELECT value FROM json_each(?))", (ids,))
        self._execute("DELETE FROM body WHERE id IN (SELECT value FROM json_each(?))", (ids,))
        turns = Pack()
        turns.put(b"\0")
        for _, claim, _ in standing:
            line = lines[claim.queue]
            line.unacked -= 1
            if line.options.ordered and claim.key is not None:
                turns.row(line.id, *turns.put(text_bytes(claim.key)))
        if turns:
            self._execute(_NEXT_TURN, turns.parameters)
