"""The queues in a file: declared, changed, counted."""

from __future__ import annotations

import sqlite3
from typing import Final, final

from isthmus.queues import QueueOptions, QueueStats

from ._clock import SECOND
from ._jobs import Line

__all__ = ["Lines"]

_UNACKED: Final = """
SELECT queue, count(*) FROM
(SELECT queue FROM delivery INDEXED BY tried WHERE attempt > 0 AND held = 0
 UNION ALL SELECT queue FROM delivery INDEXED BY held WHERE held = 1 AND attempt > 0) GROUP BY queue"""

_COUNT: Final = """
SELECT count(*), total(due <= ?2), total(due > ?2 AND {leased}), min(published), total(size)
FROM delivery INDEXED BY {index} WHERE queue = ?1 AND {where}"""

_COUNTS: Final = tuple(
    _COUNT.format(index=index, where=where, leased=leased)
    for index, where, leased in (
        ("fresh", "attempt = 0 AND held = 0", "0"),
        ("tried", "attempt > 0 AND held = 0", "leased"),
        ("held", "held = 1", "leased"),
    )
)

_IN_TURN: Final = """
UPDATE delivery SET turn = (SELECT key FROM body WHERE body.id = delivery.id) WHERE queue = ?"""

_HOLD: Final = """
UPDATE delivery SET held = EXISTS (
    SELECT 1 FROM delivery d WHERE d.queue = delivery.queue AND d.turn = delivery.turn AND d.id < delivery.id)
WHERE queue = ? AND turn IS NOT NULL"""


@final
class Lines:
    """The queues, as the writer keeps them beside the file.

    Args:
        connection: the file's.

    Attributes:
        known: by name.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute
        self.known: dict[str, Line] = {}
        self.load()

    def load(self) -> None:
        """Take from the file what it says, as after a transaction that was taken back."""
        unacked: dict[int, int] = dict(self._execute(_UNACKED).fetchall())
        known = {}
        rows = self._execute("SELECT id, name, lease, max_unacked, dedupe_window, ordered FROM queue")
        for number, name, lease, most, window, ordered in rows.fetchall():
            options = QueueOptions(lease=lease, max_unacked=most, dedupe_window=window, ordered=bool(ordered))
            known[name] = Line(number, name, options, unacked.get(number, 0))
        self.known = known

    def declare(self, name: str, options: QueueOptions) -> None:
        """Make a queue or change one."""
        before = self.known.get(name)
        numbers = (options.lease, options.max_unacked, options.dedupe_window, int(options.ordered))
        if before is None:
            made = self._execute(
                "INSERT INTO queue(name, lease, max_unacked, dedupe_window, ordered) VALUES (?, ?, ?, ?, ?)",
                (name, *numbers),
            )
            self.known[name] = Line(made.lastrowid or 0, name, options)
            return
        self._execute(
            "UPDATE queue SET lease = ?, max_unacked = ?, dedupe_window = ?, ordered = ? WHERE id = ?",
            (*numbers, before.id),
        )
        if options.ordered and not before.options.ordered:
            self._execute(_IN_TURN, (before.id,))
            self._execute(_HOLD, (before.id,))
        elif before.options.ordered and not options.ordered:
            self._execute(
                "UPDATE delivery SET turn = NULL, held = 0 WHERE queue = ? AND turn IS NOT NULL", (before.id,)
            )
        before.options = options

    def stats(self, line: Line, now: int) -> QueueStats:
        """Count what is in a queue: by its indexes alone, but all along them."""
        counts = [self._execute(statement, (line.id, now)).fetchone() for statement in _COUNTS]
        total, waiting, in_flight = (int(sum(row[column] for row in counts)) for column in range(3))
        published = min((row[3] for row in counts if row[3] is not None), default=None)
        dead, dead_bytes = self._execute(
            "SELECT count(*), total(size) FROM dead INDEXED BY buried WHERE queue = ?", (line.id,)
        ).fetchone()
        return QueueStats(
            waiting=waiting,
            in_flight=in_flight,
            delayed=total - waiting - in_flight,
            dead=dead,
            oldest=None if published is None else max(0.0, (now - published) / SECOND),
            bytes=int(sum(row[4] for row in counts) + dead_bytes),
        )
