"""What has to change about sources.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from isthmus_server.store import EMPTY, ResourceType, Source, Transaction, new_source_id

from .changes import Action, Change, Field, Step, fields_between, settings_between
from .desired import DesiredSource
from .matching import Matching

__all__ = ["order_steps", "source_steps"]


def source_steps(matching: Matching, written: DesiredSource) -> Iterable[Step]:
    """See that there is a source as a file says, and that it runs the newest version of its function."""
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
        carry_out = _change(written, had) if had else _creation(written, new_id, metadata_id)
        yield Step(told, carry_out, invents=not (had or written.id))
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
        before=", ".join(matching.names[id_] for id_ in before) or None,
        after=", ".join(matching.names[id_] for id_ in wanted),
    )
    told = Change(action=Action.CHANGE, kind="source", name=key, id=source, fields=(field,))
    is_new = all(one.id != source for one in matching.kept.sources)
    yield Step(told, lambda tx: tx.inserts.arrange(wanted), invents=is_new)


def _creation(written: DesiredSource, id_: str, metadata_id: str) -> Callable[[Transaction], object]:
    return lambda tx: tx.sources.create(
        written.slug,
        metadata_id,
        written.settings,
        enabled=written.enabled,
        name=written.name,
        id=id_,
        keys=written.write_keys,
        webhook_secret=written.webhook_secret,
    )


def _change(written: DesiredSource, had: Source) -> Callable[[Transaction], object]:
    def carry_out(tx: Transaction) -> None:
        tx.sources.update(
            had.id,
            slug=written.slug,
            name=written.name,
            enabled=written.enabled,
            settings=written.settings,
        )
        kept = set(had.write_keys)
        wanted = kept if written.write_keys is None else set(written.write_keys)
        for key in sorted(wanted - kept):
            tx.sources.add_write_key(had.id, key)
        for key in sorted(kept - wanted):
            tx.sources.remove_write_key(had.id, key)
        if written.webhook_secret not in {None, had.webhook_secret}:
            tx.sources.set_webhook_secret(had.id, written.webhook_secret or "")

    return carry_out


def _latest(matching: Matching, bare: str) -> str | None:
    return next((one.latest for one in matching.kept.functions if one.id == bare), None)
