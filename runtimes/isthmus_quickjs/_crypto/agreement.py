"""Secrets that two keys agree on: ECDH, X25519, X448, and Diffie-Hellman over whole numbers."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, x448, x25519

from isthmus_quickjs._asks import Ask, Refusal

from .keys import load_private, load_public

__all__ = ["Agree", "PowMod", "agree", "powmod"]

MOST_BYTES: Final = 512
"""Of a Diffie-Hellman modulus: 4096 bits take a tenth of a second, with the interpreter's lock held."""


class Agree(Ask):
    """The private key's DER, and the other side's public one."""


def agree(_ask: Agree, private_der: bytes, public_der: bytes) -> bytes:
    """What both sides can compute."""
    private, public = load_private(private_der), load_public(public_der)
    try:
        if isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(public, ec.EllipticCurvePublicKey):
            return private.exchange(ec.ECDH(), public)
        if isinstance(private, x25519.X25519PrivateKey) and isinstance(public, x25519.X25519PublicKey):
            return private.exchange(public)
        if isinstance(private, x448.X448PrivateKey) and isinstance(public, x448.X448PublicKey):
            return private.exchange(public)
    except ValueError as error:
        raise Refusal(f"the keys can't agree: {error}") from error
    raise Refusal("Incompatible key types for Diffie-Hellman", "ERR_CRYPTO_INCOMPATIBLE_KEY")


class PowMod(Ask):
    """Base, exponent and modulus, big-endian."""


def powmod(_ask: PowMod, base: bytes, exponent: bytes, modulus: bytes) -> bytes:
    """A power, as long as the modulus."""
    if max(len(base), len(exponent), len(modulus)) > MOST_BYTES:
        raise Refusal(
            f"Diffie-Hellman is limited to {8 * MOST_BYTES} bits here", "ERR_OUT_OF_RANGE", "RangeError"
        )
    number = int.from_bytes(modulus, "big")
    if number < 2:
        raise Refusal("a modulus is at least 2", "ERR_OUT_OF_RANGE", "RangeError")
    return pow(int.from_bytes(base, "big"), int.from_bytes(exponent, "big"), number).to_bytes(
        len(modulus), "big"
    )
