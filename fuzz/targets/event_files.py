"""However a file is cut into chunks, its pieces are the same, in order, none over the limit, and nothing between them is lost."""

from __future__ import annotations

from isthmus._cli.splitting import Flaw, Piece, Unreadable, detecting

LIMIT = 64


def check(data: bytes) -> None:
    """The first byte says how long the chunks of the second reading are."""
    size, file = data[0] if data else 0, data[1:]
    whole = _pieces([file])
    assert _pieces([file[at : at + 1] for at in range(len(file))]) == whole
    if size:
        assert _pieces([file[at : at + size] for at in range(0, len(file), size)]) == whole
    pieces, _ = whole
    at = 0
    for piece in pieces:
        if isinstance(piece, Flaw):
            continue
        assert len(piece) <= LIMIT
        found = file.find(piece, at)
        assert found >= 0, "a piece is not in the file, or out of order"
        at = found + len(piece)


def _pieces(chunks: list[bytes]) -> tuple[list[Piece], str]:
    """The pieces, and why the rest cannot be read."""
    splitter = detecting(LIMIT)
    pieces: list[Piece] = []
    try:
        for chunk in chunks:
            pieces += splitter.feed(chunk)
        pieces += splitter.end()
    except Unreadable as error:
        return [*pieces, *error.pieces], str(error)
    return pieces, ""
