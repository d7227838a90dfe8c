"""Keys derived from others and from passwords: HKDF, PBKDF2, scrypt."""

from __future__ import annotations

import hashlib
from typing import Annotated, Final

import msgspec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from isthmus_quickjs._asks import Ask, Refusal

from .digests import digest

__all__ = ["Hkdf", "Pbkdf2", "Scrypt", "hkdf", "pbkdf2", "scrypt"]

MOST_ROUNDS: Final = 2_000_000
"""Iterations times blocks of a PBKDF2: about a second; what is recommended for passwords is a third of it."""
MOST_WORK: Final = 1 << 20
"""N·r·p of a scrypt: about a second; Node's defaults take an eighth of it."""
MOST_MEMORY: Final = 128 * 1024 * 1024
"""Bytes that a scrypt may need, outside the call's own memory limit."""

Length = Annotated[int, msgspec.Meta(ge=0, le=1 << 20)]


class Pbkdf2(Ask):
    """Then the password and the salt."""

    hash: str
    iterations: Annotated[int, msgspec.Meta(ge=1, le=(1 << 31) - 1)]
    length: Length


def pbkdf2(ask: Pbkdf2, password: bytes, salt: bytes) -> bytes:
    """RFC 8018's."""
    chosen = digest(ask.hash)
    rounds = ask.iterations * max(1, -(-ask.length // chosen.digest_size))
    if rounds > MOST_ROUNDS:
        raise Refusal(
            f"PBKDF2 of {ask.iterations} iterations for {ask.length} bytes is {rounds} rounds; "
            f"{MOST_ROUNDS} are the most that one call may ask for",
            "ERR_OUT_OF_RANGE",
            "RangeError",
        )
    if not ask.length:
        return b""
    name = chosen.name.replace("-", "_")
    return hashlib.pbkdf2_hmac(name, password, salt, ask.iterations, ask.length)


class Scrypt(Ask):
    """Then the password and the salt.

    Attributes:
        cost: N, a power of two.
        block: r.
        parallel: p.
        most_memory: bytes beyond which the function itself wants it refused.
    """

    cost: Annotated[int, msgspec.Meta(ge=0, le=1 << 32)]
    block: Annotated[int, msgspec.Meta(ge=0, le=1 << 32)]
    parallel: Annotated[int, msgspec.Meta(ge=0, le=1 << 32)]
    most_memory: Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
    length: Length


def scrypt(ask: Scrypt, password: bytes, salt: bytes) -> bytes:
    """RFC 7914's."""
    needed = 128 * ask.cost * ask.block
    if ask.cost < 2 or ask.cost & (ask.cost - 1) or not ask.block or not ask.parallel:
        raise Refusal("Invalid scrypt params", "ERR_CRYPTO_INVALID_SCRYPT_PARAMS", "RangeError")
    if needed > ask.most_memory:
        raise Refusal(
            "Invalid scrypt params: error:030000AC:digital envelope routines::memory limit exceeded",
            "ERR_CRYPTO_INVALID_SCRYPT_PARAMS",
            "RangeError",
        )
    if ask.cost * ask.block * ask.parallel > MOST_WORK or needed > MOST_MEMORY:
        raise Refusal(
            f"scrypt with N={ask.cost}, r={ask.block}, p={ask.parallel} is more than one call may ask for: "
            f"N·r·p up to {MOST_WORK}",
            "ERR_CRYPTO_INVALID_SCRYPT_PARAMS",
            "RangeError",
        )
    if not ask.length:
        return b""
    try:
        return hashlib.scrypt(
            password,
            salt=salt,
            n=ask.cost,
            r=ask.block,
            p=ask.parallel,
            dklen=ask.length,
            maxmem=needed + 128 * ask.block * ask.parallel + (1 << 20),
        )
    except ValueError as error:
        raise Refusal(
            f"Invalid scrypt params: {error}", "ERR_CRYPTO_INVALID_SCRYPT_PARAMS", "RangeError"
        ) from error


class Hkdf(Ask):
    """Then the key, the salt, the info."""

    hash: str
    length: Length


def hkdf(ask: Hkdf, key: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869's."""
    chosen = digest(ask.hash)
    if ask.length > 255 * chosen.digest_size:
        raise Refusal("Invalid key length", "ERR_CRYPTO_INVALID_KEYLEN", "RangeError")
    if not ask.length:
        return b""
    return HKDF(chosen, ask.length, salt, info).derive(key)
