from __future__ import annotations

import pytest

from isthmus.errors import EngineError
from isthmus.functions import Kind, SettingDefinition, SettingType
from isthmus_server.store import (
    HTTP_API,
    MASK,
    WEBHOOKS,
    Conflict,
    Dangling,
    Destination,
    Draft,
    Grant,
    KeyRing,
    NotFound,
    Page,
    ResourceType,
    Role,
    Source,
    Store,
    StoredFunction,
    Unfit,
    new_key,
    open_store,
    webhook_token,
)

API_KEY = SettingDefinition(name="apiKey", label="key", sensitive=True, required=True)
REGION = SettingDefinition(name="region", label="region")


async def made_function(
    store: Store, kind: ResourceType, *settings: SettingDefinition, code: str = "// one", name: str = "Fn"
) -> StoredFunction:
    draft = Draft(code=code, display_name=name, settings=settings)
    return await store.write(lambda tx: tx.functions.create(kind, draft), actor="me")


async def made_source(
    store: Store, slug: str = "web", metadata: str = HTTP_API, **settings: object
) -> Source:
    return await store.write(lambda tx: tx.sources.create(slug, metadata, settings, enabled=True))


async def made_destination(store: Store, source: Source, metadata: str, **settings: object) -> Destination:
    return await store.write(lambda tx: tx.destinations.create(source.id, metadata, settings, enabled=True))


async def test_what_is_kept_is_there_when_the_store_is_opened_again(url: str, keys: KeyRing) -> None:
    async with open_store(url, keys=keys, workspace="Acme Inc") as store:
        function = await made_function(store, ResourceType.SOURCE, API_KEY)
        source = await made_source(store, "hooks", function.id, apiKey="sesame")
    async with open_store(url, keys=keys) as store:
        assert await store.read(lambda tx: tx.functions.get(function.id)) == function
        assert await store.read(lambda tx: tx.sources.get(source.id)) == source
        workspace = await store.read(lambda tx: tx.workspace())
        assert (workspace.name, workspace.slug) == ("Acme Inc", "acme-inc")


async def test_other_keys_open_nothing(url: str, keys: KeyRing) -> None:
    async with open_store(url, keys=keys):
        pass
    with pytest.raises(Exception, match="key that is not among those given"):
        async with open_store(url, keys=KeyRing.from_text(new_key())):
            pass


async def test_keys_are_changed_by_sealing_everything_anew(url: str) -> None:
    old, new = new_key(), new_key()
    async with open_store(url, keys=KeyRing.from_text(old)) as store:
        source = await made_source(store)
        destination = await made_destination(store, source, WEBHOOKS, url="https://u:p@example.com/")
    async with open_store(url, keys=KeyRing.from_text(f"{new}\n{old}")) as store:
        assert (
            await store.reseal() == 4
        )  # the tokens' key, the source's settings and webhook, the destination's settings
        assert await store.reseal() == 0
    async with open_store(url, keys=KeyRing.from_text(new)) as store:
        assert await store.read(lambda tx: tx.sources.get(source.id)) == source
        assert await store.read(lambda tx: tx.destinations.get(destination.id)) == destination


async def test_a_transaction_that_raises_leaves_nothing(store: Store) -> None:
    source = await made_source(store)
    with pytest.raises(Conflict):
        await store.write(
            lambda tx: (
                tx.sources.update(source.id, name="other"),
                tx.sources.create("web", HTTP_API, {}, enabled=True),
            )
        )
    assert (await store.read(lambda tx: tx.sources.get(source.id))).name == "web"
    assert (await store.read(lambda tx: tx.audit.page(Page())))[1] == 1


# ------------------------------------------------------------ functions


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [
        (ResourceType.DESTINATION, "dfn_"),
        (ResourceType.INSERT_DESTINATION, "ifnd_"),
        (ResourceType.INSERT_SOURCE, "ifns_"),
        (ResourceType.SOURCE, "sfnc_"),
    ],
)
async def test_a_function_is_found_by_its_id_with_its_own_prefix_or_none(
    store: Store, kind: ResourceType, prefix: str
) -> None:
    function = await made_function(store, kind)
    for given in (function.id, prefix + function.id):
        assert await store.read(lambda tx, given=given: tx.functions.get(given)) == function  # type: ignore[misc]
    for other in ({"dfn_", "ifnd_", "sfnc_"} - {prefix}) | {"sfn_"}:
        with pytest.raises(NotFound):
            await store.read(lambda tx, other=other: tx.functions.get(other + function.id))  # type: ignore[misc]


async def test_saved_code_of_a_destination_runs_at_once(store: Store) -> None:
    function = await made_function(store, ResourceType.DESTINATION)
    saved = await store.write(lambda tx: tx.functions.update(function.id, Draft(code="// two")))
    assert saved.deployed == saved.latest != function.latest
    versions, total = await store.read(lambda tx: tx.functions.versions(function.id, Page()))
    assert total == 2
    assert [(version.code, version.is_deployed) for version in versions] == [
        ("// two", True),
        ("// one", False),
    ]


async def test_saved_code_of_a_source_runs_where_it_is_deployed(store: Store) -> None:
    function = await made_function(store, ResourceType.SOURCE)
    one, two = await made_source(store, "one", function.id), await made_source(store, "two", function.id)
    await store.write(lambda tx: tx.functions.deploy(one.id))
    saved = await store.write(lambda tx: tx.functions.update(function.id, Draft(code="// two")))
    await store.write(lambda tx: tx.functions.deploy(two.id))
    running = {found.source.id: found.function for found in (await store.snapshot()).sources}
    codes = {id_: runnable and runnable.function.code for id_, runnable in running.items()}
    assert codes == {one.id: "// one", two.id: "// two"}
    versions, _ = await store.read(lambda tx: tx.functions.versions(saved.id, Page()))
    assert [version.is_deployed for version in versions] == [True, True]


async def test_only_code_and_settings_make_a_version(store: Store) -> None:
    function = await made_function(store, ResourceType.DESTINATION)
    saved = await store.write(lambda tx: tx.functions.update(function.id, Draft(display_name="Other")))
    assert saved.latest == function.latest
    saved = await store.write(lambda tx: tx.functions.update(function.id, Draft(settings=(REGION,))))
    assert saved.latest != function.latest


async def test_a_restored_version_is_the_latest_and_does_not_run(store: Store) -> None:
    function = await made_function(store, ResourceType.DESTINATION)
    saved = await store.write(lambda tx: tx.functions.update(function.id, Draft(code="// two")))
    restored = await store.write(lambda tx: tx.functions.restore(function.id, function.latest))
    assert (restored.number, restored.code, restored.is_deployed) == (3, "// one", False)
    latest = await store.read(lambda tx: tx.functions.version(function.id, "LATEST"))
    deployed = await store.read(lambda tx: tx.functions.version(function.id, "DEPLOYED"))
    assert (latest.id, deployed.id) == (restored.id, saved.latest)
    assert (await store.read(lambda tx: tx.functions.get(function.id))).code == "// one"


async def test_settings_that_contradict_each_other_are_refused(store: Store) -> None:
    with pytest.raises(Unfit, match="twice"):
        await made_function(store, ResourceType.SOURCE, REGION, REGION)


async def test_a_function_in_use_stays(store: Store) -> None:
    function = await made_function(store, ResourceType.SOURCE)
    source = await made_source(store, "one", function.id)
    with pytest.raises(Conflict, match="sources"):
        await store.write(lambda tx: tx.functions.delete(function.id))
    await store.write(lambda tx: tx.sources.delete(source.id))
    await store.write(lambda tx: tx.functions.delete(function.id))
    with pytest.raises(NotFound):
        await store.read(lambda tx: tx.functions.get(function.id))


# ------------------------------------------------------------ instances


async def test_a_source_is_found_by_its_write_keys_and_its_webhook(store: Store) -> None:
    source, other = await made_source(store), await made_source(store, "other")
    key = await store.write(lambda tx: tx.sources.add_write_key(source.id))
    for write_key in (*source.write_keys, key):
        found = await store.source_by_write_key(write_key)
        assert found is not None
        assert found.id == source.id
    found = await store.source_by_webhook(webhook_token(source.id, source.webhook_secret))
    assert found is not None
    assert found.id == source.id
    for token in ("", "x", "eA==", webhook_token(source.id, other.webhook_secret), webhook_token("x", "y")):
        assert await store.source_by_webhook(token) is None
    await store.write(lambda tx: tx.sources.remove_write_key(source.id, key))
    assert await store.source_by_write_key(key) is None


async def test_a_deleted_source_takes_its_destinations_and_inserts_with_it(store: Store) -> None:
    insert = await made_function(store, ResourceType.INSERT_DESTINATION)
    source = await made_source(store)
    destination = await made_destination(store, source, WEBHOOKS, url="https://example.com/")
    instance = await store.write(lambda tx: tx.inserts.create(insert.id, destination.id, {}, enabled=True))
    await store.write(lambda tx: tx.sources.delete(source.id))
    with pytest.raises(NotFound):
        await store.read(lambda tx: tx.destinations.get(destination.id))
    with pytest.raises(NotFound):
        await store.read(lambda tx: tx.inserts.get(instance.id))


async def test_an_instance_has_to_be_of_something(store: Store) -> None:
    function = await made_function(store, ResourceType.DESTINATION)
    source = await made_source(store)
    for metadata in ("nothing", function.id, WEBHOOKS):
        with pytest.raises(Dangling):
            await made_source(store, "other", metadata)
    with pytest.raises(Dangling):
        await made_destination(store, source, HTTP_API)
    destination = await made_destination(store, source, function.id)
    with pytest.raises(Dangling, match="Insert function"):
        await store.write(lambda tx: tx.inserts.create(function.id, destination.id, {}, enabled=True))


async def test_a_destination_has_one_insert(store: Store) -> None:
    insert = await made_function(store, ResourceType.INSERT_DESTINATION)
    destination = await made_destination(
        store, await made_source(store), WEBHOOKS, url="https://example.com/"
    )
    await store.write(lambda tx: tx.inserts.create(insert.id, destination.id, {}, enabled=True))
    with pytest.raises(Conflict):
        await store.write(lambda tx: tx.inserts.create(insert.id, destination.id, {}, enabled=True))


async def test_what_is_to_run_is_what_is_deployed_with_settings(store: Store) -> None:
    function = await made_function(store, ResourceType.DESTINATION, API_KEY, name="CRM")
    mask = await made_function(store, ResourceType.INSERT_SOURCE, name="mask")
    source = await made_source(store)
    destination = await made_destination(store, source, function.id, apiKey="sesame")
    insert = await store.write(lambda tx: tx.inserts.create(mask.id, source.id, {}, enabled=True))
    snapshot = await store.snapshot()
    (running,) = snapshot.destinations
    assert running.integration == "CRM (Acme)"
    assert running.function is not None
    assert running.function.settings == {"apiKey": "sesame"}
    assert running.function.function.kind is Kind.DESTINATION
    assert [found.instance for found in snapshot.sources[0].inserts] == [insert.id]
    assert "sesame" not in repr(snapshot)

    await store.write(lambda tx: tx.inserts.update(insert.id, {}, enabled=False))
    await store.write(lambda tx: tx.destinations.update(destination.id, enabled=False))
    after = await store.snapshot()
    assert after.workspace.revision > snapshot.workspace.revision
    assert not after.sources[0].inserts
    assert not after.destinations[0].destination.enabled


async def test_a_change_is_heard_of(store: Store) -> None:
    before = (await store.read(lambda tx: tx.workspace())).revision
    await made_source(store)
    assert await store.wait_changed(before) == before + 1


# ------------------------------------------------------------ settings


async def test_secret_settings_stay_where_they_are_not_given(store: Store) -> None:
    function = await made_function(store, ResourceType.DESTINATION, API_KEY, REGION)
    destination = await made_destination(
        store, await made_source(store), function.id, apiKey="sesame", region="eu"
    )
    assert destination.settings.shown == {"region": "eu"}
    assert destination.settings.masked == {"apiKey": MASK}
    for given in ({}, {"apiKey": MASK}):
        changed = await store.write(
            lambda tx, given=given: tx.destinations.update(destination.id, settings=given)  # type: ignore[misc]
        )
        assert changed.settings.values == {"apiKey": "sesame"}
    with pytest.raises(Unfit, match="required"):
        await store.write(lambda tx: tx.destinations.update(destination.id, settings={"apiKey": None}))


async def test_a_secret_is_not_revealed_by_another_definition(store: Store) -> None:
    function = await made_function(store, ResourceType.DESTINATION, API_KEY)
    destination = await made_destination(store, await made_source(store), function.id, apiKey="sesame")
    public = SettingDefinition(name="apiKey", required=True)
    await store.write(lambda tx: tx.functions.update(function.id, Draft(settings=(public,))))
    kept = await store.write(lambda tx: tx.destinations.update(destination.id, settings={}))
    assert (kept.settings.shown, kept.settings.masked) == ({}, {"apiKey": MASK})
    anew = await store.write(lambda tx: tx.destinations.update(destination.id, settings={"apiKey": "open"}))
    assert anew.settings.shown == {"apiKey": "open"}


async def test_every_setting_at_fault_is_said_and_no_value(store: Store) -> None:
    flags = SettingDefinition(name="flags", type=SettingType.ARRAY)
    function = await made_function(store, ResourceType.DESTINATION, API_KEY, flags)
    source = await made_source(store)
    with pytest.raises(Unfit) as caught:
        await made_destination(store, source, function.id, flags="sesame", other="sesame")
    assert {problem.field for problem in caught.value.problems} == {
        "settings.apiKey",
        "settings.flags",
        "settings.other",
    }
    assert "sesame" not in str(caught.value)


# ------------------------------------------------------------ tokens


async def test_a_token_is_known_until_it_is_revoked(store: Store) -> None:
    grants = (Grant(Role.FUNCTIONS_ADMIN, ("f1",)),)
    kept, plain = await store.write(lambda tx: tx.tokens.create("ci", grants))
    assert await store.bearer(plain) == kept
    assert kept.grants == grants
    assert await store.bearer(plain + "x") is None
    await store.write(lambda tx: tx.tokens.revoke(kept.id))
    assert await store.bearer(plain) is None


async def test_a_token_given_is_taken_once(store: Store) -> None:
    await store.write(lambda tx: tx.tokens.create("one", (), token="TOKEN123"))
    for token in ("TOKEN123", "", "a b", "ü", "x" * 1000):
        with pytest.raises(EngineError):
            await store.write(lambda tx, token=token: tx.tokens.create("two", (), token=token))  # type: ignore[misc]


async def test_the_audit_trail_says_who_did_what(store: Store) -> None:
    await made_function(store, ResourceType.SOURCE, name="Hooks")
    await made_source(store)
    events, total = await store.read(lambda tx: tx.audit.page(Page(), resource_type="Functions"))
    assert total == 1
    assert (events[0].actor, events[0].type, events[0].resource_name) == ("me", "Function Created", "Hooks")
