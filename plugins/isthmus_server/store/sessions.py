"""Sessions of people who look at the store in a browser: sealed under the store's key, and kept by the browser alone."""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import Final, final

import msgspec

from .faults import StoreError
from .places import SESSION
from .sealing import KeyRing

__all__ = ["Session", "Sessions"]

LONGEST: Final = 1024
"""Characters of a session that is looked at."""


@final
class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who has signed in.

    Attributes:
        id: tells it from others, of the same token as well.
        token: id of the token that was presented.
        proof: what a form of this session carries, so that no other page can have made it.
        ends: seconds since the epoch.
    """

    id: str
    token: str
    proof: str
    ends: float

    def __repr__(self) -> str:
        return f"Session(token={self.token!r}, ends={self.ends!r})"


_DECODER: Final = msgspec.json.Decoder(Session)


@final
class Sessions:
    """Begins sessions, and reads those that were begun; ending one before its time is its keeper's affair."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def begin(self, token: str, ends: float) -> tuple[Session, str]:
        """A new session, and the text to be kept by the browser.

        Args:
            token: id of a token.
            ends: seconds since the epoch.
        """
        session = Session(
            id=secrets.token_urlsafe(16), token=token, proof=secrets.token_urlsafe(32), ends=ends
        )
        sealed = self._keys.seal(msgspec.json.encode(session), SESSION)
        return session, base64.urlsafe_b64encode(sealed).decode()

    def read(self, text: str, now: float) -> Session | None:
        """The session that a browser presents; None where it is none, or its time is over.

        Args:
            text: as :meth:`begin` gave it.
            now: seconds since the epoch.
        """
        if len(text) > LONGEST:
            return None
        try:
            sealed = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
            session = _DECODER.decode(self._keys.open(sealed, SESSION))
        except (UnicodeEncodeError, binascii.Error, StoreError, msgspec.DecodeError):
            return None
        return session if now < session.ends else None
