"""New keys, made of the call's own chance as far as the library lets them be."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from isthmus_quickjs._asks import Ask, Refusal

from .curves import curve_of, raw_type
from .keys import PrivateKey, described

__all__ = ["MakeKey", "make"]

MOST_BITS: Final = 4096
"""Bits of an RSA key: one takes about a second, more often less, sometimes three."""
SEED: Final = 96
"""Bytes of chance that a key is made of: 128 bits more than any curve's order, so that no value is favoured."""


class MakeKey(Ask):
    """What kind of key: and the chance it is made of.

    Attributes:
        type: Node's ``asymmetricKeyType``.
        bits: of an RSA modulus.
        exponent: RSA's public one.
        curve: of an EC key, by OpenSSL's name.
    """

    type: Literal["rsa", "ec", "ed25519", "ed448", "x25519", "x448"]
    bits: Annotated[int, msgspec.Meta(ge=0, le=1 << 31)] = 2048
    exponent: Annotated[int, msgspec.Meta(ge=0, le=(1 << 32) - 1)] = 65537
    curve: str = ""


def make(ask: MakeKey, seed: bytes) -> bytes:
    """Both halves, each as :func:`~isthmus_quickjs._crypto.keys.read` answers it, in a JSON object."""
    if len(seed) != SEED:
        raise ValueError(f"a key is made of {SEED} bytes, not of {len(seed)}")
    private = _made(ask, seed)
    return msgspec.json.encode({"private": described(private), "public": described(private.public_key())})


def _made(ask: MakeKey, seed: bytes) -> PrivateKey:
    if ask.type == "rsa":
        if not 1024 <= ask.bits <= MOST_BITS:
            raise Refusal(
                f"an RSA key of {ask.bits} bits can't be made here: 1024 to {MOST_BITS} can",
                "ERR_OUT_OF_RANGE",
                "RangeError",
            )
        if ask.exponent not in {3, 65537}:
            raise Refusal(
                f"a public exponent is 3 or 65537, not {ask.exponent}", "ERR_OUT_OF_RANGE", "RangeError"
            )
        return rsa.generate_private_key(ask.exponent, ask.bits)
    if ask.type == "ec":
        curve = curve_of(ask.curve)
        return ec.derive_private_key(int.from_bytes(seed, "big") % (curve.group_order - 1) + 1, curve)
    kind, _ = raw_type(ask.type)
    size = {"ed25519": 32, "x25519": 32, "ed448": 57, "x448": 56}[ask.type]
    made: PrivateKey = kind.from_private_bytes(seed[:size])
    return made
