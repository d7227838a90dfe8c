"""What the guest may ask of the host at once, because a well-kept library does it better.

All of it is pure: nothing here has an effect, reads a file of the author's choosing or keeps state.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from . import _compression, _texts, _zlib

__all__ = ["DRAWN", "QUICK", "answer"]

PRELUDE: Final = Path(__file__).parent / "prelude"
LARGEST: Final = 32 * 1024 * 1024
"""Bytes hashed at once: nothing stops a hash half way, and this takes a tenth of a second."""
QUICK: Final = {**dict.fromkeys(("modules", "hash", "hmac", "hashes", "idna"), 64 * 1024), "intl": 1024}
"""Operations that take microseconds, and of how many bytes at the most they do."""
DRAWN: Final = frozenset({"crypto:makeKey", "crypto:sign", "crypto:encrypt", "crypto:writeKey"})
"""Operations that the library does by chance of its own, for some of what they are given."""
EXTENDABLE: Final = {"shake_128": 16, "shake_256": 32}
"""Hashes whose output is as long as one asks; Node's default lengths, in bytes."""


def answer(op: str, payload: bytes) -> bytes:
    """Answer one call.

    Args:
        op: what is asked, and its parameters after colons.
        payload: the bytes it is asked of.

    Raises:
        KeyError: no such operation or hash.
        ValueError: the payload or a parameter is not what the operation takes.
    """
    name, _, parameters = op.partition(":")
    return _OPERATIONS[name](parameters, payload)


def _modules(_parameters: str, _payload: bytes) -> bytes:
    return (PRELUDE / "modules.json").read_bytes()


@lru_cache(maxsize=1)
def _hash_names() -> dict[str, str]:
    """Node's spelling of each hash to hashlib's; OpenSSL may know more than Python promises, and may refuse some."""
    names = {}
    for name in sorted(hashlib.algorithms_available):
        try:
            hashlib.new(name, usedforsecurity=False)
        except ValueError:
            continue
        spelled = name.lower().replace("_", "-") if name.startswith(("sha3", "sha512_")) else name.lower()
        names[
            spelled.replace("shake_", "shake")
            .replace("blake2b", "blake2b512")
            .replace("blake2s", "blake2s256")
        ] = name
    names |= {f"rsa-{name}": names[name] for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")}
    return names


def _hashes(_parameters: str, _payload: bytes) -> bytes:
    return msgspec.json.encode(sorted(_hash_names()))


def _hash(parameters: str, payload: bytes) -> bytes:
    name, _, length = parameters.partition(":")
    known = _known(name, payload)
    digest = hashlib.new(known, payload, usedforsecurity=False)
    if known in EXTENDABLE:
        size = _length(length, LARGEST) if length else EXTENDABLE[known]
        return digest.digest(size)  # type: ignore[call-arg]
    return digest.digest()


def _hmac(parameters: str, payload: bytes) -> bytes:
    name, _, length = parameters.partition(":")
    known = _known(name, payload)
    size = _length(length, len(payload))
    return hmac.digest(payload[:size], payload[size:], known)


def _known(name: str, payload: bytes) -> str:
    if len(payload) > LARGEST:
        raise ValueError(f"{len(payload)} bytes are more than the {LARGEST} that are hashed at once")
    return _hash_names()[name]


def _length(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) > most:
        raise ValueError(f"{text!r} is no length from 0 to {most}")
    return int(text)


def _idna(_parameters: str, payload: bytes) -> bytes:
    """A host name's ASCII form, as URLs have it (UTS 46, non-transitional; not as strict as registries are)."""
    return ".".join(_label(label) for label in _mapped(payload.decode()).split(".")).encode("ascii")


def _mapped(name: str) -> str:
    import idna  # only functions with such a URL need its tables

    try:
        return idna.uts46_remap(name, std3_rules=False, transitional=False)
    except idna.IDNAError as error:
        raise ValueError(str(error)) from error


def _label(label: str) -> str:
    if label.startswith("xn--"):
        decoded = label[4:].encode("ascii").decode("punycode")
        if decoded.isascii() or _mapped(decoded) != decoded:
            raise ValueError(f"{label!r} stands for no international name")
    return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")


def _cryptography(operation: str, payload: bytes) -> bytes:
    """Anything but hashing; without an operation, the library is made ready, while a function loads."""
    from ._crypto import answer as answered  # the library costs the process's start more than all else

    return answered(operation, payload) if operation else b""


def _intl(operation: str, payload: bytes) -> bytes:
    """Whatever depends on a language or a region; without an operation, ICU is made ready, while a function loads."""
    from ._intl import answer as answered, make_ready  # most functions never ask

    return answered(operation, payload) if operation else make_ready()


_OPERATIONS: Final[dict[str, Callable[[str, bytes], bytes]]] = {
    "modules": _modules,
    "hash": _hash,
    "hmac": _hmac,
    "hashes": _hashes,
    "crypto": _cryptography,
    "intl": _intl,
    "zlib": _zlib.answer,
    "idna": _idna,
    **_compression.OPERATIONS,
    **_texts.OPERATIONS,
}
