"""``isthmus tokens``: who may call the API of a service over a store."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Final, final

from isthmus.errors import EngineError

from ._storecommand import DONE, StoreCommand, add_data, say, wrapped

if TYPE_CHECKING:
    from .store import Store, Token, Transaction

__all__ = ["TokensCommand"]

_ROLES: Final = {
    "owner": "Workspace Owner",
    "functions-admin": "Functions Admin",
    "functions-read-only": "Functions Read-only",
    "source-admin": "Source Admin",
}


@final
class TokensCommand(StoreCommand):
    """``isthmus tokens``."""

    name = "tokens"
    summary = "tokens of a store's API: create, list, revoke"

    def parser(self) -> argparse.ArgumentParser:
        """The command's arguments."""
        from isthmus.commands import Parser

        parser = Parser(
            prog="isthmus tokens",
            usage="isthmus tokens ACTION [NAME or ID] --data DIRECTORY [options]",
            description=wrapped(
                "Makes, lists and revokes the tokens with which Segment's Public API of `isthmus serve` is called. A token is "
                "printed once, when it is made: the store keeps a digest of it. A service that runs knows of a change at once."
            ),
            epilog="""
                examples:
                  isthmus tokens create ci --role functions-admin --data data
                  isthmus tokens create crm-team --role functions-admin --function dfn_6380a7 --data data
                  isthmus tokens list --data data
                  isthmus tokens revoke 2RYxcAUsG7D4H2wMdmzaJq --data data

                exit status: 0 done, 1 it can't be done, 2 a wrong call
            """,
        )
        parser.add_argument(
            "action", metavar="ACTION", choices=["create", "list", "revoke"], help="create, list or revoke"
        )
        parser.add_argument(
            "whose", metavar="NAME", nargs="?", help="what a new token is for; of one to revoke, its id"
        )
        parser.add_argument(
            "--role",
            choices=list(_ROLES),
            action="append",
            help=f"of a new token, may be repeated: {', '.join(_ROLES)}",
        )
        parser.add_argument(
            "--function",
            metavar="ID",
            action="append",
            default=[],
            help="its Functions roles are over this one, may be repeated (default: over all)",
        )
        add_data(parser)
        return parser

    async def _work(self, arguments: argparse.Namespace, store: Store) -> int:
        if (arguments.action == "list") == bool(arguments.whose):
            raise EngineError("create takes the new token's name, revoke an id, and list neither")
        if arguments.action != "create" and (arguments.role or arguments.function):
            raise EngineError("--role and --function are of a new token")
        if arguments.action == "create":
            await _create(arguments, store)
        elif arguments.action == "list":
            await _list(arguments, store)
        else:
            await store.write(lambda tx: tx.tokens.revoke(arguments.whose))
            _told({"revoked": arguments.whose}, f"revoked {arguments.whose}", as_json=arguments.json)
        return DONE


_SCOPED: Final = ("Functions Admin", "Functions Read-only")
"""Roles that may be over some functions alone."""


async def _create(arguments: argparse.Namespace, store: Store) -> None:
    from .store import Grant, Role, class_id

    if not arguments.role:
        raise EngineError(f"say what it may do: --role {'|'.join(_ROLES)}")
    roles = [Role(_ROLES[name]) for name in dict.fromkeys(arguments.role)]
    if arguments.function and not any(role in _SCOPED for role in roles):
        raise EngineError("--function narrows a Functions role, and the token has none")

    def create(tx: Transaction) -> tuple[Token, str]:
        over = tuple(class_id(tx.functions.get(given).id) for given in arguments.function)
        grants = [Grant(role, over if role in _SCOPED else ()) for role in roles]
        return tx.tokens.create(arguments.whose, grants)

    kept, token = await store.write(create)
    _told(_shown(kept) | {"token": token}, token, as_json=arguments.json)


async def _list(arguments: argparse.Namespace, store: Store) -> None:
    tokens = await store.read(_all_tokens)
    lines = []
    for token in tokens:
        fields = _shown(token)
        roles = ", ".join(
            f"{grant['role']}{' of ' + ', '.join(grant['functions']) if grant['functions'] else ''}"
            for grant in fields["grants"]
        )
        lines.append(f"{token.id}  {fields['createdAt']}  {token.name}  {roles}{_end(fields)}")
    _told({"tokens": [_shown(token) for token in tokens]}, *lines, as_json=arguments.json)


def _all_tokens(tx: Transaction) -> list[Token]:
    from .store import Page

    tokens: list[Token] = []
    while True:
        some, total = tx.tokens.page(Page(len(tokens), 1000))
        tokens += some
        if not some or len(tokens) >= total:
            return tokens


def _end(fields: dict[str, Any]) -> str:
    return f"  revoked {fields['revokedAt']}" if fields["revokedAt"] else ""


def _shown(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "grants": [{"role": grant.role.value, "functions": list(grant.functions)} for grant in token.grants],
        "createdAt": _moment(token.created_at),
        "revokedAt": None if token.revoked_at is None else _moment(token.revoked_at),
    }


def _moment(at: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _told(told: dict[str, Any], *lines: str, as_json: bool) -> None:
    if as_json:
        import msgspec

        lines = (msgspec.json.encode(told).decode(),)
    for line in lines:
        say(line)
