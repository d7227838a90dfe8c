"""Ids in the shapes that Segment gives them, so that what reads ids by their shape reads these as well.

A function goes by two: its class id, which catalogs and instances name, and its id, which is that with a prefix for its
kind.  A deployed source function is named after its source: ``sfn_<source id>``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Final

from .values import ResourceType

__all__ = [
    "class_id",
    "deployed_source_id",
    "function_id",
    "ksuid",
    "new_class_id",
    "new_hex_id",
    "new_secret",
    "new_source_id",
]

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PREFIXES: Final[Mapping[ResourceType, str]] = {
    ResourceType.SOURCE: "sfnc_",
    ResourceType.DESTINATION: "dfn_",
    ResourceType.INSERT_DESTINATION: "ifnd_",
    ResourceType.INSERT_SOURCE: "ifns_",
}
DEPLOYED: Final = "sfn_"
KSUID_EPOCH: Final = 1_400_000_000
"""Seconds of Unix time from which a KSUID counts."""
KSUID_LENGTH: Final = 27


def _base62(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def new_source_id() -> str:
    """22 characters of base 62: 131 bits."""
    return _base62(22)


def new_hex_id() -> str:
    """24 hexadecimal digits, of destinations and instances."""
    return secrets.token_hex(12)


def new_secret() -> str:
    """32 characters of base 62: a write key, a webhook's secret."""
    return _base62(32)


def new_class_id(kind: ResourceType) -> str:
    """The id of a new function, without its prefix."""
    return new_source_id() if kind is ResourceType.SOURCE else new_hex_id()


def function_id(kind: ResourceType, bare: str) -> str:
    """The id that a function goes by, of its class id."""
    return PREFIXES[kind] + bare


def class_id(given: str) -> str:
    """The class id in an id of a function, with a prefix or without."""
    for prefix in PREFIXES.values():
        if given.startswith(prefix):
            return given.removeprefix(prefix)
    return given


def deployed_source_id(given: str) -> str | None:
    """The source that a deployed source function's id names, or None where it is no such id."""
    return given.removeprefix(DEPLOYED) if given.startswith(DEPLOYED) and len(given) > len(DEPLOYED) else None


def ksuid(now: float, entropy: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """An id that sorts by the second it was made in: 4 bytes of time, 16 of chance, in base 62.

    Args:
        now: seconds since the epoch.
        entropy: gives that many random bytes.
    """
    seconds = max(0, min(int(now) - KSUID_EPOCH, 2**32 - 1))
    number = int.from_bytes(seconds.to_bytes(4, "big") + entropy(16), "big")
    digits = []
    for _ in range(KSUID_LENGTH):
        number, digit = divmod(number, 62)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
