"""Encryption with RSA keys: OAEP, PKCS #1 v1.5, and either half of the key in either direction."""

from __future__ import annotations

from typing import Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo

from isthmus_quickjs._asks import Ask, Refusal

from .digests import digest
from .keys import load_private, load_public

__all__ = ["Encrypt", "decrypt", "encrypt"]


class Encrypt(Ask):
    """How: then the key's DER, the data, OAEP's label.

    Attributes:
        key: which half the DER is.
        padding: OAEP, PKCS #1 v1.5, or none, which only a public key does.
        hash: OAEP's.
    """

    key: Literal["private", "public"]
    padding: Literal["oaep", "pkcs1", "none"]
    hash: str = "sha1"


def encrypt(ask: Encrypt, der: bytes, data: bytes, label: bytes) -> bytes:
    """The data encrypted; with a private key, what only its public half makes readable."""
    try:
        if ask.key == "private":
            key = _rsa_private(der)
            _only_pkcs1(ask)
            return key.sign(data, padding.PKCS1v15(), NoDigestInfo())
        public = _rsa_public(der)
        if ask.padding == "none":
            return _raw(public, data)
        return public.encrypt(data, _padding(ask, label))
    except (ValueError, UnsupportedAlgorithm) as error:
        message = "error:0200006E:rsa routines::data too large for key size"
        raise Refusal(message, "ERR_OSSL_RSA_DATA_TOO_LARGE_FOR_KEY_SIZE") from error


def decrypt(ask: Encrypt, der: bytes, data: bytes, label: bytes) -> bytes:
    """The data as they were before :func:`encrypt` with the other half."""
    try:
        if ask.key == "public":
            public = _rsa_public(der)
            if ask.padding == "none":
                return _raw(public, data)
            _only_pkcs1(ask)
            return public.recover_data_from_signature(data, padding.PKCS1v15(), None)
        key = _rsa_private(der)
        if ask.padding == "none":
            raise Refusal("a private key without padding is not supported here: use RSA_PKCS1_OAEP_PADDING")
        return key.decrypt(data, _padding(ask, label))
    except (ValueError, InvalidSignature, UnsupportedAlgorithm) as error:
        raise Refusal(
            "error:02000079:rsa routines::oaep decoding error", "ERR_OSSL_RSA_OAEP_DECODING_ERROR"
        ) from error


def _raw(key: rsa.RSAPublicKey, data: bytes) -> bytes:
    numbers, size = key.public_numbers(), (key.key_size + 7) // 8
    number = int.from_bytes(data, "big")
    if len(data) != size or number >= numbers.n:
        raise ValueError("without padding the data are as long as the key, and less than it")
    return pow(number, numbers.e, numbers.n).to_bytes(size, "big")


def _padding(ask: Encrypt, label: bytes) -> padding.OAEP | padding.PKCS1v15:
    if ask.padding == "pkcs1":
        return padding.PKCS1v15()
    chosen = digest(ask.hash)
    return padding.OAEP(padding.MGF1(chosen), chosen, label or None)


def _only_pkcs1(ask: Encrypt) -> None:
    if ask.padding != "pkcs1":
        raise Refusal("with the key's halves in this order only RSA_PKCS1_PADDING is supported")


def _rsa_private(der: bytes) -> rsa.RSAPrivateKey:
    key = load_private(der)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise _unfit()
    return key


def _rsa_public(der: bytes) -> rsa.RSAPublicKey:
    key = load_public(der)
    if not isinstance(key, rsa.RSAPublicKey):
        raise _unfit()
    return key


def _unfit() -> Refusal:
    message = "error:03000096:digital envelope routines::operation not supported for this keytype"
    return Refusal(message, "ERR_OSSL_EVP_OPERATION_NOT_SUPPORTED_FOR_THIS_KEYTYPE")
