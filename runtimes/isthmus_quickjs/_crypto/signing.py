"""Signatures: RSA (PKCS #1 v1.5 and PSS), ECDSA with deterministic nonces (RFC 6979), EdDSA."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    NoDigestInfo,
    decode_dss_signature,
    encode_dss_signature,
)

from isthmus_quickjs._asks import Ask, Refusal

from .digests import digest
from .keys import load_private, load_public

__all__ = ["Sign", "sign", "verify"]


class Sign(Ask):
    """How to sign: then the key's DER and the data; to check a signature, the public key's DER, data, signature.

    Attributes:
        hash: Node's name of the hash; "" for EdDSA, and for data that PKCS #1 v1.5 pads as they are.
        padding: of RSA.
        salt: length of a PSS salt, or Node's -1 (as long as the hash), -2 (as long as can be; found, when checking).
        form: of an ECDSA signature: a DER sequence, or two numbers side by side.
    """

    hash: str = ""
    padding: Literal["pkcs1", "pss"] = "pkcs1"
    salt: Annotated[int, msgspec.Meta(ge=-2, le=1024)] = -2
    form: Literal["der", "ieee-p1363"] = "der"


def sign(ask: Sign, der: bytes, data: bytes) -> bytes:
    """The signature's bytes."""
    key = load_private(der)
    try:
        if isinstance(key, rsa.RSAPrivateKey):
            if not ask.hash:
                return key.sign(data, padding.PKCS1v15(), NoDigestInfo())
            chosen = digest(ask.hash)
            return key.sign(data, _padding(ask, chosen, signing=True), chosen)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            signed = key.sign(data, ec.ECDSA(digest(ask.hash), deterministic_signing=True))
            return signed if ask.form == "der" else _side_by_side(signed, key.curve)
        if isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey):
            _refuse_hash(ask)
            return key.sign(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Refusal(f"the data can't be signed with this key: {error}") from error
    raise _unfit()


def verify(ask: Sign, der: bytes, data: bytes, signature: bytes) -> bytes:
    r"""``b"\1"`` where the signature is the key's, ``b"\0"`` where it is not."""
    key = load_public(der)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            chosen = digest(ask.hash)
            key.verify(signature, data, _padding(ask, chosen, signing=False), chosen)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            if ask.form != "der":
                signature = _sequence(signature, key.curve)
            key.verify(signature, data, ec.ECDSA(digest(ask.hash)))
        elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            _refuse_hash(ask)
            key.verify(signature, data)
        else:
            raise _unfit()
    except (InvalidSignature, ValueError):
        return b"\0"
    except UnsupportedAlgorithm as error:
        raise Refusal(f"the signature can't be checked with this key: {error}") from error
    return b"\1"


def _padding(ask: Sign, chosen: hashes.HashAlgorithm, *, signing: bool) -> padding.PKCS1v15 | padding.PSS:
    if ask.padding == "pkcs1":
        return padding.PKCS1v15()
    if ask.salt == -2:
        return padding.PSS(padding.MGF1(chosen), padding.PSS.MAX_LENGTH if signing else padding.PSS.AUTO)
    return padding.PSS(padding.MGF1(chosen), chosen.digest_size if ask.salt == -1 else ask.salt)


def _refuse_hash(ask: Sign) -> None:
    if ask.hash:
        raise Refusal("error:1C800066:Provider routines::invalid digest", "ERR_OSSL_INVALID_DIGEST")


def _unfit() -> Refusal:
    message = "error:03000096:digital envelope routines::operation not supported for this keytype"
    return Refusal(message, "ERR_OSSL_EVP_OPERATION_NOT_SUPPORTED_FOR_THIS_KEYTYPE")


def _size(curve: ec.EllipticCurve) -> int:
    return (curve.group_order.bit_length() + 7) // 8


def _side_by_side(signature: bytes, curve: ec.EllipticCurve) -> bytes:
    r, s = decode_dss_signature(signature)
    return r.to_bytes(_size(curve), "big") + s.to_bytes(_size(curve), "big")


def _sequence(signature: bytes, curve: ec.EllipticCurve) -> bytes:
    size = _size(curve)
    if len(signature) != 2 * size:
        raise InvalidSignature
    return encode_dss_signature(
        int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    )
