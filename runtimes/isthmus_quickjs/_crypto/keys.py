"""Keys on their way in and out: PEM, DER, JWK and raw bytes to the one form the prelude keeps, and back.

That form is DER: PKCS#8 of a private key, SubjectPublicKeyInfo of a public one.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import Any, Final, Literal

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x448, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

from isthmus_quickjs._asks import Ask, Refusal

from . import jwk
from .curves import CURVES, curve_name, curve_of, name_of_type, raw_type

__all__ = [
    "PrivateKey",
    "PublicKey",
    "ReadKey",
    "WriteKey",
    "described",
    "load_private",
    "load_public",
    "private_der",
    "public_der",
    "read",
    "write",
]

PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
    | x25519.X25519PrivateKey
    | x448.X448PrivateKey
)
PublicKey = (
    rsa.RSAPublicKey
    | ec.EllipticCurvePublicKey
    | ed25519.Ed25519PublicKey
    | ed448.Ed448PublicKey
    | x25519.X25519PublicKey
    | x448.X448PublicKey
)
MOST_BITS: Final = 8192
"""Bits of an RSA modulus: with one so long a signature takes some 50 ms."""
LONGEST: Final = 64 * 1024
"""Bytes of a key in any form."""


class ReadKey(Ask):
    """What a key is made of: its bytes, and a passphrase.

    Attributes:
        want: which half; "any" for whichever it is.
        format: of the bytes; ``pem`` falls to ``der`` where there is no PEM in them.
        curve: of raw bytes: an EC curve's OpenSSL name, or ``ed25519`` and the like.
        protected: there is a passphrase, be it empty.
    """

    want: Literal["private", "public", "any"]
    format: Literal["pem", "der", "jwk", "raw"]
    curve: str = ""
    protected: bool = False


class WriteKey(Ask):
    """How a key is to be written: its DER, and a passphrase.

    Attributes:
        kind: which half the DER is.
        format: of the bytes; ``raw`` is an EC point, or the bytes of an Edwards or Montgomery key.
        type: the structure within.
        compressed: a raw EC point is to be so.
        protected: encrypt it with the passphrase.
    """

    kind: Literal["private", "public"]
    format: Literal["pem", "der", "jwk", "raw"]
    type: Literal["pkcs1", "pkcs8", "spki", "sec1", ""] = ""
    compressed: bool = False
    protected: bool = False


def read(ask: ReadKey, data: bytes, passphrase: bytes) -> bytes:
    """The key as a JSON object: kind, type, details, and its DER in Base64."""
    if len(data) > LONGEST:
        raise Refusal(f"a key of {len(data)} bytes is longer than the {LONGEST} that are read")
    key = _read(ask, data, passphrase if ask.protected else None)
    if ask.want == "public" and isinstance(key, PrivateKey):
        key = key.public_key()
    return msgspec.json.encode(described(key))


def described(key: PrivateKey | PublicKey) -> dict[str, Any]:
    """What the prelude keeps of a key.

    Raises:
        Refusal: an RSA modulus is too long.
    """
    details: dict[str, Any] = {}
    private = isinstance(key, PrivateKey)
    public = key.public_key() if isinstance(key, PrivateKey) else key
    if isinstance(public, rsa.RSAPublicKey):
        if public.key_size > MOST_BITS:
            raise Refusal(
                f"an RSA key of {public.key_size} bits is longer than the {MOST_BITS} that are read"
            )
        details = {"modulusLength": public.key_size, "publicExponent": str(public.public_numbers().e)}
    elif isinstance(public, ec.EllipticCurvePublicKey):
        details = {"namedCurve": curve_name(public.curve)}
    der = private_der(key) if isinstance(key, PrivateKey) else public_der(key)
    return {
        "kind": "private" if private else "public",
        "type": name_of_type(public),
        "details": details,
        "der": base64.b64encode(der).decode(),
    }


def private_der(key: PrivateKey) -> bytes:
    """PKCS#8."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def public_der(key: PublicKey) -> bytes:
    """SubjectPublicKeyInfo."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@lru_cache(maxsize=64)
def load_private(der: bytes) -> PrivateKey:
    """A private key from the prelude's form.

    Its primes are tested, for OpenSSL promises nothing of a key that is none; as this takes a hundred times as long as
    a signature, the keys that were used last are kept.
    """
    key = load_der_private_key(der, None)
    if not isinstance(key, PrivateKey):
        raise Refusal("this kind of private key is not supported", "ERR_OSSL_UNSUPPORTED")
    return key


def load_public(der: bytes) -> PublicKey:
    """A public key from the prelude's form."""
    key = load_der_public_key(der)
    if not isinstance(key, PublicKey):
        raise Refusal("this kind of public key is not supported", "ERR_OSSL_UNSUPPORTED")
    return key


# -- in


def _read(ask: ReadKey, data: bytes, passphrase: bytes | None) -> PrivateKey | PublicKey:
    try:
        if ask.format == "jwk":
            key: Any = jwk.read(data, ask.want)
        elif ask.format == "raw":
            key = _read_raw(ask, data)
        else:
            key = _read_container(ask, data, passphrase)
    except Refusal:
        raise
    except TypeError as error:
        raise _about_passphrase(error) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _unreadable(error) from error
    if not isinstance(key, PrivateKey | PublicKey) or (
        ask.want == "private" and not isinstance(key, PrivateKey)
    ):
        raise Refusal("error:1E08010C:DECODER routines::unsupported", "ERR_OSSL_UNSUPPORTED")
    return key


def _about_passphrase(error: TypeError) -> Refusal:
    """The library's TypeErrors are about a passphrase that is missing, or not wanted."""
    if "not given" in str(error) or "is encrypted" in str(error):
        return Refusal("Passphrase required for encrypted key", "ERR_MISSING_PASSPHRASE", "TypeError")
    return Refusal("error:1E08010C:DECODER routines::unsupported", "ERR_OSSL_UNSUPPORTED")


def _unreadable(error: Exception) -> Refusal:
    if "password" in str(error).lower() or "decrypt" in str(error).lower():
        return Refusal("error:1C800064:Provider routines::bad decrypt", "ERR_OSSL_BAD_DECRYPT")
    return Refusal("error:1E08010C:DECODER routines::unsupported", "ERR_OSSL_UNSUPPORTED")


def _read_container(ask: ReadKey, data: bytes, passphrase: bytes | None) -> Any:
    if ask.format == "pem" and b"-----BEGIN" in data:
        if b"-----BEGIN CERTIFICATE" in data:
            return x509.load_pem_x509_certificate(data).public_key()
        if b"PRIVATE KEY-----" in data:
            return _private(load_pem_private_key, data, passphrase)
        return load_pem_public_key(data)
    if ask.want != "public":
        return _private(load_der_private_key, data, passphrase)
    try:
        return load_der_public_key(data)
    except ValueError:
        return _private(load_der_private_key, data, passphrase)


def _private(load: Any, data: bytes, passphrase: bytes | None) -> Any:
    try:
        key = load(data, passphrase, unsafe_skip_rsa_key_validation=True)
    except TypeError:
        if passphrase is None:
            raise
        # Given one, and not encrypted: Node ignores it.
        key = load(data, None, unsafe_skip_rsa_key_validation=True)
    return load_private(private_der(key)) if isinstance(key, PrivateKey) else key


def _read_raw(ask: ReadKey, data: bytes) -> Any:
    if ask.curve in CURVES:
        curve = curve_of(ask.curve)
        if ask.want == "private":
            return ec.derive_private_key(int.from_bytes(data, "big"), curve)
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, data)
    private, public = raw_type(ask.curve)
    return private.from_private_bytes(data) if ask.want == "private" else public.from_public_bytes(data)


# -- out


def write(ask: WriteKey, der: bytes, passphrase: bytes) -> bytes:
    """The key's bytes in the form asked for."""
    try:
        if ask.kind == "private":
            return _write_private(ask, load_private(der), passphrase)
        return _write_public(ask, load_public(der))
    except (ValueError, UnsupportedAlgorithm, TypeError) as error:
        raise Refusal(
            f"the key can't be exported so: {error}", "ERR_CRYPTO_INCOMPATIBLE_KEY_OPTIONS"
        ) from error


def _write_private(ask: WriteKey, key: PrivateKey, passphrase: bytes) -> bytes:
    if ask.format == "jwk":
        return jwk.write(key)
    if ask.format == "raw":
        if isinstance(key, ec.EllipticCurvePrivateKey):
            size = (key.curve.group_order.bit_length() + 7) // 8
            return key.private_numbers().private_value.to_bytes(size, "big")
        if isinstance(key, rsa.RSAPrivateKey):
            raise Refusal("an RSA key has no raw form")
        return key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    form = PrivateFormat.PKCS8 if ask.type in {"pkcs8", ""} else PrivateFormat.TraditionalOpenSSL
    how: KeySerializationEncryption = BestAvailableEncryption(passphrase) if ask.protected else NoEncryption()
    return key.private_bytes(_encoding(ask), form, how)


def _write_public(ask: WriteKey, key: PublicKey) -> bytes:
    if ask.format == "jwk":
        return jwk.write(key)
    if ask.format == "raw":
        if isinstance(key, ec.EllipticCurvePublicKey):
            point = PublicFormat.CompressedPoint if ask.compressed else PublicFormat.UncompressedPoint
            return key.public_bytes(Encoding.X962, point)
        if isinstance(key, rsa.RSAPublicKey):
            raise Refusal("an RSA key has no raw form")
        return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    form = PublicFormat.PKCS1 if ask.type == "pkcs1" else PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(_encoding(ask), form)


def _encoding(ask: WriteKey) -> Encoding:
    return Encoding.PEM if ask.format == "pem" else Encoding.DER
