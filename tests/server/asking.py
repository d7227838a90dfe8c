"""The API as a test asks it: in this process, by whoever has the roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, final

import httpx

from isthmus import Engine
from isthmus_server.api import RateLimit, public_api
from isthmus_server.store import Grant, Role, Store

DEFAULT_LIMIT = RateLimit()
WEBHOOKS_AT = "https://hooks.example.com/"


@final
class Api:
    """Asks the API, as an owner by default."""

    def __init__(self, store: Store, engine: Engine, token: str, rate_limit: RateLimit) -> None:
        self.store = store
        self.engine = engine
        self.token = token
        self.application = public_api(store, engine, webhook_url=WEBHOOKS_AT, rate_limit=rate_limit)
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.application, raise_app_exceptions=True),
            base_url="http://api.test",
        )

    @classmethod
    async def over(cls, store: Store, engine: Engine, rate_limit: RateLimit = DEFAULT_LIMIT) -> Self:
        _, token = await store.write(lambda tx: tx.tokens.create("owner", [Grant(Role.OWNER)]))
        return cls(store, engine, token, rate_limit)

    async def token_for(self, *grants: Grant) -> str:
        return (await self.store.write(lambda tx: tx.tokens.create("some", grants)))[1]

    async def ask(
        self,
        method: str,
        path: str,
        json: object = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | Mapping[bytes, bytes] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        sent = httpx.Headers(headers)
        if token != "":
            sent["Authorization"] = f"Bearer {token or self.token}"
        return await self._client.request(method, path, json=json, content=content, headers=sent)

    async def done(self, method: str, path: str, json: object = None, status: int = 200) -> Any:
        """Ask what has to succeed; what is in ``data``."""
        answer = await self.ask(method, path, json)
        assert answer.status_code == status, answer.text
        assert answer.json().keys() == {"data"}
        return answer.json()["data"]

    async def refused(self, status: int, method: str, path: str, json: object = None, **more: Any) -> Any:
        """Ask what has to be refused; the errors."""
        answer = await self.ask(method, path, json, **more)
        assert answer.status_code == status, answer.text
        assert answer.json().keys() == {"errors"}
        return answer.json()["errors"]

    async def made(self, kind: str, code: str = "// one", **more: object) -> Any:
        """A new function."""
        body = {"code": code, "displayName": "Fn", "resourceType": kind} | more
        return (await self.done("POST", "/functions", body))["function"]


def setting(name: str, **more: object) -> dict[str, object]:
    """The definition of a setting, as clients write it."""
    written = {"name": name, "label": name, "description": "", "type": "STRING"}
    return {**written, "required": False, "sensitive": False} | more
