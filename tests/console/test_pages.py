"""Every page: who may see it, what it lets a browser do, and that nothing of others becomes markup."""

from __future__ import annotations

import re

import pytest
from tests.console.visiting import Tags, Visitor

from isthmus_server.console.table import PAGES
from isthmus_server.store import HTTP_API, Draft, Grant, Page, ResourceType, Role, Transaction

OWNER, ADMIN, READER, SOURCES = (
    Role.OWNER,
    Role.FUNCTIONS_ADMIN,
    Role.FUNCTIONS_READ_ONLY,
    Role.SOURCE_ADMIN,
)
# Written down once more, apart from the pages themselves: by the beginning of the path, the longest that fits.
MAY = {
    "GET /": {OWNER, ADMIN, READER, SOURCES},
    "GET /functions": {OWNER, ADMIN, READER},
    "GET /functions/new": {OWNER, ADMIN},
    "POST /functions": {OWNER, ADMIN},
    "GET /connections": {OWNER, SOURCES},
    "GET /sources": {OWNER, SOURCES},
    "POST /sources": {OWNER, SOURCES},
    "GET /destinations": {OWNER, SOURCES},
    "POST /destinations": {OWNER, SOURCES},
    "GET /inserts": {OWNER, SOURCES},
    "POST /inserts": {OWNER, SOURCES},
    "GET /deliveries": {OWNER, SOURCES},
    "POST /deliveries": {OWNER, SOURCES},
    "GET /usage": {OWNER},
    "GET /audit": {OWNER},
}
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{7*7}}"


def expected(method: str, path: str) -> set[Role]:
    call = f"{method} {path}"
    return MAY[
        max((each for each in MAY if call == each or (each != "GET /" and call.startswith(each))), key=len)
    ]


async def test_each_page_is_for_its_roles_and_no_others(owner: Visitor) -> None:
    visitors = {role: await owner.other(Grant(role)) for role in Role}
    nobody = Visitor(owner.store, owner.pages)
    assert len({(page.method, page.path) for page in PAGES}) == len(PAGES) > 30
    for page in PAGES:
        path = re.sub(r"\{\w+\}", "nothing", page.path)
        for role, visitor in visitors.items():
            answer = (
                await visitor.client.get(f"/console{path}")
                if page.method == "GET"
                else await visitor.post(path, {"code": "x"})
            )
            may = role in expected(page.method, page.path)
            assert (answer.status_code != 403) is may, (page.method, page.path, role)
        answer = await nobody.client.request(page.method, f"/console{path}")
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/console/sign-in")


async def test_a_role_over_one_function_shows_that_one_alone(owner: Visitor) -> None:
    mine = await owner.made(ResourceType.DESTINATION, "Mine")
    other = await owner.made(ResourceType.DESTINATION, "Other")
    bare = mine.partition("_")[2]
    visitor = await owner.other(Grant(ADMIN, (bare,)))
    page = await visitor.get("/functions")
    assert "Mine" in page
    assert "Other" not in page
    await visitor.get(f"/functions/{mine}")
    await visitor.get(f"/functions/{other}", 403)
    assert (await visitor.post(f"/functions/{other}/try", {"code": "", "payload": "{}"})).status_code == 403
    assert (await visitor.post(f"/functions/{mine}/delete")).status_code == 303


async def test_what_a_role_does_not_cover_is_not_offered(owner: Visitor) -> None:
    id_ = await owner.made(ResourceType.DESTINATION)
    reader = await owner.other(Grant(READER))
    listed, shown = await reader.get("/functions"), await reader.get(f"/functions/{id_}")
    assert "/functions/new" not in listed
    assert "/usage" not in listed
    assert "Save" not in shown
    assert "Try it" not in shown


async def made_hostile(owner: Visitor) -> dict[str, str]:
    """One of everything, each with a name that is markup; their ids."""

    def make(tx: Transaction) -> dict[str, str]:
        draft = Draft(code=f"// {HOSTILE}", display_name=HOSTILE, description=HOSTILE)
        function = tx.functions.create(ResourceType.DESTINATION, draft)
        insert = tx.functions.create(ResourceType.INSERT_DESTINATION, draft)
        tx.functions.update(function.id, Draft(code=f"/* {HOSTILE} */"))
        source = tx.sources.create("s", HTTP_API, {}, enabled=True, name=HOSTILE)
        destination = tx.destinations.create(source.id, function.id, {}, enabled=True, name=HOSTILE)
        instance = tx.inserts.create(insert.id, destination.id, {}, enabled=True, name=HOSTILE)
        return {
            "functionId": function.id,
            "versionId": tx.functions.get(function.id).latest,
            "sourceId": source.id,
            "destinationId": destination.id,
            "instanceId": instance.id,
        }

    return await owner.store.write(make)


async def test_no_name_and_no_code_becomes_markup_and_nothing_is_inline(owner: Visitor) -> None:
    ids = await made_hostile(owner)
    for page in PAGES:
        if page.method != "GET" or page.path.endswith("/one") or page.path == "/":
            continue
        path = re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], page.path)
        text = await owner.get(
            f"{path}?within=1h&code={HOSTILE}&became={HOSTILE}&done={HOSTILE}&on={HOSTILE}&of={HOSTILE}"
        )
        tags = Tags(text)
        assert "<script>alert" not in text, path
        for tag, attributes in tags.found:
            assert tag not in {"style", "iframe", "object", "base"}, path
            assert "style" not in attributes, (path, tag)
            assert not [name for name in attributes if name.startswith(("on", "hx-on"))], path
        assert all(script.get("src", "").startswith("/console/assets/") for script in tags.of("script"))
        assert not [each for each in tags.of("img") if each.get("src") == "x"]


async def test_each_field_has_a_label_and_each_page_a_title_a_heading_and_a_way_past_the_menu(
    owner: Visitor,
) -> None:
    ids = await made_hostile(owner)
    for page in PAGES:
        if page.method != "GET" or page.path.endswith("/one") or page.path == "/":
            continue
        text = await owner.get(re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], page.path))
        tags = Tags(text)
        labels = {each.get("for") for each in tags.of("label")}
        for tag in ("input", "select", "textarea"):
            for field in tags.of(tag):
                if field.get("type") in {"hidden", "checkbox", "radio"} or field.get("name", "").startswith(
                    "setting."
                ):
                    continue  # those are within their labels
                assert field.get("id") in labels or field.get("aria-label"), (page.path, field)
        identities = [attributes["id"] for _, attributes in tags.found if "id" in attributes]
        assert len(identities) == len(set(identities)), page.path
        assert len(tags.of("h1")) == len(tags.of("main")) == len(tags.of("title")) == 1, page.path
        assert tags.of("html") == [{"lang": "en"}]
        assert {"class": "skip", "href": "#main"} in tags.of("a"), page.path


@pytest.mark.parametrize(
    "path", ["/console/functions", "/console/sign-in", "/console/nothing/there", "/console/usage/x"]
)
async def test_every_answer_forbids_what_pages_do_not_need(owner: Visitor, path: str) -> None:
    headers = (await owner.client.get(path)).headers
    policy = dict(each.strip().split(" ", 1) for each in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"


async def test_a_form_for_a_page_that_is_only_looked_at_is_refused(owner: Visitor) -> None:
    assert (await owner.post("/usage")).status_code == 405


async def test_assets_are_known_by_their_content_and_kept_for_good(owner: Visitor) -> None:
    tags = Tags(await owner.get("/functions"))
    (style,) = [each["href"] for each in tags.of("link") if each["rel"] == "stylesheet"]
    answer = await owner.client.get(style)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    plain = await owner.client.get(style, headers={"Accept-Encoding": "identity"})
    assert (answer.headers["content-encoding"], plain.headers.get("content-encoding")) == ("gzip", None)
    assert answer.content == plain.content
    assert (await owner.client.get("/console/assets/0000000000000000/console.css")).status_code == 404
    assert (await owner.client.get("/console/assets/..%2f..%2fx/console.css")).status_code == 404


async def test_the_audit_trail_has_who_did_what_from_here(owner: Visitor) -> None:
    await owner.made(ResourceType.SOURCE, "Hooks")
    text = await owner.get("/audit")
    assert "Function Created" in text
    assert "Hooks" in text
    events, _ = await owner.store.read(lambda tx: tx.audit.page(Page(count=1)))
    tokens, _ = await owner.store.read(lambda tx: tx.tokens.page(Page()))
    assert events[0].actor == tokens[0].id
