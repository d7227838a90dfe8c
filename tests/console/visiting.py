"""The console as a test visits it: in this process, as a browser would without scripts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from html.parser import HTMLParser
from typing import Self, final

import httpx
from starlette.types import ASGIApp

from isthmus_server.store import Grant, ResourceType, Role, Store

ORIGIN = "http://console.test"
PROOF = re.compile(r'name="proof" value="([^"]+)"')


@final
class Tags(HTMLParser):
    """Every tag of a page, with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.found if name == tag]


@final
class Visitor:
    """Somebody with a browser."""

    def __init__(self, store: Store, pages: ASGIApp) -> None:
        self.store = store
        self.pages = pages
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(pages, raise_app_exceptions=True), base_url=ORIGIN
        )
        self.proof = ""

    @classmethod
    async def owner(cls, store: Store, pages: ASGIApp) -> Self:
        visitor = cls(store, pages)
        await visitor.sign_in(await visitor.token_for(Grant(Role.OWNER)))
        return visitor

    async def other(self, *grants: Grant) -> Visitor:
        """Somebody else, who has signed in with these roles."""
        visitor = Visitor(self.store, self.pages)
        await visitor.sign_in(await visitor.token_for(*grants))
        return visitor

    async def token_for(self, *grants: Grant) -> str:
        return (await self.store.write(lambda tx: tx.tokens.create("some", grants)))[1]

    async def sign_in(self, token: str, *, to: str = "") -> httpx.Response:
        page = await self.client.get("/console/sign-in")
        (proof,) = PROOF.findall(page.text)
        form = {"proof": proof, "token": token, "next": to}
        answer = await self.client.post("/console/sign-in", data=form, headers={"Origin": ORIGIN})
        if answer.status_code == 303:
            self.proof = await self._proof()
        return answer

    async def _proof(self) -> str:
        """The session's proof, as every page has it in its form to sign out."""
        page = await self.client.get("/console/", follow_redirects=True)
        return unescape(PROOF.findall(page.text)[0])

    async def get(self, path: str, status: int = 200) -> str:
        """A page's text."""
        answer = await self.client.get(f"/console{path}")
        assert answer.status_code == status, answer.text
        return answer.text

    async def post(
        self, path: str, form: Mapping[str, str | list[str]] | None = None, **headers: str
    ) -> httpx.Response:
        """Send a form, as a page of this session has it."""
        return await self.client.post(
            f"/console{path}",
            data={"proof": self.proof, **(form or {})},
            headers={"Origin": ORIGIN, **headers},
        )

    async def sent(self, path: str, form: Mapping[str, str | list[str]] | None = None) -> str:
        """Send a form that is taken; the path of the page that comes after it."""
        answer = await self.post(path, form)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"].removeprefix("/console")

    async def made(self, kind: ResourceType, name: str = "Fn", language: str = "javascript") -> str:
        """A new function that is as its plain template; its id."""
        starter = f"{kind.kind.value}.{language}.plain"
        to = await self.sent("/functions/new", {"name": name, "starter": starter})
        return to.removeprefix("/functions/").partition("?")[0]
