"""Functions by their pages: made, saved, tried out, deployed, compared, restored, deleted."""

from __future__ import annotations

import pytest
from tests.console.visiting import Tags, Visitor

from isthmus_server.console.starters import starters
from isthmus_server.store import Draft, Grant, Page, ResourceType, Role, StoredFunction

THROWS = (
    "async function onTrack(event) { console.warn('about to'); throw new InvalidEventPayload('<b>no</b>') }"
)


async def kept(visitor: Visitor, id_: str) -> StoredFunction:
    return await visitor.store.read(lambda tx: tx.functions.get(id_))


def form_of(page: str) -> dict[str, str]:
    """What the editor's form would send, unchanged and but for its code."""
    fields: dict[str, str] = {}
    name = ""
    for tag, each in Tags(page.partition("<template")[0]).found:
        if tag == "input" and "name" in each and (each.get("type") != "checkbox" or "checked" in each):
            fields[each["name"]] = each.get("value", "on")
        if tag == "select":
            name = each.get("name", "")
        if tag == "option" and "selected" in each:
            fields[name] = each["value"]
    return fields


async def saved(visitor: Visitor, id_: str, **changes: str) -> int:
    form = form_of(await visitor.get(f"/functions/{id_}"))
    form["code"] = (await kept(visitor, id_)).code
    return (await visitor.post(f"/functions/{id_}", form | changes)).status_code


@pytest.mark.parametrize("kind", list(ResourceType))
async def test_a_new_function_is_as_its_template_with_its_settings(
    owner: Visitor, kind: ResourceType
) -> None:
    page = await owner.get(f"/functions/new?kind={kind}")
    offered = [each["value"] for each in Tags(page).of("input") if each.get("type") == "radio"]
    assert offered[0] == f"{kind.kind.value}.javascript.plain"
    id_ = await owner.made(kind, "Näme <i>")
    function, starter = await kept(owner, id_), starters()[offered[0]]
    assert (function.display_name, function.resource_type) == ("Näme <i>", kind)
    assert (function.code, function.settings) == (starter.code, starter.settings)
    assert "Näme &lt;i&gt;" in await owner.get("/functions")


async def test_a_new_function_that_is_not_fit_is_shown_with_what_is_wrong(owner: Visitor) -> None:
    answer = await owner.post("/functions/new", {"name": "x" * 121, "starter": "source.javascript.plain"})
    assert answer.status_code == 422
    (field,) = [each for each in Tags(answer.text).of("input") if each.get("name") == "name"]
    assert field["aria-invalid"] == "true"
    assert field["value"] == "x" * 121
    assert (await owner.post("/functions/new", {"name": "x", "starter": "none"})).status_code == 422


async def test_saving_keeps_code_name_and_settings_and_makes_a_version_of_what_changed(
    owner: Visitor,
) -> None:
    id_ = await owner.made(ResourceType.DESTINATION)
    assert await saved(owner, id_, name="Renamed") == 303
    function = await kept(owner, id_)
    assert function.display_name == "Renamed"
    code = "// one\r\nasync function onTrack() {}\r\n"
    more = {
        "setting.7.name": "token",
        "setting.7.type": "STRING",
        "setting.7.label": "",
        "setting.7.description": "d",
        "setting.7.sensitive": "on",
        "setting.8.name": "",
        "setting.8.label": "dropped",
    }
    assert await saved(owner, id_, code=code, **more) == 303
    after = await kept(owner, id_)
    assert after.code == "// one\nasync function onTrack() {}\n"
    assert after.settings[:-1] == function.settings
    made = after.settings[-1]
    assert (made.name, made.label, made.description, made.required, made.sensitive) == (
        "token", "token", "d", False, True,
    )  # fmt: skip
    assert after.deployed == after.latest
    assert "2 versions" in await owner.get(f"/functions/{id_}")


async def test_what_was_saved_meanwhile_is_not_lost(owner: Visitor) -> None:
    id_ = await owner.made(ResourceType.DESTINATION)
    form = form_of(await owner.get(f"/functions/{id_}")) | {"code": "// mine"}
    await owner.store.write(lambda tx: tx.functions.update(id_, Draft(code="// theirs")))
    answer = await owner.post(f"/functions/{id_}", form)
    assert answer.status_code == 409
    assert "// mine" in answer.text
    assert (await kept(owner, id_)).code == "// theirs"
    assert (await owner.post(f"/functions/{id_}", form | form_of(answer.text))).status_code == 303
    assert (await kept(owner, id_)).code == "// mine"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"name": ""}, 422),
        ({"code": "fetch('https://fn.segmentapis.com')"}, 400),
        ({"setting.0.name": "a", "setting.1.name": "a"}, 422),
        ({"setting.0.name": "x" * 200}, 422),
    ],
    ids=["no name", "feeds itself", "a setting twice", "a long one"],
)
async def test_what_is_not_fit_is_shown_with_what_is_wrong_and_not_kept(
    owner: Visitor, changes: dict[str, str], status: int
) -> None:
    id_ = await owner.made(ResourceType.SOURCE)
    before = await kept(owner, id_)
    assert await saved(owner, id_, **changes) == status
    assert await kept(owner, id_) == before


async def test_a_trial_shows_what_was_returned_printed_and_went_wrong(owner: Visitor) -> None:
    id_ = await owner.made(ResourceType.DESTINATION)
    form = {
        "payload": '{"type": "track", "event": "x"}',
        "code": "async function onTrack(e) { console.log('at', e.event); return 7 * 6 }",
    }
    well = await owner.post(f"/functions/{id_}/try", form, **{"HX-Request": "true"})
    assert well.status_code == 200
    assert "<html" not in well.text
    assert "Went well" in well.text
    assert "<pre>42</pre>" in well.text
    assert "at x" in well.text
    badly = await owner.post(f"/functions/{id_}/try", form | {"code": THROWS}, **{"HX-Request": "true"})
    assert badly.status_code == 200
    assert "InvalidEventPayload" in badly.text
    assert "&lt;b&gt;no&lt;/b&gt;" in badly.text
    assert "message_rejected" in badly.text
    assert (await kept(owner, id_)).code != THROWS


async def test_without_scripts_a_trial_is_the_whole_page_with_what_was_written(owner: Visitor) -> None:
    id_ = await owner.made(ResourceType.DESTINATION)
    form = {"payload": '[{"type": "track", "event": "mine"}]', "code": THROWS, "name": "n"}
    answer = await owner.post(f"/functions/{id_}/try", form)
    assert answer.status_code == 200
    assert "<html" in answer.text
    assert "about to" in answer.text
    assert "&#34;mine&#34;" in answer.text


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"payload": "{"}, "must be JSON"),
        ({"payload": "[]"}, "an event or an array"),
        ({"payload": '{"type":"track"}', "setting.0.name": "need", "setting.0.required": "on"}, "need"),
        ({"payload": '{"type":"track"}', "code": "function ("}, "SyntaxError"),
    ],
    ids=["no JSON", "no event", "a setting is missing", "no code"],
)
async def test_a_trial_that_can_not_be_run_says_why(owner: Visitor, more: dict[str, str], said: str) -> None:
    id_ = await owner.made(ResourceType.DESTINATION)
    form = {"code": "async function onTrack() {}"} | more
    answer = await owner.post(f"/functions/{id_}/try", form, **{"HX-Request": "true"})
    assert answer.status_code == 200
    assert said in answer.text


async def test_a_trial_takes_values_of_settings_and_shows_no_secret(owner: Visitor) -> None:
    id_ = await owner.made(ResourceType.DESTINATION)
    form = {
        "payload": '{"type":"track"}',
        "code": "async function onTrack(e, s) { console.log('key', s.key); return [s.list, s.map, s.flag, s.key.length] }",
        "setting.0.name": "key",
        "setting.0.sensitive": "on",
        "value.key": "hush-hush-hush",
        "setting.1.name": "list",
        "setting.1.type": "ARRAY",
        "value.list": "a\r\n b \r\n\r\n",
        "setting.2.name": "map",
        "setting.2.type": "TEXT_MAP",
        "value.map": "x = 1=2\ny=3",
        "setting.3.name": "flag",
        "setting.3.type": "BOOLEAN",
        "value.flag": "true",
    }
    answer = await owner.post(f"/functions/{id_}/try", form, **{"HX-Request": "true"})
    shown = answer.text.replace("&#34;", '"')
    assert "Went well" in shown, shown
    assert "hush-hush-hush" not in shown
    assert '"x": "1=2"' in shown
    assert "14" in shown


async def test_a_source_function_runs_where_it_is_deployed_to(owner: Visitor) -> None:
    id_ = await owner.made(ResourceType.SOURCE)
    bare = id_.partition("_")[2]
    source = await owner.store.write(lambda tx: tx.sources.create("hooks", bare, {}, enabled=True))
    assert "nothing yet" in await owner.get(f"/functions/{id_}")
    reader = await owner.other(Grant(Role.FUNCTIONS_ADMIN))
    assert "Deploy</button>" not in await reader.get(f"/functions/{id_}")
    to = await owner.sent(f"/sources/{source.id}/deploy", {"from": "function"})
    assert to == f"/functions/{bare}?done=deployed"
    assert "newest version" in await owner.get(f"/functions/{id_}")


async def test_two_versions_are_compared_and_one_is_restored(owner: Visitor) -> None:
    id_ = await owner.made(ResourceType.DESTINATION)
    for code in ("a\nb\nc\n", "a\nB<i>\nc\nd\n"):
        assert await saved(owner, id_, code=code) == 303
    versions, _ = await owner.store.read(lambda tx: tx.functions.versions(id_, Page()))
    newest, older, _ = versions
    unified = await owner.get(f"/functions/{id_}/versions/{newest.id}")
    assert '<td class="gone">' in unified
    assert "B&lt;i&gt;" in unified
    split = await owner.get(f"/functions/{id_}/versions/{newest.id}?view=split&against={older.id}")
    assert 'class="diff split"' in split
    await owner.get(f"/functions/{id_}/versions/{newest.id}?against=nothing", 404)
    to = await owner.sent(f"/functions/{id_}/restore", {"version": older.id})
    assert to == f"/functions/{id_}?done=restored"
    function = await kept(owner, id_)
    assert function.code == "a\nb\nc\n"
    assert function.deployed == newest.id
    assert "an older version" in await owner.get("/functions")


async def test_a_restored_version_is_deployed_by_saving_it(owner: Visitor) -> None:
    id_ = await owner.made(ResourceType.DESTINATION)
    first = await kept(owner, id_)
    assert await saved(owner, id_, code="// other") == 303
    await owner.sent(f"/functions/{id_}/restore", {"version": first.latest})
    page = await owner.get(f"/functions/{id_}")
    assert 'name="again"' in page
    assert await saved(owner, id_) == 303
    function = await kept(owner, id_)
    assert function.deployed == function.latest
    assert function.code == first.code


async def test_a_function_in_use_is_not_deleted(owner: Visitor) -> None:
    id_ = await owner.made(ResourceType.SOURCE)
    bare = id_.partition("_")[2]
    source = await owner.store.write(lambda tx: tx.sources.create("hooks", bare, {}, enabled=True))
    answer = await owner.post(f"/functions/{id_}/delete")
    assert answer.status_code == 409
    assert "still has sources" in answer.text
    await owner.store.write(lambda tx: tx.sources.delete(source.id))
    assert await owner.sent(f"/functions/{id_}/delete") == "/functions?done=deleted"
    await owner.get(f"/functions/{id_}", 404)
