"""The events of a file that has to be read from its beginning: gzip, a JSON array, objects over several lines."""

from __future__ import annotations

from collections.abc import Iterator

from isthmus.eventfiles import Feed, Piece, Unreadable, detecting

__all__ = ["pieces_of"]


def pieces_of(path: str, limit: int) -> Iterator[tuple[int, list[tuple[int, Piece]]]]:
    """Give the events of a file, some at a time.

    Args:
        path: of the file.
        limit: bytes of one event at the most; a longer one is a flaw.

    Yields:
        how many bytes of the file were read, and events with their numbers, from 1; blank lines count and are left out.

    Raises:
        Unreadable: the rest can't be read; what came before it was given.
        OSError: the file can't be opened.
    """
    feed = Feed(path)
    try:
        splitter = detecting(limit)
        number = 0
        ended = False
        while not ended:
            trouble: Unreadable | None = None
            try:
                chunk = feed.read()
                ended = not chunk
                found = splitter.end() if ended else splitter.feed(chunk)
            except Unreadable as exc:
                found, trouble = list(exc.pieces), exc
            pieces: list[tuple[int, Piece]] = []
            for piece in found:
                number += 1
                if not isinstance(piece, bytes) or (piece and not piece.isspace()):
                    pieces.append((number, piece))
            yield feed.consumed, pieces
            if trouble is not None:
                raise trouble
    finally:
        feed.close()
