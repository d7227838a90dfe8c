"""A directory applied to a store: what is there afterwards, and what a second time does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from tests.workspace.directories import ENVIRON, SAMPLE, Stores, write

from isthmus.abc import Runtime
from isthmus_server.store import Page, Refused, ResourceType, Store
from isthmus_server.workspace import (
    Action,
    Plan,
    WorkspaceProblems,
    apply,
    plan,
    read_workspace,
)
from isthmus_server.workspace.kept import Kept, kept_in
from isthmus_server.workspace.telling import told_lines

Runtimes = Mapping[str, Runtime]


async def applied(store: Store, root: Path, runtimes: Runtimes, *, prune: bool = False) -> Plan:
    desired = read_workspace(root, runtimes, ENVIRON)
    return await store.write(lambda tx: apply(tx, desired, prune=prune))


async def planned(store: Store, root: Path, runtimes: Runtimes, *, prune: bool = False) -> Plan:
    desired = read_workspace(root, runtimes, ENVIRON)
    return await store.read(lambda tx: plan(tx, desired, prune=prune))


async def kept(store: Store) -> Kept:
    """What there is; destinations by their names, as what one transaction made has one time."""
    there = await store.read(kept_in)
    return msgspec.structs.replace(
        there, destinations=tuple(sorted(there.destinations, key=lambda one: one.name))
    )


def done(plan: Plan) -> list[tuple[str, str, str]]:
    return [(change.action.value, change.kind, change.name) for change in plan.changes]


async def test_all_of_a_directory_is_in_the_store(
    stores: Stores, directory: Path, runtimes: Runtimes
) -> None:
    async with stores.open() as store:
        await applied(store, directory, runtimes)
        there = await kept(store)
        assert (there.workspace.name, there.workspace.slug) == ("Acme", "acme")
        functions = {one.display_name: one for one in there.functions}
        assert {name: one.resource_type for name, one in functions.items()} == {
            "hooks": ResourceType.SOURCE,
            "My CRM": ResourceType.DESTINATION,
            "mask": ResourceType.INSERT_DESTINATION,
            "tag": ResourceType.INSERT_SOURCE,
        }
        assert functions["My CRM"].code == SAMPLE["functions/crm/function.js"]
        assert functions["mask"].language == "python"
        sources = {one.slug: one for one in there.sources}
        assert sources["web"].write_keys == ("web-write-key",)
        assert sources["hooks"].deployed == functions["hooks"].latest
        crm, post = there.destinations
        assert crm.settings.values == {"apiKey": "s3cret-key", "region": "eu"}
        assert crm.settings.secret == {"apiKey"}
        assert (post.enabled, post.settings.values["headers"]) == (False, {"X-Of": "acme"})
        assert {one.integration for one in there.inserts} == {crm.id, sources["web"].id}
        ran = await store.snapshot()
        assert {one.source.slug for one in ran.sources} == {"web", "hooks"}


async def test_a_second_time_nothing_is_done(stores: Stores, directory: Path, runtimes: Runtimes) -> None:
    async with stores.open() as store:
        first = await applied(store, directory, runtimes)
        assert first.changes
        before = await kept(store)
        assert (await applied(store, directory, runtimes)).changes == ()
        assert await kept(store) == before  # its revision as well


async def test_a_plan_says_what_applying_does_and_does_nothing(
    stores: Stores, directory: Path, runtimes: Runtimes
) -> None:
    async with stores.open() as store:
        before = await kept(store)
        told = await planned(store, directory, runtimes)
        assert await kept(store) == before
        assert {change.id for change in told.changes if change.action is Action.CREATE} == {""}
        assert done(told) == done(await applied(store, directory, runtimes))
        assert done(told)[:3] == [
            ("change", "workspace", "Acme"),
            ("create", "function", "My CRM"),
            ("create", "function", "hooks"),
        ]
        assert ("deploy", "source", "hooks") in done(told)


async def test_new_code_is_a_diff_and_runs(stores: Stores, directory: Path, runtimes: Runtimes) -> None:
    async with stores.open() as store:
        await applied(store, directory, runtimes)
        write(
            directory,
            {
                "functions/crm/function.js": "async function onTrack() {\n  return 2\n}\n",
                "functions/hooks/function.js": "function onRequest() { return 1 }\n",
            },
        )
        told = await applied(store, directory, runtimes)
        assert done(told) == [
            ("change", "function", "My CRM"),
            ("change", "function", "hooks"),
            ("deploy", "source", "hooks"),
        ]
        assert "-  return 1\n+  return 2\n" in told.changes[0].diff
        assert told.changes[0].fields == ()
        there = await kept(store)
        for function in there.functions:
            assert function.deployed == function.latest
        assert [one.deployed for one in there.sources if one.function] == [
            one.latest for one in there.functions if one.resource_type is ResourceType.SOURCE
        ]
        crm = next(one for one in there.functions if one.display_name == "My CRM")
        versions, count = await store.read(lambda tx: tx.functions.versions(crm.id, Page()))
        assert (count, versions[0].is_deployed) == (2, True)


async def test_how_a_function_is_run_is_kept_with_its_versions(
    stores: Stores, directory: Path, runtimes: Runtimes
) -> None:
    async with stores.open() as store:
        await applied(store, directory, runtimes)
        manifest = (
            'kind = "source_insert"\nfan_out = true\nisolation = "instance"\ncapabilities = ["geo.lookup"]\n'
        )
        write(directory, {"functions/tag/function.toml": manifest})
        told = await applied(store, directory, runtimes)
        assert done(told) == [("change", "function", "tag")]
        assert [field.name for field in told.changes[0].fields] == ["running"]
        snapshot = await store.snapshot()
        (tag,) = (found.function for found in snapshot.runnables if found.function.name == "tag")
        assert (tag.fan_out, tag.isolation, tag.capabilities) == (True, "instance", ("geo.lookup",))
        assert not tag.lenient
        there = await kept(store)
        function = next(one for one in there.functions if one.display_name == "tag")
        versions, _ = await store.read(lambda tx: tx.functions.versions(function.id, Page()))
        assert [version.running.fan_out for version in versions] == [True, False]
        assert (await planned(store, directory, runtimes)).changes == ()


async def test_no_secret_is_shown(stores: Stores, directory: Path, runtimes: Runtimes) -> None:
    async with stores.open() as store:
        first = await applied(store, directory, runtimes)
        write(
            directory,
            {
                "destinations/crm.toml": SAMPLE["destinations/crm.toml"]
                .replace("CRM_KEY", "URL")
                .replace('"eu"', '{ env = "WEB_KEY" }')
            },
        )
        second = await applied(store, directory, runtimes)
        assert {field.name: field.secret for field in second.changes[0].fields} == {
            "settings.apiKey": True,
            "settings.region": True,  # what is referred to is secret whatever its definition says
        }
        crm = next(one for one in (await kept(store)).destinations if one.name == "crm")
        assert crm.settings.secret == {"apiKey", "region"}
        for told in (first, second):
            text = msgspec.json.encode(told.changes).decode() + "\n".join(told_lines(told, ()))
            assert all(secret not in text for secret in ENVIRON.values())
        assert (await applied(store, directory, runtimes)).changes == ()


async def test_a_secret_that_is_not_mentioned_stays(
    stores: Stores, directory: Path, runtimes: Runtimes
) -> None:
    async with stores.open() as store:
        await applied(store, directory, runtimes)
        write(
            directory,
            {
                "destinations/crm.toml": 'source = "web"\nfunction = "crm"\n[settings]\nregion = "us"\n',
                "sources/web.toml": "",
            },
        )
        told = await applied(store, directory, runtimes)
        (field,) = told.changes[0].fields
        assert (field.name, field.before, field.after) == ("settings.region", '"eu"', '"us"')
        there = await kept(store)
        assert there.destinations[0].settings.values == {"apiKey": "s3cret-key", "region": "us"}
        assert next(one for one in there.sources if one.slug == "web").write_keys == ("web-write-key",)


async def test_what_the_directory_has_not_goes_only_with_prune(
    stores: Stores, directory: Path, runtimes: Runtimes
) -> None:
    async with stores.open() as store:
        await applied(store, directory, runtimes)
        for name in ("inserts/mask.toml", "destinations/crm.toml", "functions/mask/function.toml"):
            (directory / name).unlink()
        told = await applied(store, directory, runtimes)
        assert (told.changes, len(told.left)) == ((), 3)
        told = await applied(store, directory, runtimes, prune=True)
        assert done(told) == [
            ("delete", "insert", told.changes[0].name),
            ("delete", "destination", "crm"),
            ("delete", "function", "mask"),
        ]
        assert len((await kept(store)).functions) == 3
        assert (await planned(store, directory, runtimes, prune=True)).changes == ()


async def test_ids_are_kept(stores: Stores, directory: Path, runtimes: Runtimes) -> None:
    bare = "64aa0123456789abcdef0123"
    write(
        directory,
        {
            "functions/crm/function.toml": f'id = "dfn_{bare}"\n{SAMPLE["functions/crm/function.toml"]}',
            "sources/web.toml": 'id = "9aQ1Lj62S4bomZKLF4DPqW"\nwebhook_secret = "hush"\n',
        },
    )
    async with stores.open() as store:
        await applied(store, directory, runtimes)
        there = await kept(store)
        assert there.destinations[0].function == bare
        web = next(one for one in there.sources if one.slug == "web")
        assert (web.id, web.webhook_secret) == ("9aQ1Lj62S4bomZKLF4DPqW", "hush")
        write(
            directory,
            {
                "functions/crm/function.toml": (directory / "functions/crm/function.toml")
                .read_text()
                .replace("My", "Our")
            },
        )
        assert done(await applied(store, directory, runtimes)) == [("change", "function", "Our CRM")]


async def test_a_restored_version_is_deployed(stores: Stores, directory: Path, runtimes: Runtimes) -> None:
    async with stores.open() as store:
        await applied(store, directory, runtimes)
        crm = next(one for one in (await kept(store)).functions if one.display_name == "My CRM")
        await store.write(lambda tx: tx.functions.restore(crm.id, crm.latest))
        assert done(await applied(store, directory, runtimes)) == [("deploy", "function", "My CRM")]
        assert (await applied(store, directory, runtimes)).changes == ()


async def test_nothing_is_kept_where_one_thing_is_refused(
    stores: Stores, directory: Path, runtimes: Runtimes
) -> None:
    async with stores.open() as store:
        other = await store.write(
            lambda tx: tx.sources.create("other", "iUM16Md8P2", {}, enabled=True, keys=["web-write-key"])
        )
        before = await kept(store)
        with pytest.raises(Refused, match="write key") as caught:
            await applied(store, directory, runtimes)
        assert "web-write-key" not in str(caught.value)
        assert await kept(store) == before
        await store.write(lambda tx: tx.sources.delete(other.id))
        await applied(store, directory, runtimes)


MISFITS = {
    "a slug under another id": (
        {"sources/web.toml": 'id = "abc"\n'},
        r"sources/web.toml: the store has the source web by the id",
    ),
    "another kind": (
        {
            "functions/tag/function.toml": 'id = "ifns_X"\nkind = "source_insert"\n',
            "inserts/tag.toml": 'function = "crm"\nsource = "web"\n',
        },
        r"inserts/tag.toml: function: expected one of kind source_insert, and crm is of kind destination",
    ),
    "no such source": (
        {"destinations/crm.toml": 'source = "wep"\nfunction = "crm"\n[settings]\napiKey = "x"\n'},
        r"destinations/crm.toml: source: there is no source 'wep'",
    ),
    "a required setting": (
        {"destinations/new.toml": 'source = "web"\nfunction = "crm"\n'},
        r"destinations/new.toml: settings.apiKey: .*required",
    ),
    "an unknown setting": (
        {
            "destinations/post.toml": 'source = "hooks"\nbuilt_in = "webhooks"\n[settings]\nurl = "x"\nuri = "y"\n'
        },
        r"destinations/post.toml: settings.uri: ",
    ),
    "the same id twice": (
        {"sources/a.toml": 'id = "abc"\n', "sources/b.toml": 'id = "abc"\n'},
        r"sources/b.toml: sources/a.toml has the same id, abc",
    ),
    "the same name twice": (
        {
            "destinations/twin.toml": 'name = "crm"\nsource = "web"\nfunction = "crm"\n[settings]\napiKey = "x"\n'
        },
        r"destinations/twin.toml: destinations/crm.toml is of the same name",
    ),
    "two inserts before a destination": (
        {"inserts/more.toml": 'function = "mask"\ndestination = "crm"\nname = "more"\n'},
        r"inserts/more.toml: the destination has the insert .* already",
    ),
    "another language": (
        {
            "functions/tag/function.toml": 'kind = "source_insert"\ncode = "tag.py"\n',
            "functions/tag/tag.py": "x = 1\n",
        },
        r"functions/tag/function.toml: its language is javascript in the store, and can't become python",
    ),
}


@pytest.mark.parametrize("case", MISFITS)
async def test_what_does_not_fit_the_store_is_said_with_its_file(
    case: str, stores: Stores, directory: Path, runtimes: Runtimes
) -> None:
    files, said = MISFITS[case]
    async with stores.open() as store:
        await applied(store, directory, runtimes)
        write(directory, files)
        with pytest.raises(WorkspaceProblems, match=said):
            await planned(store, directory, runtimes)


async def test_an_insert_is_replaced_with_prune(stores: Stores, directory: Path, runtimes: Runtimes) -> None:
    async with stores.open() as store:
        await applied(store, directory, runtimes)
        (directory / "inserts/mask.toml").unlink()
        write(directory, {"inserts/other.toml": 'function = "mask"\ndestination = "crm"\nname = "other"\n'})
        with pytest.raises(WorkspaceProblems, match="--prune"):
            await planned(store, directory, runtimes)
        told = await applied(store, directory, runtimes, prune=True)
        assert [change.action for change in told.changes] == [Action.DELETE, Action.CREATE]


async def test_events_pass_the_inserts_of_a_source_in_their_order(
    stores: Stores, directory: Path, runtimes: Runtimes
) -> None:
    def files(*order: int) -> dict[str, str]:
        return {
            f"inserts/{name}.toml": f'function = "tag"\nsource = "web"\nname = "{name}"\norder = {at}\n'
            for name, at in zip(("a", "b", "c"), order, strict=True)
        }

    async def order() -> list[str | None]:
        there = await kept(store)
        web = next(one.id for one in there.sources if one.slug == "web")
        return [one.name for one in there.inserts if one.integration == web]

    (directory / "inserts/tag.toml").unlink()
    async with stores.open() as store:
        await applied(store, write(directory, files(2, 3, 1)), runtimes)
        assert await order() == ["c", "a", "b"]
        told = await applied(store, write(directory, files(1, 2, 3)), runtimes)
        assert [change.fields[0].name for change in told.changes] == ["inserts"]
        assert await order() == ["a", "b", "c"]
        assert (await applied(store, directory, runtimes)).changes == ()


async def test_write_keys_and_a_webhooks_secret_are_those_of_the_file(
    stores: Stores, directory: Path, runtimes: Runtimes
) -> None:
    write(directory, {"sources/web.toml": 'write_keys = ["a", "b"]\nwebhook_secret = "old"\n'})
    async with stores.open() as store:
        await applied(store, directory, runtimes)
        write(directory, {"sources/web.toml": 'write_keys = ["c", "b"]\nwebhook_secret = "new"\n'})
        told = await applied(store, directory, runtimes)
        assert [(field.name, field.secret) for field in told.changes[0].fields] == [
            ("write_keys", True),
            ("webhook_secret", True),
        ]
        web = next(one for one in (await kept(store)).sources if one.slug == "web")
        assert (set(web.write_keys), web.webhook_secret) == ({"b", "c"}, "new")
        assert await store.source_by_write_key("a") is None
        assert (await applied(store, directory, runtimes)).changes == ()


async def test_a_setting_that_is_gone_and_one_that_is_new(
    stores: Stores, directory: Path, runtimes: Runtimes
) -> None:
    async with stores.open() as store:
        await applied(store, directory, runtimes)
        write(
            directory,
            {
                "functions/crm/function.toml": 'name = "My CRM"\nkind = "destination"\n[[settings]]\nname = "zone"\n',
                "destinations/crm.toml": 'source = "web"\nfunction = "crm"\n[settings]\nzone = "z"\n',
            },
        )
        told = await applied(store, directory, runtimes)
        assert [change.kind for change in told.changes] == ["function", "destination"]
        assert {field.name: field.after for field in told.changes[1].fields} == {
            "settings.apiKey": None,
            "settings.region": None,
            "settings.zone": '"z"',
        }
        crm = next(one for one in (await kept(store)).destinations if one.name == "crm")
        assert crm.settings.values == {"zone": "z"}
        assert (await applied(store, directory, runtimes)).changes == ()
