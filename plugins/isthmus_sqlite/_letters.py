"""Dead letters: listed, given another life, forgotten."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final, final

import msgspec

from isthmus.queues import DeadLetter, Entry

from ._clock import Clock
from ._jobs import Line
from ._packing import text_from
from ._publishing import Publisher

__all__ = ["Letters"]

_ALL: Final = """
SELECT id, queue, message_id, body, key, reason, attempts, published, buried FROM dead
WHERE id > ?1 AND ?3 IS NULL ORDER BY id LIMIT ?2"""

_OF_ONE: Final = """
SELECT id, queue, message_id, body, key, reason, attempts, published, buried FROM dead
WHERE id > ?1 AND queue = ?3 ORDER BY id LIMIT ?2"""


@final
class Letters:
    """What was given up, within a transaction of the writer's.

    Args:
        connection: the file's.
        clock: the file's time.
        publisher: takes in what is given another life.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Clock, publisher: Publisher) -> None:
        self._execute = connection.execute
        self._clock = clock
        self._publisher = publisher

    def read(
        self, lines: Mapping[str, Line], name: str | None, after: int, count: int, now: int
    ) -> list[DeadLetter]:
        """The oldest after one, of one queue or of all."""
        queue = None if name is None else lines[name].id
        rows = self._execute(_ALL if queue is None else _OF_ONE, (after, count, queue))
        names = {line.id: line.name for line in lines.values()}
        return [self._letter(row, names, now) for row in rows.fetchall()]

    def _letter(self, row: tuple[Any, ...], names: Mapping[int, str], now: int) -> DeadLetter:
        number, queue, message_id, body, key, reason, attempts, published, buried = row
        return DeadLetter(
            id=str(number),
            queue=names[queue],
            message_id=text_from(message_id),
            body=body,
            key=None if key is None else text_from(key),
            reason=text_from(reason),
            attempts=attempts,
            published_at=self._clock.told(published, now),
            buried_at=self._clock.told(buried, now),
        )

    def revive(self, lines: Mapping[str, Line], ids: Sequence[int], now: int) -> int:
        """Publish them again, whatever ids are remembered."""
        names = {line.id: line.name for line in lines.values()}
        rows = self._execute(
            "SELECT queue, message_id, body, dead.key FROM json_each(?) j CROSS JOIN dead ON dead.id = j.value",
            (msgspec.json.encode(list(dict.fromkeys(ids))).decode(),),
        ).fetchall()
        entries = [
            Entry(
                queue=names[queue],
                message_id=text_from(message_id),
                body=body,
                key=None if key is None else text_from(key),
            )
            for queue, message_id, body, key in rows
        ]
        self._publisher.publish(entries, lines, now, again=True)
        self.discard(ids)
        return len(entries)

    def discard(self, ids: Sequence[int]) -> int:
        """Forget them."""
        given = (msgspec.json.encode(list(ids)).decode(),)
        return self._execute("DELETE FROM dead WHERE id IN (SELECT value FROM json_each(?))", given).rowcount
