"""Keys as JSON Web Keys (RFC 7517, 7518, 8037)."""

from __future__ import annotations

import base64
from typing import Any, Final, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from isthmus_quickjs._asks import Refusal

from .curves import curve_name, curve_of, name_of_type, raw_type

__all__ = ["read", "write"]

_NAMES: Final = {
    "prime256v1": "P-256",
    "secp384r1": "P-384",
    "secp521r1": "P-521",
    "secp256k1": "secp256k1",
    "ed25519": "Ed25519",
    "ed448": "Ed448",
    "x25519": "X25519",
    "x448": "X448",
}
_CURVES: Final = {jose: name for name, jose in _NAMES.items()}


class Jwk(msgspec.Struct, omit_defaults=True):
    """The members that make a key; others are passed over, as the RFC wants it."""

    kty: Literal["RSA", "EC", "OKP"]
    crv: str = ""
    x: str = ""
    y: str = ""
    n: str = ""
    e: str = ""
    d: str = ""
    p: str = ""
    q: str = ""
    dp: str = ""
    dq: str = ""
    qi: str = ""


def read(data: bytes, want: str) -> Any:
    """The key; its public half where that is all there is or all that is wanted.

    Raises:
        Refusal: it is no key.
    """
    try:
        jwk = msgspec.json.decode(data, type=Jwk)
        if jwk.kty == "RSA":
            return _read_rsa(jwk, private=bool(jwk.d) and want != "public")
        if jwk.kty == "EC":
            return _read_ec(jwk, private=bool(jwk.d) and want != "public")
        private, public = raw_type(_CURVES.get(jwk.crv, ""))
        if jwk.d and want != "public":
            return private.from_private_bytes(_bytes(jwk.d))
        return public.from_public_bytes(_bytes(jwk.x))
    except (msgspec.MsgspecError, ValueError) as error:
        raise Refusal(f"Invalid JWK: {error}", "ERR_CRYPTO_INVALID_JWK", "TypeError") from error


def _read_rsa(jwk: Jwk, *, private: bool) -> Any:
    public = rsa.RSAPublicNumbers(_int(jwk.e), _int(jwk.n))
    if not private:
        return public.public_key()
    p, q, d, dp, dq, qi = (_int(part) for part in (jwk.p, jwk.q, jwk.d, jwk.dp, jwk.dq, jwk.qi))
    return rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, public).private_key()


def _read_ec(jwk: Jwk, *, private: bool) -> Any:
    curve = curve_of(_CURVES.get(jwk.crv, ""))
    public = ec.EllipticCurvePublicNumbers(_int(jwk.x), _int(jwk.y), curve)
    if not private:
        return public.public_key()
    return ec.EllipticCurvePrivateNumbers(_int(jwk.d), public).private_key()


def write(key: Any) -> bytes:
    """The key as JSON.

    Raises:
        Refusal: its curve has no name there.
    """
    private = hasattr(key, "private_bytes")
    public = key.public_key() if private else key
    if isinstance(public, rsa.RSAPublicKey):
        return msgspec.json.encode(_written_rsa(key, public, private=private))
    if isinstance(public, ec.EllipticCurvePublicKey):
        jwk = _written_ec(public)
        if private:
            jwk.d = _text(
                key.private_numbers().private_value, (public.curve.group_order.bit_length() + 7) // 8
            )
        return msgspec.json.encode(jwk)
    jwk = Jwk(kty="OKP", crv=_NAMES[name_of_type(public)])
    jwk.x = _encoded(public.public_bytes(Encoding.Raw, PublicFormat.Raw))
    if private:
        jwk.d = _encoded(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
    return msgspec.json.encode(jwk)


def _written_rsa(key: Any, public: rsa.RSAPublicKey, *, private: bool) -> Jwk:
    numbers = public.public_numbers()
    jwk = Jwk(kty="RSA", n=_text(numbers.n), e=_text(numbers.e))
    if private:
        own = key.private_numbers()
        jwk.d, jwk.p, jwk.q = _text(own.d), _text(own.p), _text(own.q)
        jwk.dp, jwk.dq, jwk.qi = _text(own.dmp1), _text(own.dmq1), _text(own.iqmp)
    return jwk


def _written_ec(public: ec.EllipticCurvePublicKey) -> Jwk:
    name = _NAMES.get(curve_name(public.curve))
    if name is None:
        message = f"Unsupported JWK EC curve: {curve_name(public.curve)}."
        raise Refusal(message, "ERR_CRYPTO_JWK_UNSUPPORTED_CURVE")
    size = (public.curve.key_size + 7) // 8
    numbers = public.public_numbers()
    return Jwk(kty="EC", crv=name, x=_text(numbers.x, size), y=_text(numbers.y, size))


def _bytes(text: str) -> bytes:
    if not text:
        raise ValueError("a member that the key needs is missing")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _int(text: str) -> int:
    return int.from_bytes(_bytes(text), "big")


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _text(number: int, size: int | None = None) -> str:
    return _encoded(number.to_bytes(size or (number.bit_length() + 7) // 8, "big"))
