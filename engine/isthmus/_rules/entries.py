"""What a queue takes: the bounds of names, ids, bodies, batches and reasons, alike on every storage."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Final

from isthmus.errors import InvalidInput
from isthmus.queues import Claim, Entry

__all__ = ["LONGEST_DELAY", "REASON_LENGTH", "check_batch", "check_entries", "check_name", "check_retries"]

LONGEST_DELAY: Final = 366 * 86_400.0
"""Seconds: a delay beyond a year is a slip of units rather than a plan."""
REASON_LENGTH: Final = 2_000
"""Characters of why a delivery was given up."""

_LONGEST_NAME: Final = 200
_LONGEST_ID: Final = 512


def check_name(name: str) -> None:
    """Take 1 to 200 printable characters without white space.

    Raises:
        InvalidInput: the name is none.
    """
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable() or any(map(str.isspace, name)):
        raise InvalidInput(
            f"a queue's name is 1 to {_LONGEST_NAME} printable characters without white space, not {name[:220]!r}"
        )


def check_batch(size: int, max_batch: int) -> None:
    """Take what one call may ask for.

    Raises:
        InvalidInput: it is more.
    """
    if size > max_batch:
        raise InvalidInput(f"one call takes {max_batch:,} deliveries at the most, not {size:,}")


def check_entries(
    entries: Sequence[Entry], declared: Container[str], *, max_body: int, max_batch: int
) -> None:
    """Look at everything that would be kept, before anything is.

    Args:
        entries: of one call.
        declared: names of the queues there are.
        max_body: bytes of one body at the most.
        max_batch: entries at the most.

    Raises:
        InvalidInput: one of them can't be kept.
    """
    check_batch(len(entries), max_batch)
    for entry in entries:
        if entry.queue not in declared:
            raise InvalidInput(f"there is no queue {entry.queue[:220]!r}; it has to be declared first")
        if not 1 <= len(entry.message_id) <= _LONGEST_ID:
            raise InvalidInput(
                f"a message id is 1 to {_LONGEST_ID} characters, not {len(entry.message_id):,}"
            )
        if entry.key is not None and len(entry.key) > _LONGEST_ID:
            raise InvalidInput(f"a key has at most {_LONGEST_ID} characters, not {len(entry.key):,}")
        if len(entry.body) > max_body:
            raise InvalidInput(f"a body has at most {max_body:,} bytes, not {len(entry.body):,}")
        _check_delay(entry.delay)


def check_retries(retries: Sequence[tuple[Claim, float]]) -> None:
    """Look at the delays.

    Raises:
        InvalidInput: one is no number of seconds within a year.
    """
    for _, delay in retries:
        _check_delay(delay)


def _check_delay(delay: float) -> None:
    if not 0 <= delay <= LONGEST_DELAY:
        raise InvalidInput(f"a delay is seconds from 0 to a year, not {delay!r}")
