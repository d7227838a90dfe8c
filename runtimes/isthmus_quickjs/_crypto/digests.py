"""The library's hashes by Node's names, for signatures, padding and derivation."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives import hashes

from isthmus_quickjs._asks import Refusal

__all__ = ["digest"]

_DIGESTS: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "md5": hashes.MD5,
    "sha1": hashes.SHA1,
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
    "sha512224": hashes.SHA512_224,
    "sha512256": hashes.SHA512_256,
    "sha3224": hashes.SHA3_224,
    "sha3256": hashes.SHA3_256,
    "sha3384": hashes.SHA3_384,
    "sha3512": hashes.SHA3_512,
}


def digest(name: str) -> hashes.HashAlgorithm:
    """The hash that Node calls so, ``RSA-SHA256`` and ``sha256WithRSAEncryption`` included.

    Raises:
        Refusal: there is none.
    """
    plain = name.lower().removeprefix("rsa-").removesuffix("withrsaencryption")
    found = _DIGESTS.get(plain.replace("-", "").replace("/", "").replace("_", ""))
    if found is None:
        raise Refusal(f"Invalid digest: {name}", "ERR_CRYPTO_INVALID_DIGEST", "TypeError")
    return found()
