"""What has to change about sources.  Pure."""

from __future__ import annotations

from collections.abc import Iterable

from isthmus_server.store import (
    EMPTY,
    ResourceType,
    Transaction,
    new_source_id,
)

from .changes import Action, Change, Field, Step, fields_between, settings_between
from .desired import (
    DesiredSource,
)
from .matching import Matching

__all__ = ["order_steps", "source_steps"]


def source_steps(matching: Matching, written: DesiredSource) -> Iterable[Step]:
    had = matching.find(
        written.where, written.id, matching.kept.sources, lambda one: (one.slug,), (written.slug,)
    )
    if had is None and (
        namesake := next((one for one in matching.kept.sources if one.slug == written.slug), None)
    ):
        matching.problems.append(
            f"{written.where}: the store has the source {written.slug} by the id {namesake.id}, not {written.id}"
        )
    new_id = had.id if had else written.id or new_source_id()
    matching.sources[written.key] = new_id
    made_of = matching.made_of(written, ResourceType.SOURCE, written.built_in)
    if made_of is None or (had and not matching.same(written.where, "function", had.metadata_id, made_of[0])):
        return
    metadata_id, definitions = made_of
    settings = matching.settings(written.where, definitions, had.settings if had else EMPTY, written.settings)
    if settings is None:
        return
    plain = ("slug", "name", "enabled")
    before = {field: getattr(had, field) for field in plain} if had else {}
    after = {field: getattr(written, field) for field in plain}
    fields = [
        *fields_between(before, after),
        *settings_between(had.settings if had else EMPTY, settings, written.settings),
    ]
    keys_change = written.write_keys is not None and (
        not had or set(had.write_keys) != set(written.write_keys)
    )
    secret_changes = written.webhook_secret is not None and (
        not had or had.webhook_secret != written.webhook_secret
    )
    fields += [Field(name="write_keys", secret=True)] if keys_change else []
    fields += [Field(name="webhook_secret", secret=True)] if secret_changes else []

    def create(tx: Transaction) -> None:
        tx.sources.create(
            written.slug,
            metadata_id,
            written.settings,
            enabled=written.enabled,
            name=written.name,
            id=new_id,
            keys=written.write_keys,
            webhook_secret=written.webhook_secret,
        )

    def change(tx: Transaction) -> None:
        tx.sources.update(
            new_id,
            slug=written.slug,
            name=written.name,
            enabled=written.enabled,
            settings=written.settings,
        )
        kept = set(had.write_keys) if had else set()
        for key in sorted(set(written.write_keys or ()) - kept):
            tx.sources.add_write_key(new_id, key)
        for key in sorted(kept - set(written.write_keys)) if written.write_keys is not None else ():
            tx.sources.remove_write_key(new_id, key)
        if secret_changes and written.webhook_secret is not None:
            tx.sources.set_webhook_secret(new_id, written.webhook_secret)

    if fields or not had:
        action = Action.CHANGE if had else Action.CREATE
        told = Change(
            action=action,
            kind="source",
            name=written.slug,
            id=new_id,
            where=written.where,
            fields=tuple(fields),
        )
        yield Step(told, change if had else create, invents=not (had or written.id))
    if written.function and (
        not had or metadata_id in matching.versioned or had.deployed != _latest(matching, metadata_id)
    ):
        told = Change(action=Action.DEPLOY, kind="source", name=written.slug, id=new_id, where=written.where)
        yield Step(told, lambda tx: tx.functions.deploy(new_id), invents=not (had or written.id))


def order_steps(matching: Matching, key: str, source: str) -> Iterable[Step]:
    """See that events pass the inserts of a source in the order of their files."""
    wanted = matching.arranged.get(source, [])
    there = [one.id for one in matching.kept.inserts if one.integration == source]
    before = [id_ for id_ in there if id_ in wanted]
    new = [id_ for id_ in wanted if id_ not in before]
    if before + new == wanted and len(new) < 2:
        return
    field = Field(
        name="inserts",
        before=", ".join(before) or None,
        after=", ".join(wanted),
    )
    told = Change(action=Action.CHANGE, kind="source", name=key, id=source, fields=(field,))
    yield Step(told, lambda tx: tx.inserts.arrange(wanted))


def _latest(matching: Matching, bare: str) -> str | None:
    return next((one.latest for one in matching.kept.functions if one.id == bare), None)
