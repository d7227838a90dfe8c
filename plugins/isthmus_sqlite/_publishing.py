"""Entries into the file: those that are new, as few statements for all of them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple, final

from isthmus.queues import Entry

from ._clock import SECOND
from ._jobs import Line
from ._packing import LARGEST_PACK, Pack, decode_numbers, text_bytes

__all__ = ["Publisher"]

_MOST: Final = 4096
"""Rows in one statement."""
_DIGITS: Final = 17
"""Of a number: moments have 16, and places in a pack fewer."""
_COLUMNS: Final = 11
_ROW: Final = f"%0{_DIGITS}d" * _COLUMNS


def _over_rows(statement: str) -> str:
    """Write out ``$3`` as the third number of a row of ``?2``, whose rows are counted by ``row.n``.

    Numbers of a fixed width are found by their place alone; as JSON, taking the rows apart costs more than storing them.
    """
    return re.sub(
        r"\$(\d+)",
        lambda found: (
            f"(0 + substr(?2, n * {_DIGITS * _COLUMNS} + {int(found[1]) * _DIGITS + 1}, {_DIGITS}))"
        ),
        statement,
    )


_ROWS: Final = """
CREATE TEMP TABLE row AS WITH RECURSIVE r(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r LIMIT 4096) SELECT n FROM r"""

_KNOWN: Final = _over_rows("""
SELECT json_group_array(json_array(n)) FROM (SELECT n FROM row LIMIT ?4) CROSS JOIN seen s
ON s.queue = $0 AND s.message_id = substr(?1, $1, $2) WHERE s.until > ?3""")

_REMEMBER: Final = _over_rows("""
INSERT INTO seen(queue, message_id, until)
SELECT $0, substr(?1, $1, $2), $3 FROM (SELECT n FROM row LIMIT ?4) WHERE $3 > ?3
ON CONFLICT DO UPDATE SET until = max(until, excluded.until)""")

_DELIVERIES: Final = _over_rows("""
INSERT INTO delivery(id, queue, message_id, turn, due, attempt, leased, held, published, first, size)
SELECT $4, $0, substr(?1, $1, $2), NULL, $9, 0, 0, 0, ?3, NULL, $8 FROM (SELECT n FROM row LIMIT ?4)""")

_IN_TURN: Final = _over_rows("""
INSERT INTO delivery(id, queue, message_id, turn, due, attempt, leased, held, published, first, size)
SELECT $4, $0, substr(?1, $1, $2), substr(?1, $5, $6), $9, 0, 0,
    $10 OR EXISTS (SELECT 1 FROM delivery d WHERE d.queue = $0 AND d.turn = substr(?1, $5, $6)), ?3, NULL, $8
FROM (SELECT n FROM row LIMIT ?4)""")

_BODIES: Final = _over_rows("""
INSERT INTO body(id, key, body)
SELECT $4, CASE $5 WHEN 0 THEN NULL ELSE substr(?1, $5, $6) END, substr(?1, $7, $8)
FROM (SELECT n FROM row LIMIT ?3)""")

_FORGET: Final = """
DELETE FROM seen WHERE (queue, message_id) IN (SELECT queue, message_id FROM seen WHERE until <= ? LIMIT 4000)"""


_Key = tuple[int, bytes, int]  # queue, message id, and what tells apart those that are not to be known again
_Pending = tuple[_Key, Entry]


class _Packed(NamedTuple):
    """Rows for one statement."""

    statement: str
    data: bytes
    rows: bytes
    keys: list[_Key]


@final
class Publisher:
    """Takes entries in, within a transaction of the writer's.

    Args:
        connection: the file's.
        next_id: gives the id of the next delivery; ids go up, and order is by them.
    """

    def __init__(self, connection: sqlite3.Connection, next_id: Callable[[], int]) -> None:
        self._execute = connection.execute
        self._execute(_ROWS)
        self._next_id = next_id
        self._forget_at = 0

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
        new: dict[_Key, Entry] = {}
        for number, entry in enumerate(entries):
            line = lines[entry.queue]
            told_apart = 0 if line.options.dedupe_window and not again else number
            new.setdefault((line.id, text_bytes(entry.message_id), told_apart), entry)
        pending = list(new.items())
        while pending:
            pending = self._publish_some(pending, lines, now, again=again)
        if len(new) >= 100 or now >= self._forget_at:
            self._forget_at = now + SECOND // 10
            self._execute(_FORGET, (now,))

    def _publish_some(
        self, pending: list[_Pending], lines: Mapping[str, Line], now: int, *, again: bool
    ) -> list[_Pending]:
        """Keep as many as one pack takes; gives the others."""
        some, size = 0, 0
        for _, entry in pending:
            size += len(entry.body)
            some += 1
            if size > LARGEST_PACK or some == _MOST:
                break
        taken, rest = pending[:some], pending[some:]
        packed = self._packed(taken, lines, now)
        if not again and (known := {key for each in packed for key in self._known(each, now)}):
            packed = self._packed([each for each in taken if each[0] not in known], lines, now)
        for statement, data, rows, keys in packed:
            self._execute(_REMEMBER, (data, rows, now, len(keys)))
            self._execute(statement, (data, rows, now, len(keys)))
            self._execute(_BODIES, (data, rows, len(keys)))
        return rest

    def _packed(self, pending: list[_Pending], lines: Mapping[str, Line], now: int) -> list[_Packed]:
        """Make rows of them: the ordinary ones, and those that take turns."""
        plain, in_turn, turns = Pack(), Pack(), set[tuple[int, str]]()
        plain_keys: list[_Key] = []
        in_turn_keys: list[_Key] = []
        for key, entry in pending:
            queue, message_id, _ = key
            options = lines[entry.queue].options
            pack, keys, behind = plain, plain_keys, 0
            if options.ordered and entry.key is not None:
                pack, keys = in_turn, in_turn_keys
                behind = int((queue, entry.key) in turns)
                turns.add((queue, entry.key))
            keys.append(key)
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
        return [
            _Packed(statement, *pack.written(_ROW), keys)
            for statement, pack, keys in ((_DELIVERIES, plain, plain_keys), (_IN_TURN, in_turn, in_turn_keys))
            if keys
        ]

    def _known(self, packed: _Packed, now: int) -> Iterator[_Key]:
        """Those that are there, or were not long ago."""
        row = (packed.data, packed.rows, now, len(packed.keys))
        for (number,) in decode_numbers(self._execute(_KNOWN, row).fetchone()[0]):
            yield packed.keys[number]
