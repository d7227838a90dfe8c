"""Sources, their write keys and the secrets of their webhooks."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Final, final

import msgspec
from sqlalchemy import delete, select, update

from .catalog import model_of
from .faults import Conflict, NotFound
from .ids import new_secret, new_source_id
from .inserts import forget_inserts
from .instance_settings import EMPTY, put
from .places import source_settings, source_webhook
from .schema import destinations, sources, write_keys
from .values import Page, ResourceType, Source
from .webhooks import read_webhook
from .work import Work, fields_of

__all__ = ["Sources"]

CATEGORY: Final = "Sources"


@final
class Sources:
    """The sources of the workspace, within one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def create(
        self,
        slug: str,
        metadata_id: str,
        settings: Mapping[str, object],
        *,
        enabled: bool,
        name: str = "",
        id: str | None = None,  # noqa: A002 -- what it is called everywhere
        keys: Sequence[str] | None = None,
        webhook_secret: str | None = None,
    ) -> Source:
        """Make a source with one write key and a webhook.

        A source of a function does nothing before the function is deployed to it.

        Args:
            slug: one of a kind.
            metadata_id: class id of a source function, or id of a built-in source.
            settings: of its function.
            enabled: it takes events.
            name: the slug by default.
            id: its own where it has one already.
            keys: write keys that clients have already; by default one is made.
            webhook_secret: that senders have already; by default one is made.

        Raises:
            Dangling: the catalog has no such source.
            Conflict: another source has that slug, that id or one of those keys.
            Unfit: the settings are not what its function takes.
        """
        work = self._work
        model = model_of(work, metadata_id, ResourceType.SOURCE)
        self._check_slug(slug)
        source = Source(
            id=work.new_id(sources, id, new_source_id),
            slug=slug,
            name=name or slug,
            enabled=enabled,
            metadata_id=metadata_id,
            function=model.function,
            settings=put(model.settings, EMPTY, settings),
            write_keys=(new_secret(),) if keys is None else tuple(sorted(keys)),
            webhook_secret=webhook_secret or new_secret(),
            deployed=None,
            created_at=work.now,
            updated_at=work.now,
        )
        secret = work.seal(source.webhook_secret.encode(), source_webhook(source.id))
        work.add(sources, webhook_secret=secret, **self._row(source))
        for key in source.write_keys:
            self._add_key(source, key)
        work.note("Source Created", CATEGORY, source.id, source.name)
        work.touch()
        return source

    def get(self, id: str) -> Source:  # noqa: A002 -- what it is called everywhere
        """A source by its id.

        Raises:
            NotFound: there is none.
        """
        row = self._work.connection.execute(select(sources).where(sources.c.id == id)).mappings().first()
        if row is None:
            raise NotFound("Source", id)
        return self._value(fields_of(row))

    def page(self, page: Page) -> tuple[list[Source], int]:
        """Sources in the order in which they were made, and how many there are."""
        rows, total = self._work.page(sources, (), page)
        return [self._value(row) for row in rows], total

    def by_write_key(self, key: str) -> Source | None:
        """The source that a write key is of, or None."""
        row = self._work.connection.execute(
            select(write_keys.c.source).where(write_keys.c.key == key)
        ).first()
        return None if row is None else self.get(row.source)

    def by_webhook(self, token: str) -> Source | None:
        """The source whose webhook a token is for, or None; see :func:`isthmus_server.store.webhooks.read_webhook`."""
        if (read := read_webhook(token)) is None:
            return None
        id_, secret = read
        try:
            source = self.get(id_)
        except NotFound:
            return None
        return source if hmac.compare_digest(source.webhook_secret.encode(), secret.encode()) else None

    def update(
        self,
        id: str,  # noqa: A002 -- what it is called everywhere
        *,
        slug: str | None = None,
        name: str | None = None,
        enabled: bool | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> Source:
        """Change a source; what is None stays as it is.

        Raises:
            NotFound: there is none.
            Conflict: another source has that slug.
            Unfit: the settings are not what its function takes.
        """
        work, had = self._work, self.get(id)
        if slug is not None and slug != had.slug:
            self._check_slug(slug)
        changes: dict[str, Any] = {"slug": slug, "name": name, "enabled": enabled}
        if settings is not None:
            changes["settings"] = put(
                model_of(work, had.metadata_id, ResourceType.SOURCE).settings, had.settings, settings
            )
        given = {field: value for field, value in changes.items() if value is not None}
        source = msgspec.structs.replace(had, updated_at=work.now, **given)
        work.connection.execute(update(sources).where(sources.c.id == id).values(**self._row(source)))
        work.note("Source Modified", CATEGORY, id, source.name)
        work.touch()
        return source

    def add_write_key(self, id: str, key: str | None = None) -> str:  # noqa: A002 -- what it is called everywhere
        """Give a source one more write key.

        Args:
            id: the source's.
            key: that clients have already; by default one is made.

        Raises:
            NotFound: there is no such source.
            Conflict: a source has that key already.
        """
        work, source, key = self._work, self.get(id), key or new_secret()
        self._add_key(source, key)
        work.note("Source Write Key Created", CATEGORY, id, source.name)
        work.touch()
        return key

    def remove_write_key(self, id: str, key: str) -> None:  # noqa: A002 -- what it is called everywhere
        """Take a write key from a source.

        Raises:
            NotFound: there is no such source, or the key is not one of its.
        """
        work, source = self._work, self.get(id)
        if key not in source.write_keys:
            raise NotFound("Write key", "given")
        work.connection.execute(delete(write_keys).where(write_keys.c.key == key))
        work.note("Source Write Key Deleted", CATEGORY, id, source.name)
        work.touch()

    def set_webhook_secret(self, id: str, secret: str) -> None:  # noqa: A002 -- what it is called everywhere
        """Give a source's webhook another address, by the secret in it.

        Raises:
            NotFound: there is no such source.
        """
        work, source = self._work, self.get(id)
        sealed = work.seal(secret.encode(), source_webhook(id))
        work.connection.execute(
            update(sources).where(sources.c.id == id).values(webhook_secret=sealed, updated_at=work.now)
        )
        work.note("Source Webhook Changed", CATEGORY, id, source.name)
        work.touch()

    def delete(self, id: str) -> None:  # noqa: A002 -- what it is called everywhere
        """Delete a source with its destinations, and the insert instances of all of them.

        Raises:
            NotFound: there is none.
        """
        work, source = self._work, self.get(id)
        below = work.connection.execute(select(destinations.c.id).where(destinations.c.source == id))
        forget_inserts(work, [id, *(row.id for row in below)])
        work.connection.execute(delete(destinations).where(destinations.c.source == id))
        work.connection.execute(delete(write_keys).where(write_keys.c.source == id))
        work.connection.execute(delete(sources).where(sources.c.id == id))
        work.note("Source Deleted", CATEGORY, id, source.name)
        work.touch()

    def _add_key(self, source: Source, key: str) -> None:
        if self._work.connection.execute(select(write_keys.c.key).where(write_keys.c.key == key)).first():
            raise Conflict(f"A write key that is given to source {source.slug} is a source's already.")
        self._work.add(write_keys, key=key, source=source.id, created_at=self._work.now)

    def _check_slug(self, slug: str) -> None:
        if self._work.connection.execute(select(sources.c.id).where(sources.c.slug == slug)).first():
            raise Conflict(f'A source with the slug "{slug}" exists already.')

    def _row(self, source: Source) -> dict[str, Any]:
        """A source's columns, but for the secret of its webhook, which is written once."""
        fields = set(source.__struct_fields__) - {"settings", "write_keys", "webhook_secret"}
        row = {field: getattr(source, field) for field in fields}
        return row | {"settings": self._work.seal_settings(source.settings, source_settings(source.id))}

    def _value(self, row: dict[str, Any]) -> Source:
        work, id_ = self._work, row["id"]
        keys = work.connection.execute(
            select(write_keys.c.key)
            .where(write_keys.c.source == id_)
            .order_by(write_keys.c.created_at, write_keys.c.key)
        )
        return Source(
            **row
            | {
                "settings": work.open_settings(row["settings"], source_settings(id_)),
                "webhook_secret": work.open(row["webhook_secret"], source_webhook(id_)).decode(),
                "write_keys": tuple(found.key for found in keys),
            }
        )
