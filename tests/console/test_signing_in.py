"""Signing in and out, and whose forms are taken."""

from __future__ import annotations

import httpx
import pytest
from tests.console.visiting import ORIGIN, PROOF, Visitor

import isthmus
from isthmus_server.api import RateLimit
from isthmus_server.console import console
from isthmus_server.store import Grant, KeyRing, Page, Role, Sessions, Store, new_key


async def test_who_has_not_signed_in_is_asked_to_and_comes_where_they_wanted(owner: Visitor) -> None:
    stranger = Visitor(owner.store, owner.pages)
    answer = await stranger.client.get("/console/usage?x=1")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/console/sign-in?next=/console/usage%3Fx%3D1",
    )
    token = await owner.token_for(Grant(Role.OWNER))
    answer = await stranger.sign_in(token, to="/console/usage?x=1")
    assert answer.headers["location"] == "/console/usage?x=1"


@pytest.mark.parametrize(
    "to", ["https://evil.test/", "//evil.test", "/console/../v1", "/\\evil", "/consoles"]
)
async def test_nobody_is_sent_elsewhere_after_signing_in(owner: Visitor, to: str) -> None:
    stranger = Visitor(owner.store, owner.pages)
    answer = await stranger.sign_in(await owner.token_for(Grant(Role.OWNER)), to=to)
    assert answer.headers["location"] == "/console/"


async def test_the_session_is_in_a_cookie_that_no_script_and_no_other_page_gets(owner: Visitor) -> None:
    stranger = Visitor(owner.store, owner.pages)
    token = await owner.token_for(Grant(Role.OWNER))
    answer = await stranger.sign_in(token)
    (cookie,) = [each for each in answer.headers.get_list("set-cookie") if "isthmus_session=" in each]
    attributes = {each.strip().lower() for each in cookie.split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/console"} <= attributes
    assert token not in cookie


async def test_over_tls_cookies_are_for_tls_alone(store: Store, engine: isthmus.Engine) -> None:
    pages = console(store, engine, url="https://console.test/")
    transport = httpx.ASGITransport(pages)
    async with httpx.AsyncClient(transport=transport, base_url="https://console.test") as client:
        answer = await client.get("/console/sign-in")
    assert "secure" in answer.headers["set-cookie"].lower()


async def test_a_token_that_is_none_is_refused_and_soon_not_looked_at(
    store: Store, engine: isthmus.Engine
) -> None:
    pages = console(store, engine, url=f"{ORIGIN}/", rate_limit=RateLimit(failures=2))
    stranger = Visitor(store, pages)
    statuses = [(await stranger.sign_in(f"sgp_{number}")).status_code for number in range(3)]
    assert statuses == [401, 401, 429]


async def test_a_revoked_token_ends_its_sessions(owner: Visitor) -> None:
    other = await owner.other(Grant(Role.FUNCTIONS_ADMIN))
    await other.get("/functions")
    tokens, _ = await owner.store.read(lambda tx: tx.tokens.page(Page()))
    await owner.store.write(lambda tx: tx.tokens.revoke(tokens[-1].id))
    assert (await other.client.get("/console/functions")).status_code == 303


async def test_signing_out_ends_the_session_also_for_who_has_kept_the_cookie(owner: Visitor) -> None:
    kept = dict(owner.client.cookies)
    assert (await owner.post("/sign-out")).headers["location"] == "/console/sign-in"
    owner.client.cookies.clear()
    owner.client.cookies.set("isthmus_session", kept["isthmus_session"], path="/console")
    answer = await owner.client.get("/console/functions")
    assert answer.status_code == 303


async def test_a_session_ends_by_itself(store: Store, engine: isthmus.Engine) -> None:
    now = 1_800_000_000.0
    pages = console(store, engine, url=f"{ORIGIN}/", clock=lambda: now)
    visitor = await Visitor.owner(store, pages)
    await visitor.get("/functions")
    now += 12 * 3600
    assert (await visitor.client.get("/console/functions")).status_code == 303


@pytest.mark.parametrize(
    "cookie", ["", "x", "AAAA", "é", "A" * 5000, "AQ" + "A" * 60], ids=lambda each: str(len(each))
)
async def test_what_is_no_session_is_nobody(owner: Visitor, cookie: str) -> None:
    stranger = Visitor(owner.store, owner.pages)
    headers = {b"cookie": b"isthmus_session=" + cookie.encode()}
    answer = await stranger.client.get("/console/functions", headers=httpx.Headers(list(headers.items())))
    assert answer.status_code == 303


async def test_a_session_of_another_store_is_none_here(owner: Visitor) -> None:
    _, sealed = Sessions(KeyRing.from_text(new_key())).begin("some", 1e12)
    stranger = Visitor(owner.store, owner.pages)
    stranger.client.cookies.set("isthmus_session", sealed, path="/console")
    assert (await stranger.client.get("/console/functions")).status_code == 303


@pytest.mark.parametrize(
    ("headers", "proof"),
    [
        ({"Origin": "https://evil.test"}, "right"),
        ({"Origin": "null"}, "right"),
        ({}, "right"),
        ({"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}, "right"),
        ({"Origin": ORIGIN}, "wrong"),
        ({"Origin": ORIGIN}, ""),
    ],
    ids=["another origin", "an opaque one", "none", "cross-site", "another proof", "no proof"],
)
async def test_a_form_that_no_page_of_the_session_has_sent_is_refused(
    owner: Visitor, headers: dict[str, str], proof: str
) -> None:
    form = {"proof": owner.proof if proof == "right" else proof, "name": "x", "starter": "y"}
    for path in ("/console/functions/new", "/console/sign-out"):
        answer = await owner.client.post(path, data=form, headers=headers)
        assert answer.status_code == 403
    await owner.get("/functions")


async def test_signing_in_takes_a_form_of_this_browser(owner: Visitor) -> None:
    token = await owner.token_for(Grant(Role.OWNER))
    stranger = Visitor(owner.store, owner.pages)
    page = await stranger.client.get("/console/sign-in")
    (proof,) = PROOF.findall(page.text)
    stranger.client.cookies.clear()
    form = {"proof": proof, "token": token}
    answer = await stranger.client.post("/console/sign-in", data=form, headers={"Origin": ORIGIN})
    assert answer.status_code == 403
    assert "isthmus_session" not in stranger.client.cookies


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"proof=%ff", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a=1" for _ in range(5000)), "application/x-www-form-urlencoded", 400),
        (b"a" * (8 * 1024 * 1024 + 1), "application/x-www-form-urlencoded", 413),
    ],
    ids=["json", "no text", "many fields", "large"],
)
async def test_what_is_no_form_is_refused(owner: Visitor, content: bytes, kind: str, status: int) -> None:
    headers = {"Origin": ORIGIN, "Content-Type": kind}
    answer = await owner.client.post("/console/functions/new", content=content, headers=headers)
    assert answer.status_code == status
