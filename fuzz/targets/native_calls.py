"""Whatever a guest asks of the host at once, it is told bytes or refused by KeyError or ValueError, soon."""

from __future__ import annotations

from fuzz.generators import text
from isthmus_quickjs._natives import answer


def check(data: bytes) -> None:
    op, _, payload = data.partition(b"\n")
    try:
        answered = answer(text(op), payload)
    except (KeyError, ValueError):
        return
    assert type(answered) is bytes
