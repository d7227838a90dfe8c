"""Sources, destinations and inserts by their pages, and the values of their settings."""

from __future__ import annotations

from tests.console.visiting import Tags, Visitor

from isthmus import SettingDefinition
from isthmus.functions import SettingType
from isthmus_server.store import HTTP_API, Destination, Draft, Grant, Page, ResourceType, Role, Transaction

SETTINGS = (
    SettingDefinition(name="endpoint", required=True),
    SettingDefinition(name="apiKey", sensitive=True),
    SettingDefinition(name="list", type=SettingType.ARRAY),
    SettingDefinition(name="map", type=SettingType.TEXT_MAP),
    SettingDefinition(name="flag", type=SettingType.BOOLEAN),
)


async def made(owner: Visitor) -> tuple[str, str]:
    """A source, and a destination function; their ids."""

    def make(tx: Transaction) -> tuple[str, str]:
        draft = Draft(code="// x", display_name="crm", settings=SETTINGS)
        function = tx.functions.create(ResourceType.DESTINATION, draft)
        return tx.sources.create("web", HTTP_API, {}, enabled=True).id, function.id

    return await owner.store.write(make)


async def the_destination(owner: Visitor) -> Destination:
    (found,), _ = await owner.store.read(lambda tx: tx.destinations.page(Page()))
    return found


async def test_a_source_is_made_changed_and_deleted(owner: Visitor) -> None:
    to = await owner.sent("/sources/new", {"slug": "web", "of": HTTP_API})
    path = to.partition("?")[0]
    (source,), _ = await owner.store.read(lambda tx: tx.sources.page(Page()))
    assert path == f"/sources/{source.id}"
    page = await owner.get(path)
    assert source.write_keys[0] in page
    assert (await owner.post("/sources/new", {"slug": "web", "of": HTTP_API})).status_code == 409
    await owner.sent(path, {"name": "Website"})
    source = await owner.store.read(lambda tx: tx.sources.get(source.id))
    assert (source.name, source.enabled) == ("Website", False)
    await owner.sent(f"{path}/keys")
    await owner.sent(f"{path}/keys/remove", {"key": source.write_keys[0]})
    changed = await owner.store.read(lambda tx: tx.sources.get(source.id))
    assert len(changed.write_keys) == 1
    assert changed.write_keys != source.write_keys
    assert (await owner.post(f"{path}/keys/remove", {"key": "none"})).status_code == 404
    await owner.sent(f"{path}/delete")
    await owner.get(path, 404)


async def test_a_source_with_a_function_shows_where_webhooks_go_and_is_deployed(owner: Visitor) -> None:
    bare = (await owner.made(ResourceType.SOURCE)).partition("_")[2]
    path = (await owner.sent("/sources/new", {"slug": "hooks", "of": bare})).partition("?")[0]
    page = await owner.get(path)
    assert "does nothing before its function is deployed" in page
    (webhook,) = [each["value"] for each in Tags(page).of("input") if each.get("id") == "webhook"]
    source = await owner.store.source_by_webhook(webhook.partition("?b=")[2])
    assert source is not None
    sources = await owner.other(Grant(Role.SOURCE_ADMIN))
    assert await sources.sent(f"{path}/deploy") == f"{path}?done=deployed"
    assert "runs the newest version" in await sources.get(path)


async def test_a_destination_is_made_of_a_function_with_values_of_its_settings(owner: Visitor) -> None:
    source, function = await made(owner)
    page = await owner.get(f"/destinations/new?on={source}&of={function}")
    assert {each["name"] for each in Tags(page).of("textarea")} == {"value.list", "value.map"}
    form = {
        "on": source,
        "of": function,
        "name": "CRM",
        "enabled": "on",
        "value.endpoint": "https://crm.test",
        "value.apiKey": "hush-hush",
        "value.list": "a\r\nb\r\n",
        "value.map": "x = 1\ny = a=b",
        "value.flag": "false",
    }
    to = await owner.sent("/destinations/new", form)
    kept = await the_destination(owner)
    assert to == f"/destinations/{kept.id}?done=created"
    assert kept.settings.values == {
        "endpoint": "https://crm.test",
        "apiKey": "hush-hush",
        "list": ["a", "b"],
        "map": {"x": "1", "y": "a=b"},
        "flag": False,
    }
    assert kept.settings.secret == {"apiKey"}


async def test_a_secret_is_never_shown_and_stays_until_it_is_replaced_or_taken_away(owner: Visitor) -> None:
    source, function = await made(owner)
    form = {"on": source, "of": function, "name": "CRM", "value.endpoint": "e", "value.apiKey": "hush-hush"}
    path = (await owner.sent("/destinations/new", form)).partition("?")[0]
    page = await owner.get(path)
    assert "hush-hush" not in page
    assert "kept, and not shown" in page
    await owner.sent(path, {"name": "CRM", "value.endpoint": "other", "value.apiKey": ""})
    assert (await the_destination(owner)).settings.values == {"endpoint": "other", "apiKey": "hush-hush"}
    answer = await owner.post(path, {"name": "CRM", "value.endpoint": "", "value.apiKey": "new-secret"})
    assert answer.status_code == 422
    assert "new-secret" not in answer.text
    await owner.sent(path, {"name": "CRM", "value.endpoint": "e", "value.apiKey": "new-secret"})
    assert (await the_destination(owner)).settings.values["apiKey"] == "new-secret"
    await owner.sent(path, {"name": "CRM", "value.endpoint": "e", "forget.apiKey": "on"})
    assert (await the_destination(owner)).settings.values == {"endpoint": "e"}


async def test_what_is_not_fit_is_shown_beside_its_field(owner: Visitor) -> None:
    source, function = await made(owner)
    answer = await owner.post("/destinations/new", {"on": source, "of": function, "name": "CRM"})
    assert answer.status_code == 422
    assert 'id="problem-value.endpoint"' in answer.text
    answer = await owner.post(
        "/destinations/new", {"on": "none", "of": function, "name": "CRM", "value.endpoint": "e"}
    )
    assert answer.status_code == 400
    assert "Source none not found" in answer.text


async def test_an_insert_is_put_before_a_destination_once(owner: Visitor) -> None:
    source, function = await made(owner)
    form = {"on": source, "of": function, "name": "CRM", "value.endpoint": "e"}
    path = (await owner.sent("/destinations/new", form)).partition("?")[0]
    destination = path.rpartition("/")[2]
    insert = (await owner.made(ResourceType.INSERT_DESTINATION, "Mask")).partition("_")[2]
    before_sources = (await owner.made(ResourceType.INSERT_SOURCE, "Early")).partition("_")[2]
    offered = Tags(await owner.get(f"/inserts/new?on={destination}")).of("option")
    assert insert in {each["value"] for each in offered}
    assert before_sources not in {each["value"] for each in offered}
    made_at = await owner.sent("/inserts/new", {"on": destination, "of": insert, "enabled": "on", "name": ""})
    insert_path = made_at.partition("?")[0]
    assert "Mask" in await owner.get(path)
    assert "Mask" in await owner.get("/connections")
    again = await owner.post("/inserts/new", {"on": destination, "of": insert, "name": ""})
    assert again.status_code == 409
    await owner.sent(insert_path, {"name": "Masked"})
    assert "Masked" in await owner.get(insert_path)
    await owner.sent(f"{insert_path}/delete")
    await owner.get(insert_path, 404)
    await owner.sent(f"{path}/delete")
    await owner.get(path, 404)
