"""Cryptography for guests: what Node's crypto and WebCrypto ask, answered by the ``cryptography`` package and hashlib.

Every operation is a pure function of what it is given, keys included, but for the randomness that the library
insists on: RSA keys, RSA-PSS signatures, RSA encryption, and the salts of keys exported under a passphrase.
Nothing is kept from one call to the next.

The library holds the interpreter's lock for most of this and nothing stops it half way, so every operation has
a bound on its cost (sizes, iterations, bits), which is at worst about a second of one processor.
"""

from __future__ import annotations

from typing import Any, Final

from isthmus_quickjs._asks import Handled, answered, handles

from . import agreement, ciphers, derivation, encryption, generation, keys, sealing, signing

__all__ = ["answer"]


def answer(name: str, payload: bytes) -> bytes:
    """Answer one operation; see :func:`isthmus_quickjs._asks.answered`."""
    return answered(_OPERATIONS, name, payload)


_OPERATIONS: Final[dict[str, Handled[Any]]] = {
    "readKey": handles(keys.ReadKey, 2, keys.read),
    "writeKey": handles(keys.WriteKey, 2, keys.write),
    "makeKey": handles(generation.MakeKey, 1, generation.make),
    "sign": handles(signing.Sign, 2, signing.sign),
    "verify": handles(signing.Sign, 3, signing.verify),
    "encrypt": handles(encryption.Encrypt, 3, encryption.encrypt),
    "decrypt": handles(encryption.Encrypt, 3, encryption.decrypt),
    "agree": handles(agreement.Agree, 2, agreement.agree),
    "powmod": handles(agreement.PowMod, 3, agreement.powmod),
    "cipher": handles(ciphers.Pass, 3, ciphers.run),
    "seal": handles(sealing.Seal, 4, sealing.seal),
    "open": handles(sealing.Seal, 5, sealing.open_),
    "wrap": handles(sealing.Wrap, 2, sealing.wrap),
    "unwrap": handles(sealing.Wrap, 2, sealing.unwrap),
    "pbkdf2": handles(derivation.Pbkdf2, 2, derivation.pbkdf2),
    "scrypt": handles(derivation.Scrypt, 2, derivation.scrypt),
    "hkdf": handles(derivation.Hkdf, 3, derivation.hkdf),
}
