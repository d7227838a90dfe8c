"""What has to change in a store for it to be as a directory says.  Pure: values in, a plan out.

Ids are given to what is new when it is planned, so that each step knows everything it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar, final

from isthmus_server.store import (
    BUILT_IN,
    EMPTY,
    Destination,
    Draft,
    InsertInstance,
    ResourceType,
    SettingValues,
    Source,
    StoredFunction,
    Transaction,
    Unfit,
    function_id,
    new_class_id,
    new_hex_id,
    new_source_id,
    put,
)

from .changes import Action, Change, Field, Plan, Step, code_diff, fields_between, settings_between
from .desired import (
    Desired,
    DesiredDestination,
    DesiredFunction,
    DesiredInsert,
    DesiredSource,
    WorkspaceProblems,
)
from .kept import Kept

__all__ = ["plan_of"]

T = TypeVar("T", StoredFunction, Source, Destination, InsertInstance)


def plan_of(kept: Kept, desired: Desired, *, prune: bool) -> Plan:
    """Plan.

    Args:
        kept: what there is.
        desired: what there is to be.
        prune: delete what the directory does not have; else it stays, and the plan says so.

    Raises:
        WorkspaceProblems: what is to be can't be, with a line for each reason.
    """
    return _Planning(kept, desired, prune=prune).plan()


@final
class _Planning:
    def __init__(self, kept: Kept, desired: Desired, *, prune: bool) -> None:
        self._kept = kept
        self._desired = desired
        self._prune = prune
        self._problems: list[str] = []
        self._functions: dict[str, tuple[str, DesiredFunction]] = {}
        self._sources: dict[str, str] = {}
        self._destinations: dict[str, str] = {}
        self._named: dict[tuple[object, ...], str] = {}
        self._taken: set[str] = set()
        self._arranged: dict[str, list[str]] = {}
        self._versioned: set[str] = set()
        self._declared: set[str] = set()

    def plan(self) -> Plan:
        desired = self._desired
        for what, written in (
            ("functions", desired.functions),
            ("sources", desired.sources),
            ("destinations", desired.destinations),
            ("inserts", desired.inserts),
        ):
            self._check_once(what, written)
        steps = list(self._workspace())
        for function in desired.functions:
            steps += self._function(function)
        for source in desired.sources:
            steps += self._source(source)
        for destination in desired.destinations:
            steps += self._destination(destination)
        self._declared = {insert.id for insert in desired.inserts if insert.id is not None}
        for insert in sorted(desired.inserts, key=lambda one: (one.order, one.key)):
            steps += self._insert(insert)
        for key, id_ in self._sources.items():
            steps += self._order(key, id_)
        first, last = self._beyond()
        if self._problems:
            raise WorkspaceProblems(*self._problems)
        if not self._prune:
            left = [f"{step.change.kind} {step.change.name!r} ({step.change.id})" for step in first + last]
            return Plan(steps=tuple(steps), left=tuple(left))
        return Plan(steps=(*first, *steps, *last))

    # ------------------------------------------------------------ what is to be

    def _workspace(self) -> Iterable[Step]:
        had, desired = self._kept.workspace, self._desired
        name = had.name if desired.name is None else desired.name
        slug = had.slug if desired.slug is None else desired.slug
        fields = tuple(fields_between({"name": had.name, "slug": had.slug}, {"name": name, "slug": slug}))
        if fields:
            change = Change(action=Action.CHANGE, kind="workspace", name=name, id=had.id, fields=fields)
            yield Step(change, lambda tx: tx.rename_workspace(name=name, slug=slug))

    def _function(self, written: DesiredFunction) -> Iterable[Step]:
        had = self._find(
            written.where,
            written.id,
            self._kept.functions,
            lambda one: (one.resource_type, one.display_name),
            (written.resource_type, written.display_name),
        )
        new_id = had.id if had else written.id or new_class_id(written.resource_type)
        self._functions[written.key] = new_id, written
        fixed = ("resource_type", "language")
        if had and (other := [field for field in fixed if getattr(had, field) != getattr(written, field)]):
            field = other[0]
            self._problems.append(
                f"{written.where}: its {'kind' if field == 'resource_type' else field} is "
                f"{getattr(had, field)!s} in the store, and can't become {getattr(written, field)!s}"
            )
            return
        before = {field: getattr(had, field) for field in _TOLD} if had else {}
        after = {field: getattr(written, field) for field in _TOLD}
        code_before = had.code if had else ""
        if had and before == after and code_before == written.code:
            if had.resource_type is not ResourceType.SOURCE and had.deployed != had.latest:
                yield self._step(
                    Action.DEPLOY,
                    written,
                    new_id,
                    lambda tx: tx.functions.update(new_id, Draft(code=written.code)),
                )
            return
        changed = {field: value for field, value in after.items() if before.get(field, _NOTHING) != value}
        if not had or code_before != written.code:
            changed["code"] = written.code
        draft = Draft(**changed)
        if not had or changed.keys() & {"code", "settings"}:
            self._versioned.add(new_id)
        fields = tuple(fields_between(before, {name: value for name, value in after.items() if value or had}))
        diff = code_diff(code_before, written.code, written.where)
        if had:
            yield self._step(
                Action.CHANGE, written, new_id, lambda tx: tx.functions.update(new_id, draft), fields, diff
            )
        else:
            yield self._step(
                Action.CREATE,
                written,
                new_id,
                lambda tx: tx.functions.create(
                    written.resource_type, draft, language=written.language, id=new_id
                ),
                fields,
                diff,
            )

    def _step(
        self,
        action: Action,
        written: DesiredFunction,
        bare: str,
        carry_out: Callable[[Transaction], object],
        fields: tuple[Field, ...] = (),
        diff: str = "",
    ) -> Step:
        change = Change(
            action=action,
            kind="function",
            name=written.display_name,
            id=function_id(written.resource_type, bare),
            where=written.where,
            fields=fields,
            diff=diff,
        )
        return Step(change, carry_out)

    def _source(self, written: DesiredSource) -> Iterable[Step]:
        had = self._find(
            written.where, written.id, self._kept.sources, lambda one: (one.slug,), (written.slug,)
        )
        if had is None and (
            namesake := next((one for one in self._kept.sources if one.slug == written.slug), None)
        ):
            self._problems.append(
                f"{written.where}: the store has the source {written.slug} by the id {namesake.id}, not {written.id}"
            )
        new_id = had.id if had else written.id or new_source_id()
        self._sources[written.key] = new_id
        made_of = self._made_of(written, ResourceType.SOURCE, written.built_in)
        if made_of is None or (had and not self._same_model(written.where, had.metadata_id, made_of[0])):
            return
        metadata_id, definitions = made_of
        settings = self._settings(
            written.where, definitions, had.settings if had else EMPTY, written.settings
        )
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
            yield Step(told, change if had else create)
        if written.function and (
            not had or metadata_id in self._versioned or had.deployed != self._latest(metadata_id)
        ):
            told = Change(
                action=Action.DEPLOY, kind="source", name=written.slug, id=new_id, where=written.where
            )
            yield Step(told, lambda tx: tx.functions.deploy(new_id))

    def _latest(self, bare: str) -> str | None:
        return next((one.latest for one in self._kept.functions if one.id == bare), None)

    def _destination(self, written: DesiredDestination) -> Iterable[Step]:
        source = self._sources.get(written.source)
        if source is None:
            self._problems.append(f"{written.where}: source: there is no source {written.source!r}")
        made_of = self._made_of(written, ResourceType.DESTINATION, written.built_in)
        had = self._find(
            written.where,
            written.id,
            self._kept.destinations,
            lambda one: (one.source, one.name, one.metadata_id),
            (source, written.name, made_of and made_of[0]),
        )
        new_id = had.id if had else written.id or new_hex_id()
        self._destinations[written.key] = new_id
        if made_of is None or source is None:
            return
        if had and not (
            self._same_model(written.where, had.metadata_id, made_of[0])
            and self._same(written.where, "source", had.source, source)
        ):
            return
        metadata_id, definitions = made_of
        settings = self._settings(
            written.where, definitions, had.settings if had else EMPTY, written.settings
        )
        if settings is None:
            return
        before = {"name": had.name, "enabled": had.enabled} if had else {}
        fields = (
            *fields_between(before, {"name": written.name, "enabled": written.enabled}),
            *settings_between(had.settings if had else EMPTY, settings, written.settings),
        )
        if had and not fields:
            return

        def create(tx: Transaction) -> None:
            tx.destinations.create(
                source,
                metadata_id,
                written.settings,
                enabled=written.enabled,
                name=written.name,
                id=new_id,
            )

        def change(tx: Transaction) -> None:
            tx.destinations.update(
                new_id, name=written.name, enabled=written.enabled, settings=written.settings
            )

        told = Change(
            action=Action.CHANGE if had else Action.CREATE,
            kind="destination",
            name=written.name,
            id=new_id,
            where=written.where,
            fields=fields,
        )
        yield Step(told, change if had else create)

    def _insert(self, written: DesiredInsert) -> Iterable[Step]:
        kind = ResourceType.INSERT_SOURCE if written.source else ResourceType.INSERT_DESTINATION
        folder, key = ("sources", written.source) if written.source else ("destinations", written.destination)
        integration = (self._sources if written.source else self._destinations).get(key)
        if integration is None:
            self._problems.append(f"{written.where}: there is no {folder[:-1]} {key!r}")
        made_of = self._made_of(written, kind, "")
        had = self._find(
            written.where,
            written.id,
            self._kept.inserts,
            lambda one: (one.function, one.integration, one.name),
            (made_of and made_of[0], integration, written.name),
        )
        if made_of is None or integration is None:
            return
        if had and not (
            self._same_model(written.where, had.function, made_of[0])
            and self._same(written.where, folder[:-1], had.integration, integration)
        ):
            return
        occupied = [
            one
            for one in self._kept.inserts
            if one.integration == integration and not (self._prune and one.id not in self._declared)
        ]
        if had is None and written.destination and occupied:
            self._problems.append(
                f"{written.where}: the destination has the insert {occupied[0].id} already, which --prune deletes "
                "where no file has it"
            )
        function, definitions = made_of
        new_id = had.id if had else written.id or new_hex_id()
        self._arranged.setdefault(integration, []).append(new_id)
        settings = self._settings(
            written.where, definitions, had.settings if had else EMPTY, written.settings
        )
        if settings is None:
            return
        before = {"name": had.name, "enabled": had.enabled} if had else {}
        name = had.name if had and written.name is None else written.name
        fields = (
            *fields_between(before, {"name": name, "enabled": written.enabled}),
            *settings_between(had.settings if had else EMPTY, settings, written.settings),
        )
        if had and not fields:
            return

        def create(tx: Transaction) -> None:
            tx.inserts.create(
                function,
                integration,
                written.settings,
                enabled=written.enabled,
                name=written.name,
                id=new_id,
            )

        def change(tx: Transaction) -> None:
            tx.inserts.update(new_id, written.settings, enabled=written.enabled, name=written.name)

        told = Change(
            action=Action.CHANGE if had else Action.CREATE,
            kind="insert",
            name=written.name or written.key,
            id=new_id,
            where=written.where,
            fields=fields,
        )
        yield Step(told, change if had else create)

    def _order(self, key: str, source: str) -> Iterable[Step]:
        """See that events pass the inserts of a source in the order of their files."""
        wanted = self._arranged.get(source, [])
        there = [one.id for one in self._kept.inserts if one.integration == source]
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

    # ------------------------------------------------------------ what is there beyond

    def _beyond(self) -> tuple[list[Step], list[Step]]:
        """What takes away what the directory does not have: before all else, and after it."""
        kept = self._kept
        first = [
            *(
                _deletion("insert", one.name or one.id, one.id, tx_delete=_delete_insert)
                for one in kept.inserts
                if one.id not in self._taken
            ),
            *(
                _deletion("destination", one.name, one.id, tx_delete=_delete_destination)
                for one in kept.destinations
                if one.id not in self._taken
            ),
            *(
                _deletion("source", one.slug, one.id, tx_delete=_delete_source)
                for one in kept.sources
                if one.id not in self._taken
            ),
        ]
        last = [
            _deletion(
                "function",
                one.display_name,
                function_id(one.resource_type, one.id),
                tx_delete=_delete_function,
            )
            for one in kept.functions
            if one.id not in self._taken
        ]
        return first, last

    # ------------------------------------------------------------ finding and checking

    def _find(
        self,
        where: str,
        id_: str | None,
        kept: Sequence[T],
        identity_of: Callable[[T], tuple[object, ...]],
        identity: tuple[object, ...],
    ) -> T | None:
        """What a file is about: by its id, or by its name where it has none."""
        if id_ is None and (other := self._named.setdefault(identity, where)) != where:
            self._problems.append(f"{where}: {other} is of the same name; give both an id, or another name")
        found = [one for one in kept if (one.id == id_ if id_ is not None else identity_of(one) == identity)]
        if len(found) > 1:
            ids = ", ".join(one.id for one in found)
            self._problems.append(f"{where}: the store has several of that name; give an id: {ids}")
        if not found:
            return None
        if found[0].id in self._taken:
            self._problems.append(f"{where}: another file is about the same thing, {found[0].id}")
        self._taken.add(found[0].id)
        return found[0]

    def _check_once(self, what: str, written: Iterable[Any]) -> None:
        ids: dict[str, str] = {}
        for one in written:
            if one.id is not None and ids.setdefault(one.id, one.where) != one.where:
                self._problems.append(f"{one.where}: {ids[one.id]} has the same id, {one.id}")
        slugs: dict[str, str] = {}
        for one in written if what == "sources" else ():
            if slugs.setdefault(one.slug, one.where) != one.where:
                self._problems.append(f"{one.where}: {slugs[one.slug]} has the same slug, {one.slug}")

    def _made_of(
        self, written: DesiredSource | DesiredDestination | DesiredInsert, kind: ResourceType, built_in: str
    ) -> tuple[str, Any] | None:
        """The id of what an instance is of, and the definitions of its settings."""
        if built_in:
            return built_in, next(entry.settings for entry in BUILT_IN if entry.id == built_in)
        found = self._functions.get(written.function)
        if found is None:
            self._problems.append(f"{written.where}: function: there is no function {written.function!r}")
            return None
        if found[1].resource_type is not kind:
            self._problems.append(
                f"{written.where}: function: expected one of kind {kind.kind.value}, and "
                f"{written.function} is of kind {found[1].resource_type.kind.value}"
            )
            return None
        return found[0], found[1].settings

    def _settings(
        self, where: str, definitions: Any, had: SettingValues, given: Mapping[str, object]
    ) -> SettingValues | None:
        try:
            return put(definitions, had, given)
        except Unfit as exc:
            self._problems += [f"{where}: {problem.field}: {problem.message}" for problem in exc.problems]
            return None

    def _same_model(self, where: str, had: str, has: str) -> bool:
        return self._same(where, "function", had, has)

    def _same(self, where: str, field: str, had: str, has: str) -> bool:
        if had != has:
            self._problems.append(
                f"{where}: its {field} is {had} in the store, and can't become {has}; "
                "leave out the id to have another one made"
            )
        return had == has


_NOTHING: Final = object()
_TOLD: Final = ("display_name", "description", "logo_url", "settings")
"""Fields of a function that are shown as they are; its code is shown as a diff."""


def _deletion(kind: str, name: str, id_: str, *, tx_delete: Callable[[Transaction, str], None]) -> Step:
    change = Change(action=Action.DELETE, kind=kind, name=name, id=id_)
    return Step(change, lambda tx: tx_delete(tx, id_))


def _delete_insert(tx: Transaction, id_: str) -> None:
    tx.inserts.delete(id_)


def _delete_destination(tx: Transaction, id_: str) -> None:
    tx.destinations.delete(id_)


def _delete_source(tx: Transaction, id_: str) -> None:
    tx.sources.delete(id_)


def _delete_function(tx: Transaction, id_: str) -> None:
    tx.functions.delete(id_)
