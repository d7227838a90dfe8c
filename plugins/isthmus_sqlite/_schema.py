"""The tables of a queue's file.

What moves with every attempt (``delivery``) is apart from what does not (``body``), so that a claim rewrites few pages.  A
delivery is in one of three small indexes: of those never claimed, of those claimed before, and of those held back behind
an earlier one of their key.  ``seen`` outlives deliveries: it is what makes publishing idempotent.  Moments are
microseconds of the file's own time; ids and keys are UTF-8 in blobs, for text ends at a NUL here and there in SQL.
"""

from __future__ import annotations

from typing import Final

__all__ = ["APPLICATION", "CREATE", "OLDEST_SQLITE", "VERSION"]

APPLICATION: Final = 0x69737168
"""``PRAGMA application_id``: that a file is a queue of this kind."""
VERSION: Final = 1
"""``PRAGMA user_version``: of the tables."""
OLDEST_SQLITE: Final = (3, 38, 0)
"""The first with ``->>``, which the statements are written with."""

CREATE: Final = f"""
PRAGMA application_id = {APPLICATION};
BEGIN IMMEDIATE;
CREATE TABLE queue(
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, lease REAL NOT NULL, max_unacked INTEGER NOT NULL,
    dedupe_window REAL NOT NULL, ordered INTEGER NOT NULL);
CREATE TABLE delivery(
    id INTEGER PRIMARY KEY, queue INTEGER NOT NULL, message_id BLOB NOT NULL, turn BLOB, due INTEGER NOT NULL,
    attempt INTEGER NOT NULL, leased INTEGER NOT NULL, held INTEGER NOT NULL, published INTEGER NOT NULL,
    first INTEGER, size INTEGER NOT NULL);
CREATE INDEX fresh ON delivery(queue, due, id, published, size) WHERE attempt = 0 AND held = 0;
CREATE INDEX tried ON delivery(queue, due, id, published, size, leased) WHERE attempt > 0 AND held = 0;
CREATE INDEX held ON delivery(queue, due, id, published, size, leased) WHERE held = 1;
CREATE INDEX turns ON delivery(queue, turn, id) WHERE turn IS NOT NULL;
CREATE TABLE body(id INTEGER PRIMARY KEY, key BLOB, body BLOB NOT NULL);
CREATE TABLE seen(
    queue INTEGER NOT NULL, message_id BLOB NOT NULL, until INTEGER NOT NULL,
    PRIMARY KEY (queue, message_id)) WITHOUT ROWID;
CREATE INDEX expiry ON seen(until);
CREATE TABLE dead(
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue INTEGER NOT NULL, message_id BLOB NOT NULL, key BLOB, reason BLOB NOT NULL,
    attempts INTEGER NOT NULL, published INTEGER NOT NULL, buried INTEGER NOT NULL, size INTEGER NOT NULL,
    body BLOB NOT NULL);
CREATE INDEX buried ON dead(queue, id, size);
CREATE TABLE moment(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
COMMIT;
"""
