"""Ciphers with authentication (GCM, CCM, OCB, ChaCha20-Poly1305), and keys wrapped in keys (RFC 3394)."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESOCB3, ChaCha20Poly1305

from isthmus_quickjs._asks import Ask, Refusal

from .ciphers import in_pieces

__all__ = ["Seal", "Wrap", "open_", "seal", "unwrap", "wrap"]

FAILED: Final = "The operation failed for an operation-specific reason"
WHOLE_TAG: Final = 16
FIRST_BLOCK: Final = b"\1\0\0\0"
"""Where ChaCha20 starts to encrypt; the block before it makes the key of the tag (RFC 8439)."""


class Seal(Ask):
    """How: then the key, the nonce, additional data, the data; to open, the tag after them.

    Attributes:
        mode: which cipher.
        tag: bytes of the tag.
        trusting: open without looking at the tag, which has not come yet.
    """

    mode: Literal["gcm", "ccm", "ocb", "chacha20-poly1305"]
    tag: Annotated[int, msgspec.Meta(ge=1, le=WHOLE_TAG)] = WHOLE_TAG
    trusting: bool = False


def seal(ask: Seal, key: bytes, nonce: bytes, extra: bytes, data: bytes) -> bytes:
    """The data encrypted, and behind them the tag."""
    try:
        if ask.mode == "gcm":
            context = Cipher(algorithms.AES(key), modes.GCM(nonce)).encryptor()
            context.authenticate_additional_data(extra)
            return in_pieces(context, data) + context.finalize() + context.tag[: ask.tag]
        return _whole(ask, key).encrypt(nonce, data, extra)
    except (ValueError, UnsupportedAlgorithm, OverflowError) as error:
        raise _unfit(ask, error) from error


def open_(ask: Seal, key: bytes, nonce: bytes, extra: bytes, data: bytes, tag: bytes) -> bytes:
    """The data decrypted."""
    try:
        if ask.mode == "gcm":
            mode = modes.GCM(nonce) if ask.trusting else modes.GCM(nonce, tag, min_tag_length=4)
            context: Any = Cipher(algorithms.AES(key), mode).decryptor()
            context.authenticate_additional_data(extra)
            opened = in_pieces(context, data)
            return opened if ask.trusting else opened + context.finalize()
        if ask.mode == "chacha20-poly1305" and ask.trusting:
            stream: Any = algorithms.ChaCha20(key, FIRST_BLOCK + nonce)
            return in_pieces(Cipher(stream, None).decryptor(), data)
        return _whole(ask, key).decrypt(nonce, data + tag, extra)
    except InvalidTag as error:
        raise Refusal(FAILED, name="OperationError") from error
    except (ValueError, UnsupportedAlgorithm, OverflowError) as error:
        raise _unfit(ask, error) from error


def _whole(ask: Seal, key: bytes) -> AESCCM | AESOCB3 | ChaCha20Poly1305:
    """Those that the library does in one go."""
    if ask.mode == "ccm":
        return AESCCM(key, tag_length=ask.tag)
    if ask.tag != WHOLE_TAG:
        raise ValueError(f"its tag has {WHOLE_TAG} bytes, not {ask.tag}")
    return AESOCB3(key) if ask.mode == "ocb" else ChaCha20Poly1305(key)


def _unfit(ask: Seal, error: Exception) -> Refusal:
    return Refusal(f"{ask.mode}: {error}", "ERR_CRYPTO_INVALID_STATE")


class Wrap(Ask):
    """Then the wrapping key and the key."""


def wrap(_ask: Wrap, wrapping: bytes, key: bytes) -> bytes:
    """The key wrapped."""
    try:
        return keywrap.aes_key_wrap(wrapping, key)
    except ValueError as error:
        raise Refusal(f"the key can't be wrapped: {error}", name="OperationError") from error


def unwrap(_ask: Wrap, wrapping: bytes, wrapped: bytes) -> bytes:
    """The key that was wrapped."""
    try:
        return keywrap.aes_key_unwrap(wrapping, wrapped)
    except (ValueError, keywrap.InvalidUnwrap) as error:
        raise Refusal("the wrapped key is not one, or another key wraps it", name="OperationError") from error
