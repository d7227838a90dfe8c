"""A store written as a directory, and a store made of that directory: the same workspace."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
import trio
from hypothesis import HealthCheck, given, settings, strategies as st
from tests.workspace.directories import ENVIRON, Stores

from isthmus.abc import Runtime
from isthmus.functions import SettingDefinition, SettingType
from isthmus_server.store import (
    HTTP_API,
    WEBHOOKS,
    Draft,
    Page,
    ResourceType,
    Running,
    Secret,
    Store,
    Transaction,
)
from isthmus_server.workspace import (
    Exported,
    WorkspaceProblems,
    apply,
    export,
    read_workspace,
    write_export,
    write_secrets,
)
from isthmus_server.workspace.kept import Kept, kept_in
from isthmus_server.workspace.tomltext import toml_text

Runtimes = Mapping[str, Runtime]

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NAMES = TEXTS.filter(bool)
VALUES = {
    SettingType.STRING: TEXTS,
    SettingType.BOOLEAN: st.booleans(),
    SettingType.ARRAY: st.lists(TEXTS, max_size=2),
    SettingType.TEXT_MAP: st.dictionaries(
        TEXTS | st.sampled_from(["env", "file", "value"]), TEXTS, max_size=2
    ),
}


@st.composite
def settings_of_instances(draw: st.DrawFn) -> tuple[tuple[SettingDefinition, ...], dict[str, Any]]:
    """Definitions, and values that fit them."""
    definitions, values = [], {}
    for name in draw(st.lists(NAMES, max_size=3, unique=True)):
        type_ = draw(st.sampled_from(list(SettingType)))
        definitions.append(
            SettingDefinition(name=name, label=draw(TEXTS), type=type_, sensitive=draw(st.booleans()))
        )
        if draw(st.booleans()):
            value = draw(VALUES[type_])
            values[name] = Secret(value) if draw(st.booleans()) else value
    return tuple(definitions), values


def runnings(kind: ResourceType) -> st.SearchStrategy[Running]:
    """How functions of a kind may be run."""
    return st.builds(
        Running,
        isolation=st.sampled_from(["call", "instance"]),
        lenient=st.booleans(),
        pass_through=st.booleans(),
        capabilities=st.lists(st.sampled_from(["geo.lookup", "kv.get"]), unique=True).map(tuple),
        fan_out=st.booleans() if kind is ResourceType.INSERT_SOURCE else st.just(False),
    )


@st.composite
def workspaces(draw: st.DrawFn) -> Any:
    """What makes a workspace of some of everything, within a transaction."""
    kinds = draw(st.lists(st.sampled_from(list(ResourceType)), min_size=1, max_size=4))
    drafts = [
        (kind, draw(NAMES), draw(TEXTS), draw(TEXTS), draw(settings_of_instances()), draw(runnings(kind)))
        for kind in kinds
    ]
    slugs = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    names, enabled = draw(st.lists(NAMES, min_size=4, max_size=4)), draw(st.booleans())
    workspace = draw(NAMES), draw(NAMES)

    def make(tx: Transaction) -> None:
        tx.rename_workspace(name=workspace[0], slug=workspace[1])
        plain = [tx.sources.create(slug, HTTP_API, {}, enabled=enabled).id for slug in slugs]
        tx.sources.add_write_key(plain[0])
        tx.destinations.create(plain[0], WEBHOOKS, {"url": "https://example.com"}, enabled=True)
        inserts: list[str] = []
        for at, (kind, name, description, code, (definitions, values), running) in enumerate(drafts):
            draft = Draft(
                code=code, display_name=name, description=description, settings=definitions, running=running
            )
            function = tx.functions.create(kind, draft, language="javascript")
            if kind is ResourceType.SOURCE:
                source = tx.sources.create(f"of {at}", function.id, values, enabled=enabled, name=names[at])
                tx.functions.deploy(source.id)
            elif kind is ResourceType.DESTINATION:
                tx.destinations.create(plain[-1], function.id, values, enabled=enabled, name=names[at])
            elif kind is ResourceType.INSERT_SOURCE:
                insert = tx.inserts.create(function.id, plain[0], values, enabled=enabled, name=names[at])
                inserts.insert(0, insert.id)
            else:
                to = tx.destinations.create(plain[0], WEBHOOKS, {"url": "x"}, enabled=True, name=f"to {at}")
                tx.inserts.create(function.id, to.id, values, enabled=enabled)
        tx.inserts.arrange(inserts)

    return make


def plain(kept: Kept) -> dict[str, Any]:
    """A workspace without what a store adds of its own: times, versions, who made it."""
    own = {"created_at", "updated_at", "deployed_at", "latest", "deployed", "created_by", "revision"}
    there: dict[str, Any] = {}
    for kind in ("functions", "sources", "destinations", "inserts"):
        for one in getattr(kept, kind):
            fields = {name: getattr(one, name) for name in one.__struct_fields__ if name not in own}
            if kind == "sources":
                fields |= {"write_keys": set(one.write_keys), "runs": one.deployed is not None}
                fields |= {"inserts": [insert.id for insert in kept.inserts if insert.integration == one.id]}
            there[f"{kind} {one.id}"] = fields
    return there | {"name": kept.workspace.name, "slug": kept.workspace.slug}


async def exported_from(store: Store, runtimes: Runtimes) -> Exported:
    return await store.read(lambda tx: export(tx, runtimes))


@given(workspaces())
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
def test_an_export_makes_the_same_workspace_and_then_there_is_nothing_to_do(
    stores: Stores, runtimes: Runtimes, make: Any
) -> None:
    async def there_and_back() -> None:
        async with stores.open() as first, stores.open() as second:
            await first.write(make)
            exported = await exported_from(first, runtimes)
            with TemporaryDirectory() as place:
                write_export(exported, Path(place))
                desired = read_workspace(Path(place), runtimes, exported.secrets)
            for store in (first, second):
                done = await store.write(lambda tx: apply(tx, desired, prune=True))
                assert bool(done.changes) is (store is second), done.changes
            assert plain(await second.read(kept_in)) == plain(await first.read(kept_in))
            assert (await second.write(lambda tx: apply(tx, desired, prune=True))).changes == ()
            assert (await exported_from(second, runtimes)).secrets.keys() == exported.secrets.keys()

    trio.run(there_and_back)


async def test_no_secret_is_in_the_files(stores: Stores, directory: Path, runtimes: Runtimes) -> None:
    desired = read_workspace(directory, runtimes, ENVIRON)
    async with stores.open() as store:
        await store.write(lambda tx: apply(tx, desired, prune=False))
        exported = await exported_from(store, runtimes)
        hooks = next(one for one in (await store.read(kept_in)).sources if one.slug == "hooks")
    files = "\n".join(exported.files.values())
    assert all(secret not in files for secret in [*ENVIRON.values(), *exported.secrets.values()])
    assert exported.secrets["CRM_API_KEY"] == "s3cret-key"
    assert exported.secrets["WEB_WRITE_KEY"] == "web-write-key"
    assert exported.secrets["HOOKS_WEBHOOK_SECRET"] == hooks.webhook_secret
    assert "s3cret-key" not in repr(exported)
    assert exported.notes == ()
    assert exported.files["functions/mask/function.py"].startswith("def on_track")


async def test_what_runs_and_is_not_written_is_said(stores: Stores, runtimes: Runtimes) -> None:
    async with stores.open() as store:

        def make(tx: Transaction) -> None:
            draft = Draft(code="1", display_name="one")
            source = tx.functions.create(ResourceType.SOURCE, draft)
            tx.sources.create("slow", source.id, {}, enabled=True)
            function = tx.functions.create(ResourceType.DESTINATION, draft)
            tx.functions.update(function.id, Draft(code="2"))
            first = tx.functions.versions(function.id, Page())[0][-1]
            tx.functions.restore(function.id, first.id)

        await store.write(make)
        notes = (await exported_from(store, runtimes)).notes
    assert [note.partition(":")[0] for note in notes] == ["functions/one-2", "sources/slow.toml"]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    exported = Exported(files={"a/b.toml": "x\n"}, secrets={"A": "1"}, notes=())
    write_export(exported, tmp_path / "new")
    assert (tmp_path / "new/a/b.toml").read_text() == "x\n"
    with pytest.raises(WorkspaceProblems, match="has something in it already"):
        write_export(exported, tmp_path / "new")
    write_secrets(exported.secrets, tmp_path / "secrets.json")
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert msgspec.json.decode((tmp_path / "secrets.json").read_bytes()) == {"A": "1"}
    with pytest.raises(WorkspaceProblems, match="cannot be written"):
        write_secrets(exported.secrets, tmp_path / "secrets.json")


JSON_LIKE = st.recursive(
    TEXTS | st.booleans() | st.integers(-(2**53), 2**53),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(TEXTS, JSON_LIKE, max_size=4), st.dictionaries(TEXTS, JSON_LIKE, max_size=3))
def test_toml_is_read_as_it_was_written(values: dict[str, Any], table: dict[str, Any]) -> None:
    values.pop("t", None)
    read = msgspec.toml.decode(
        toml_text(values, {"t": table, "u": [table, {}]} if "u" not in values else {"t": table})
    )
    assert read == values | {"t": table} | ({} if "u" in values else {"u": [table, {}]})
