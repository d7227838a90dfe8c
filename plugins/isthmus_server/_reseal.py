"""``isthmus reseal``: the keys that a store's secrets are sealed with, changed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, final

from isthmus.errors import EngineError

from ._storecommand import DONE, StoreCommand, add_data, say, wrapped

if TYPE_CHECKING:
    from .store import Store

__all__ = ["ResealCommand"]


@final
class ResealCommand(StoreCommand):
    """``isthmus reseal``."""

    name = "reseal"
    summary = "seal a store's secrets under its first key, or a new one"

    def parser(self) -> argparse.ArgumentParser:
        """The command's arguments."""
        from isthmus.commands import Parser

        parser = Parser(
            prog="isthmus reseal",
            usage="isthmus reseal --data DIRECTORY [options]",
            description=wrapped(
                "Seals everything that is secret in a store under the first of its keys: those in ISTHMUS_STORE_KEYS, or else "
                "in the data directory's store.keys. A service that runs has read its keys when it began: stop it first, or "
                "see that it was started with the new key among them."
            ),
            epilog="""
                examples:
                  isthmus reseal --data data --new-key --forget      a new key, and the old ones away
                  isthmus reseal --data postgresql://isthmus@db/isthmus

                exit status: 0 done, 1 it can't be done (nothing was sealed anew), 2 a wrong call
            """,
        )
        parser.add_argument(
            "--new-key", action="store_true", help="first make a key, and put it before those in store.keys"
        )
        parser.add_argument(
            "--forget",
            action="store_true",
            help="take the other keys out of store.keys once nothing needs them",
        )
        add_data(parser)
        return parser

    async def _run(self, arguments: argparse.Namespace) -> int:
        import trio

        if arguments.new_key:
            from .store.keyfiles import put_new_key

            await trio.to_thread.run_sync(put_new_key, _key_file(arguments))
        return await super()._run(arguments)

    async def _work(self, arguments: argparse.Namespace, store: Store) -> int:
        import trio

        sealed = await store.reseal()
        forgotten = 0
        if arguments.forget:
            from .store.keyfiles import forget_old_keys

            forgotten = await trio.to_thread.run_sync(forget_old_keys, _key_file(arguments))
        if arguments.json:
            import msgspec

            say(msgspec.json.encode({"sealed": sealed, "forgotten": forgotten}).decode())
        else:
            say(f"{sealed} values sealed anew" + (f", {forgotten} keys forgotten" if forgotten else ""))
        return DONE


def _key_file(arguments: argparse.Namespace) -> Path:
    import os

    from .store import KEY_VARIABLE
    from .store.opening import KEY_FILE

    path = Path(arguments.data) / KEY_FILE
    if os.environ.get(KEY_VARIABLE) or not path.is_file():
        raise EngineError(
            f"--new-key and --forget change the file store.keys of a data directory; keys in {KEY_VARIABLE} are changed there"
        )
    return path
