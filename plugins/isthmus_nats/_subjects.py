"""How names of queues, ids and keys become subjects, names of streams and headers: pure."""

from __future__ import annotations

import re
import zlib
from hashlib import blake2b
from typing import Final, final
from urllib.parse import quote, unquote

import msgspec

__all__ = ["Names", "lane_of", "name_of", "packed", "shard_of", "token_of", "unpacked"]

_LONGEST: Final = 120  # of JetStream's 255 for a consumer, which names a directory as well
_PLAIN: Final = re.compile(rb"[A-Za-z0-9_-]")
_ESCAPED: Final = re.compile(r"=([0-9A-F]{2})")


def token_of(name: str) -> str:
    """A queue's name as one token of a subject, which is the name of its consumer as well.

    Letters, digits, ``-`` and ``_`` stay; every other byte is ``=`` and two digits.  A long one is cut,
    and tells itself from others by a hash behind ``~``.
    """
    encoded = "".join(chr(byte) if _PLAIN.match(bytes((byte,))) else f"={byte:02X}" for byte in name.encode())
    if len(encoded) <= _LONGEST:
        return encoded
    return f"{encoded[:80]}~{blake2b(name.encode(), digest_size=16).hexdigest()}"


def name_of(token: str) -> str | None:
    """The name that a token was made of; None where it is cut."""
    if "~" in token:
        return None
    return re.sub(_ESCAPED, lambda match: chr(int(match[1], 16)), token).encode("latin-1").decode()


def shard_of(name: str, shards: int) -> int:
    """Which stream a queue is in."""
    return zlib.crc32(name.encode()) % shards


def lane_of(key: str, lanes: int) -> int:
    """Which lane of an ordered queue a key goes through, from 1; lane 0 is of those without a key."""
    return 1 + zlib.crc32(key.encode(errors="surrogatepass")) % lanes


def packed(text: str) -> str:
    """Any text, as a header can hold it; never with a slash in it."""
    return quote(text, safe=" ", errors="surrogatepass").replace(" ", "%20")


def unpacked(text: str) -> str:
    """What was packed."""
    return unquote(text, errors="surrogatepass")


@final
class Names(msgspec.Struct, frozen=True):
    """What an installation calls its streams and subjects.

    Attributes:
        prefix: see :class:`Address`.
    """

    prefix: str

    def stream(self, shard: int) -> str:
        """The stream of a shard's deliveries."""
        return f"{self.prefix}-{shard}"

    def subject(self, shard: int, token: str, lane: int | str) -> str:
        """Where the deliveries of one lane of a queue are published; ``*`` for all lanes."""
        return f"{self.prefix}.q.{shard}.{token}.{lane}"

    def consumer(self, token: str, lane: int) -> str:
        """The durable consumer of a lane: the queue's own name for lane 0."""
        return f"{token}~{lane}" if lane else token

    @property
    def letters(self) -> str:
        """The stream of dead letters."""
        return f"{self.prefix}-dead"

    def letter(self, token: str) -> str:
        """Where a queue's dead letters are published."""
        return f"{self.prefix}.dead.{token}"

    @property
    def marks(self) -> str:
        """The stream of what is remembered of single deliveries."""
        return f"{self.prefix}-marks"

    def mark(self, kind: str, stream: str, sequence: int) -> str:
        """Where a mark of a delivery is published."""
        return f"{self.prefix}.mark.{kind}.{stream}.{sequence}"
