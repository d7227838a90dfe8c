"""Ciphers without authentication, one run at a time.

A run starts at a boundary of the cipher's blocks, with the vector that stands there; the prelude keeps what comes
between two runs of one cipher, pads, and takes padding off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.decrepit.ciphers.modes import CFB, CFB8, OFB
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from isthmus_quickjs._asks import Ask, Refusal

__all__ = ["PIECE", "Pass", "in_pieces", "run"]

PIECE: Final = 256 * 1024
"""Bytes between which other threads may have the interpreter's lock."""

_MODES: Final[dict[str, Callable[[bytes], Any]]] = {
    "cbc": modes.CBC,
    "ctr": modes.CTR,
    "ecb": lambda _vector: modes.ECB(),
    "cfb": CFB,
    "cfb8": CFB8,
    "ofb": OFB,
}


class Pass(Ask):
    """One run: then the key, the vector (none for ECB) and the data.

    Attributes:
        algorithm: ``aes`` or ``des3``.
        mode: which.
        encrypt: the direction.
    """

    algorithm: Literal["aes", "des3"]
    mode: Literal["cbc", "ctr", "ecb", "cfb", "cfb8", "ofb"]
    encrypt: bool


def run(ask: Pass, key: bytes, vector: bytes, data: bytes) -> bytes:
    """As many bytes as there are data."""
    try:
        algorithm: Any = {"aes": algorithms.AES, "des3": TripleDES}[ask.algorithm](key)
        cipher = Cipher(algorithm, _MODES[ask.mode](vector))
        context = cipher.encryptor() if ask.encrypt else cipher.decryptor()
        return in_pieces(context, data) + context.finalize()
    except ValueError as error:
        raise Refusal(f"{ask.algorithm}-{ask.mode}: {error}", "ERR_OSSL_WRONG_FINAL_BLOCK_LENGTH") from error


def in_pieces(context: Any, data: bytes) -> bytes:
    """What a cipher's context makes of the data."""
    return b"".join(context.update(piece) for piece in _pieces(data))


def _pieces(data: bytes) -> Iterator[memoryview]:
    whole = memoryview(data)
    return (whole[at : at + PIECE] for at in range(0, len(whole), PIECE))
