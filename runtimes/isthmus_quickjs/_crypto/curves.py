"""Curves, and the types of keys, by the names Node has for them."""

from __future__ import annotations

from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x448, x25519

from isthmus_quickjs._asks import Refusal

__all__ = ["CURVES", "curve_name", "curve_of", "name_of_type", "raw_type"]

CURVES: Final[dict[str, type[ec.EllipticCurve]]] = {
    "prime256v1": ec.SECP256R1,
    "secp384r1": ec.SECP384R1,
    "secp521r1": ec.SECP521R1,
    "secp256k1": ec.SECP256K1,
    "secp224r1": ec.SECP224R1,
    "brainpoolP256r1": ec.BrainpoolP256R1,
    "brainpoolP384r1": ec.BrainpoolP384R1,
    "brainpoolP512r1": ec.BrainpoolP512R1,
}
_RAW: Final[dict[str, tuple[Any, Any]]] = {
    "ed25519": (ed25519.Ed25519PrivateKey, ed25519.Ed25519PublicKey),
    "ed448": (ed448.Ed448PrivateKey, ed448.Ed448PublicKey),
    "x25519": (x25519.X25519PrivateKey, x25519.X25519PublicKey),
    "x448": (x448.X448PrivateKey, x448.X448PublicKey),
}


def curve_of(name: str) -> ec.EllipticCurve:
    """The curve that OpenSSL calls so.

    Raises:
        Refusal: there is none.
    """
    found = CURVES.get({"P-256": "prime256v1", "P-384": "secp384r1", "P-521": "secp521r1"}.get(name, name))
    if found is None:
        raise Refusal("Invalid EC curve name", "ERR_CRYPTO_INVALID_CURVE", "TypeError")
    return found()


def curve_name(curve: ec.EllipticCurve) -> str:
    """OpenSSL's name of a curve."""
    return next((name for name, kind in CURVES.items() if isinstance(curve, kind)), curve.name)


def raw_type(name: str) -> tuple[Any, Any]:
    """The classes of private and public key of a curve that has keys of its own.

    Raises:
        Refusal: there is none.
    """
    if name not in _RAW:
        raise Refusal("Invalid EC curve name", "ERR_CRYPTO_INVALID_CURVE", "TypeError")
    return _RAW[name]


def name_of_type(key: object) -> str:
    """Node's ``asymmetricKeyType`` of a public key."""
    if isinstance(key, rsa.RSAPublicKey):
        return "rsa"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "ec"
    return next(name for name, (_, public) in _RAW.items() if isinstance(key, public))
