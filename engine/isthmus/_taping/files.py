"""Tapes as bytes: a mark, a version, a head in the clear, and a body that may be encrypted."""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, final

import msgspec

from isthmus.errors import EngineError, IsthmusError, TapeError
from isthmus.limits import MIB
from isthmus.tapes import Head, Tape

from .endings import outcome_of

__all__ = ["MOST_BYTES", "decode_head", "decode_tape", "encode_tape", "keeper", "parse_key"]

MARK: Final = b"isthmus tape\0"
VERSION: Final = 1
MOST_BYTES: Final = 256 * MIB
"""A larger file is not read: a call's input, its code and all it was told are far less."""
NONCE: Final = 12
UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
LONGEST_NAME: Final = 60


@final
class _File(msgspec.Struct, frozen=True, array_like=True):
    """What follows the mark.

    Attributes:
        version: of the format; a reader takes its own and earlier ones.
        head: the head's bytes.
        nonce: of the encryption, b"" where there is none.
        body: the tape's bytes.
    """

    version: int
    head: bytes
    nonce: bytes = b""
    body: bytes = b""


_file_decoder: Final = msgspec.msgpack.Decoder(_File)
_head_decoder: Final = msgspec.msgpack.Decoder(Head)
_tape_decoder: Final = msgspec.msgpack.Decoder(Tape)
_encoder: Final = msgspec.msgpack.Encoder()


def encode_tape(tape: Tape, key: bytes | None = None) -> bytes:
    """See :func:`isthmus.tapes.encode`."""
    if key is None:
        if tape.head.secrets == "sealed":
            raise TapeError("the tape holds secrets, and is written with a key only")
        return MARK + _encoder.encode(_File(VERSION, _encoder.encode(tape.head), b"", _encoder.encode(tape)))
    head = _encoder.encode(msgspec.structs.replace(tape.head, secrets="sealed"))
    nonce = secrets.token_bytes(NONCE)
    body = _cipher(key).encrypt(nonce, _encoder.encode(tape), head)
    return MARK + _encoder.encode(_File(VERSION, head, nonce, body))


def decode_head(data: bytes) -> Head:
    """See :func:`isthmus.tapes.read_head`."""
    return _head(_opened(data))


def decode_tape(data: bytes, key: bytes | None = None) -> Tape:
    """See :func:`isthmus.tapes.decode`."""
    file = _opened(data)
    head = _head(file)
    body = file.body
    if file.nonce:
        if key is None:
            raise TapeError("the tape is sealed, and there is no key to open it")
        body = _decrypted(file, key)
    elif head.secrets == "sealed":
        raise TapeError("the tape says that it is sealed, and is not")
    try:
        tape = _tape_decoder.decode(body)
        outcome_of(tape.ended)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, IsthmusError) as error:
        raise TapeError(f"the tape is damaged: {_short(error)}") from None
    return msgspec.structs.replace(tape, head=head)


def parse_key(text: str) -> bytes:
    """See :func:`isthmus.tapes.key_of`."""
    stripped = text.strip()
    try:
        key = bytes.fromhex(stripped) if len(stripped) == 64 else base64.b64decode(stripped, validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != 32:
        raise TapeError("a key of tapes is 32 bytes, as 64 hexadecimal digits or in Base64")
    return key


def keeper(path: str) -> Callable[[Tape, bytes], str]:
    """See :func:`isthmus.tapes.directory`."""
    place = Path(path)
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(f"the directory of tapes {path} cannot be made: {error.strerror}") from error

    def keep(tape: Tape, data: bytes) -> str:
        head = tape.head
        day = time.strftime("%Y%m%dT%H%M%S", time.gmtime(head.at))
        name = UNSAFE.sub("-", f"{head.function}-{head.handler}")[:LONGEST_NAME]
        file = place / f"{day}-{name}-{head.status.value}-{secrets.token_hex(4)}.tape"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as stream:
            stream.write(data)
        return str(file)

    return keep


def _opened(data: bytes) -> _File:
    if not data.startswith(MARK):
        raise TapeError("this is no tape")
    if len(data) > MOST_BYTES:
        raise TapeError(f"a tape has at most {MOST_BYTES} bytes, and this has {len(data)}")
    try:
        file = _file_decoder.decode(memoryview(data)[len(MARK) :])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise TapeError(f"the tape is damaged: {_short(error)}") from None
    if not 1 <= file.version <= VERSION:
        raise TapeError(f"the tape is of version {file.version}, and this reads version {VERSION}")
    return file


def _head(file: _File) -> Head:
    try:
        return _head_decoder.decode(file.head)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise TapeError(f"the tape is damaged: {_short(error)}") from None


def _decrypted(file: _File, key: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag

    try:
        opened: bytes = _cipher(key).decrypt(file.nonce, file.body, file.head)
    except (InvalidTag, ValueError):
        raise TapeError("the tape is sealed with another key, or is damaged") from None
    return opened


def _cipher(key: bytes):  # type: ignore[no-untyped-def] # noqa: ANN202 -- the library is imported when it is needed
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    return ChaCha20Poly1305(key)


def _short(error: Exception) -> str:
    return str(error)[:200]
