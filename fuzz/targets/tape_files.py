"""Whatever bytes stand for a tape, they are a clean error, or a tape that is written and read back as the same."""

from __future__ import annotations

from typing import Final

import msgspec

from isthmus import TapeError
from isthmus._taping.files import MARK
from isthmus._taping.replays import Replay
from isthmus.outcomes import Status
from isthmus.tapes import Head, Tape, decode, encode, read_head

HEAD: Final = msgspec.msgpack.encode(
    Head(
        function="f",
        instance="f",
        handler="onTrack",
        status=Status.DELIVERED,
        at=0.0,
        digest="",
        runtime="scripted",
        isthmus="0",
    )
)
KEY: Final = bytes(32)


def check(data: bytes) -> None:
    """The bytes are a file; and they are the body of one whose head is sound."""
    _check(data)
    _check(MARK + msgspec.msgpack.encode([1, HEAD, b"", data]))


def _check(data: bytes) -> None:
    for key in (None, KEY):
        try:
            tape = decode(data, key)
        except TapeError as error:
            str(error).encode()
        else:
            assert read_head(data) == tape.head
            _check_tape(tape)


def _check_tape(tape: Tape) -> None:
    repr(tape)
    if tape.head.secrets != "sealed":
        assert encode(decode(encode(tape))) == encode(tape)  # bytes, for a number may be none
    assert len(decode(encode(tape, KEY), KEY).effects) == len(tape.effects)
    try:
        replay = Replay(tape, None)
        replay.call("instance", frozenset({tape.head.handler}))
    except TapeError as error:
        str(error).encode()
