"""Tokens of the API: kept as keyed digests, so that who reads the storage can call nobody's API."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Final, final

import msgspec
from sqlalchemy import select, update

from isthmus.errors import EngineError

from .faults import NotFound
from .ids import new_source_id
from .places import TOKEN_KEY
from .schema import tokens, workspaces
from .values import Grant, Page, Token
from .work import Work

__all__ = ["Tokens"]

CATEGORY: Final = "Tokens"
LONGEST: Final = 512
"""Characters of a token that is looked at."""


@final
class Tokens:
    """The tokens of the workspace, within one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def create(self, name: str, grants: Iterable[Grant], *, token: str | None = None) -> tuple[Token, str]:
        """Make a token.

        Args:
            name: what it is for.
            grants: what it may do.
            token: the token itself, for those whose clients have one already; by default 48 random bytes.

        Returns:
            what is kept of it, and the token, which can't be had again.

        Raises:
            EngineError: the token given is empty, too long, not printable ASCII, or taken.
        """
        work = self._work
        plain = f"sgp_{secrets.token_urlsafe(48)}" if token is None else token
        if not 1 <= len(plain) <= LONGEST or not plain.isascii() or not plain.isprintable() or " " in plain:
            raise EngineError(f"a token has 1 to {LONGEST} printable ASCII characters without white space")
        if self.bearer(plain) is not None:
            raise EngineError("that token is in use already")
        kept = Token(
            id=new_source_id(), name=name, grants=tuple(grants), created_at=work.now, revoked_at=None
        )
        work.add(tokens, digest=self._digest(plain), **msgspec.to_builtins(kept))
        work.note("Token Created", CATEGORY, kept.id, name)
        return kept, plain

    def bearer(self, token: str) -> Token | None:
        """What is kept of a token that is presented, or None where nothing is, or it was revoked."""
        if not token or len(token) > LONGEST or not token.isascii():
            return None
        return self._work.one(
            tokens, Token, (tokens.c.digest == self._digest(token)) & tokens.c.revoked_at.is_(None)
        )

    def active(self, id: str) -> Token | None:  # noqa: A002 -- what it is called everywhere
        """What is kept of a token, or None where there is none, or it was revoked."""
        return self._work.one(tokens, Token, (tokens.c.id == id) & tokens.c.revoked_at.is_(None))

    def page(self, page: Page) -> tuple[list[Token], int]:
        """Tokens in the order in which they were made, revoked ones as well, and how many there are."""
        rows, total = self._work.page(tokens, (), page)
        return msgspec.convert(rows, list[Token]), total

    def revoke(self, id: str) -> None:  # noqa: A002 -- what it is called everywhere
        """Refuse a token from now on.

        Raises:
            NotFound: there is none, or it was revoked before.
        """
        work = self._work
        found = work.one(tokens, Token, (tokens.c.id == id) & tokens.c.revoked_at.is_(None))
        if found is None:
            raise NotFound("Token", id)
        work.connection.execute(update(tokens).where(tokens.c.id == id).values(revoked_at=work.now))
        work.note("Token Revoked", CATEGORY, id, found.name)

    def _digest(self, token: str) -> bytes:
        sealed = self._work.connection.execute(select(workspaces.c.token_key)).scalar_one()
        return hmac.digest(self._work.open(sealed, TOKEN_KEY), token.encode(), hashlib.sha256)
