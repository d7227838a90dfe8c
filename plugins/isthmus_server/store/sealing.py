"""What is secret, encrypted before it reaches the storage: AES-256-GCM, each value bound to the place it is kept in.

A sealed value begins with a byte for its format and eight that name its key; the key itself is in a file or in the
environment, never beside what it seals.  Of several keys the first one seals and all of them open: that is how keys are
changed, see :meth:`isthmus_server.store.Store.reseal`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from pathlib import Path
from typing import Final, Self, final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .faults import StoreError

__all__ = ["KEY_VARIABLE", "KeyRing", "new_key"]

KEY_VARIABLE: Final = "ISTHMUS_STORE_KEYS"
"""Keys in the environment, as in a file: one each line, or parted by white space."""
KEY_BYTES: Final = 32
FORMAT: Final = b"\x01"
NAME_BYTES: Final = 8
NONCE_BYTES: Final = 12
FILE_BYTES: Final = 64 * 1024


def new_key() -> str:
    """A new key, as it is written in a file."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


@final
class KeyRing:
    """Keys, the first of which seals.

    Args:
        keys: of 32 bytes each.

    Raises:
        StoreError: there is none, or one of another length.
    """

    def __init__(self, *keys: bytes) -> None:
        if not keys:
            raise StoreError("no key to seal secrets with")
        if any(len(key) != KEY_BYTES for key in keys):
            raise StoreError(f"a key to seal secrets with has {KEY_BYTES} bytes, in URL-safe base64")
        self._ciphers = {_name(key): AESGCM(key) for key in keys}
        self._first = _name(keys[0])

    def __repr__(self) -> str:
        return f"<KeyRing of {len(self._ciphers)}>"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read keys, parted by white space; what follows a ``#`` in a line does not count.

        Raises:
            StoreError: there is none, or what is there is none; the text is not shown.
        """
        words = [word for line in text.splitlines() for word in line.partition("#")[0].split()]
        try:
            return cls(*(base64.b64decode(word, altchars=b"-_", validate=True) for word in words))
        except (binascii.Error, ValueError):
            raise StoreError(
                f"a key to seal secrets with is {KEY_BYTES} bytes in URL-safe base64, and one is not"
            ) from None

    @classmethod
    def from_file(cls, path: Path, *, make: bool = False) -> Self:
        """Read a file of keys; with ``make``, make one for its owner alone where there is none.

        Raises:
            StoreError: it can't be read, is open to others, or has no keys in it.
        """
        if make:
            _make(path)
        try:
            with path.open(encoding="ascii") as file:
                mode = os.fstat(file.fileno()).st_mode
                text = file.read(FILE_BYTES)
        except (OSError, UnicodeDecodeError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else "it is not text"
            raise StoreError(f"the keys in {path} can't be read: {reason}") from None
        if mode & 0o077:
            raise StoreError(f"the keys in {path} are open to others: chmod 600 {path}")
        return cls.from_text(text)

    @classmethod
    def found(cls, path: Path | None) -> Self:
        """The keys in the environment (``ISTHMUS_STORE_KEYS``), else those in a file, which is made where it is missing.

        Raises:
            StoreError: there are none, or they can't be read.
        """
        if given := os.environ.get(KEY_VARIABLE):
            return cls.from_text(given)
        if path is None:
            raise StoreError(f"no key to seal secrets with: set {KEY_VARIABLE}, or name a file of keys")
        return cls.from_file(path, make=True)

    def seal(self, plain: bytes, place: str) -> bytes:
        """Encrypt under the first key.

        Args:
            plain: the secret.
            place: where it will be kept; it opens nowhere else.
        """
        nonce = secrets.token_bytes(NONCE_BYTES)
        return FORMAT + self._first + nonce + self._ciphers[self._first].encrypt(nonce, plain, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """Decrypt, under whichever key it was sealed with.

        Raises:
            StoreError: the key is not here, or what is kept is not what was sealed for this place.
        """
        head = len(FORMAT) + NAME_BYTES
        cipher = self._ciphers.get(sealed[len(FORMAT) : head])
        if sealed[: len(FORMAT)] != FORMAT or cipher is None:
            raise StoreError(f"{place} is sealed under a key that is not among those given")
        try:
            return cipher.decrypt(
                sealed[head : head + NONCE_BYTES], sealed[head + NONCE_BYTES :], place.encode()
            )
        except (InvalidTag, ValueError):
            raise StoreError(f"{place} is damaged, or was moved there from another place") from None

    def is_current(self, sealed: bytes) -> bool:
        """Whether the first key sealed it."""
        return sealed.startswith(FORMAT + self._first)


def _name(key: bytes) -> bytes:
    return hashlib.sha256(b"isthmus store key\0" + key).digest()[:NAME_BYTES]


def _make(path: Path) -> None:
    """Make a file with one new key, whole or not at all, and never over one that is there."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(new_key() + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(part, path)
    except FileExistsError:
        pass  # another process was faster: its key counts
    finally:
        part.unlink()
