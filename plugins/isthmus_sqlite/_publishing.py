"""Entries into the file: those that are new, as few statements for all of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import Final, final

from isthmus.queues import Entry

from ._clock import SECOND
from ._jobs import Line
from ._packing import LARGEST_PACK, Pack, decode_numbers, text_bytes

__all__ = ["Publisher"]

_KNOWN: Final = """
SELECT json_group_array(json_array(j.key)) FROM json_each(?2) j CROSS JOIN seen s
ON s.queue = j.value->>0 AND s.message_id = substr(?1, j.value->>1, j.value->>2) WHERE s.until > ?3"""

_REMEMBER: Final = """
INSERT INTO seen(queue, message_id, until)
SELECT value->>0, substr(?1, value->>1, value->>2), value->>3 FROM json_each(?2) WHERE value->>3 > ?3
ON CONFLICT DO UPDATE SET until = max(until, excluded.until)"""

_DELIVERIES: Final = """
INSERT INTO delivery(id, queue, message_id, turn, due, attempt, leased, held, published, first, size)
SELECT value->>4, value->>0, substr(?1, value->>1, value->>2), NULL, value->>9, 0, 0, 0, ?3, NULL, value->>8
FROM json_each(?2)"""

_IN_TURN: Final = """
INSERT INTO delivery(id, queue, message_id, turn, due, attempt, leased, held, published, first, size)
SELECT value->>4, value->>0, substr(?1, value->>1, value->>2), substr(?1, value->>5, value->>6), value->>9, 0, 0,
    value->>10 OR EXISTS (SELECT 1 FROM delivery d WHERE d.queue = j.value->>0
                          AND d.turn = substr(?1, j.value->>5, j.value->>6)), ?3, NULL, value->>8
FROM json_each(?2) j"""

_BODIES: Final = """
INSERT INTO body(id, key, body)
SELECT value->>4, substr(?1, value->>5, value->>6), substr(?1, value->>7, value->>8) FROM json_each(?2)"""

_FORGET: Final = """
DELETE FROM seen WHERE (queue, message_id) IN (SELECT queue, message_id FROM seen WHERE until <= ? LIMIT 4000)"""


@final
class Publisher:
    """Takes entries in, within a transaction of the writer's.

    Args:
        connection: the file's.
        next_id: gives the id of the next delivery; ids go up, and order is by them.
    """

    def __init__(self, connection: sqlite3.Connection, next_id: Callable[[], int]) -> None:
        self._execute = connection.execute
        self._next_id = next_id

    def publish(
        self, entries: Iterable[Entry], lines: Mapping[str, Line], now: int, *, again: bool = False
    ) -> None:
        """Keep what is new among entries of declared queues.

        Args:
            entries: of any number of calls.
            lines: the queues.
            now: the moment.
            again: also what is not new: of dead letters that were given another life.
        """
        new: dict[tuple[int, bytes, int], Entry] = {}
        for number, entry in enumerate(entries):
            line = lines[entry.queue]
            told_apart = 0 if line.options.dedupe_window and not again else number
            new.setdefault((line.id, text_bytes(entry.message_id), told_apart), entry)
        pending = list(new.items())
        while pending:
            pending = self._publish_some(pending, lines, now, again=again)
        self._execute(_FORGET, (now,))

    def _publish_some(
        self,
        pending: list[tuple[tuple[int, bytes, int], Entry]],
        lines: Mapping[str, Line],
        now: int,
        *,
        again: bool,
    ) -> list[tuple[tuple[int, bytes, int], Entry]]:
        """Keep as many as one pack takes; gives the others."""
        some, size = 0, 0
        for _, entry in pending:
            size += len(entry.body)
            some += 1
            if size > LARGEST_PACK:
                break
        taken, rest = pending[:some], pending[some:]
        if not again:
            known = self._known(taken, now)
            taken = [each for number, each in enumerate(taken) if number not in known] if known else taken
        plain, in_turn, keys = Pack(), Pack(), set[tuple[int, str]]()
        for (queue, message_id, _), entry in taken:
            options = lines[entry.queue].options
            ordered = options.ordered and entry.key is not None
            pack = in_turn if ordered else plain
            behind = 0
            if ordered and entry.key is not None:
                behind = int((queue, entry.key) in keys)
                keys.add((queue, entry.key))
            pack.row(
                queue,
                *pack.put(message_id),
                now + int(options.dedupe_window * SECOND),
                self._next_id(),
                *pack.put(None if entry.key is None else text_bytes(entry.key)),
                *pack.put(entry.body),
                now + int(entry.delay * SECOND),
                behind,
            )
        for pack, statement in ((plain, _DELIVERIES), (in_turn, _IN_TURN)):
            if pack:
                given = pack.parameters
                self._execute(_REMEMBER, (*given, now))
                self._execute(statement, (*given, now))
                self._execute(_BODIES, given)
        return rest

    def _known(self, entries: list[tuple[tuple[int, bytes, int], Entry]], now: int) -> set[int]:
        pack = Pack()
        for (queue, message_id, _), _entry in entries:
            pack.row(queue, *pack.put(message_id))
        row = self._execute(_KNOWN, (*pack.parameters, now)).fetchone()
        return {number for (number,) in decode_numbers(row[0])}
