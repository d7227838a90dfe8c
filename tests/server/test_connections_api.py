"""Sources, destinations, the catalog, the audit trail and the echo: what clients of functions need beside them."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from tests.server.asking import Api, setting

from isthmus_server.store import HTTP_API, WEBHOOKS


async def made_source(api: Api, slug: str = "web", metadata: str = HTTP_API, **more: object) -> Any:
    body = {"slug": slug, "enabled": True, "metadataId": metadata} | more
    return (await api.done("POST", "/sources", body, 201))["source"]


async def test_the_workspace(api: Api) -> None:
    workspace = (await api.done("GET", "/"))["workspace"]
    assert (workspace["name"], workspace["slug"]) == ("Acme", "acme")
    assert re.fullmatch(r"[0-9A-Za-z]{22}", workspace["id"])


async def test_a_source(api: Api) -> None:
    made = await made_source(api)
    assert re.fullmatch(r"[0-9A-Za-z]{22}", made["id"])
    assert (made["slug"], made["name"], made["enabled"], made["labels"]) == ("web", "web", True, [])
    assert made["metadata"]["id"] == HTTP_API
    assert len(made["writeKeys"]) == 1
    assert made["webhookUrl"] is None
    path = f"/sources/{made['id']}"
    assert (await api.done("GET", path))["source"] == made
    changed = (await api.done("PATCH", path, {"enabled": False, "name": "Web"}))["source"]
    assert changed == made | {"enabled": False, "name": "Web"}
    assert (await api.done("GET", "/sources"))["sources"] == [changed]
    (error,) = await api.refused(
        409, "POST", "/sources", {"slug": "web", "enabled": True, "metadataId": HTTP_API}
    )
    assert error["type"] == "conflict"
    assert await api.done("DELETE", path) == {"status": "SUCCESS"}
    await api.refused(404, "GET", path)


async def test_the_webhook_of_a_source_function_is_addressed_as_segments(api: Api) -> None:
    function = await api.made("SOURCE", settings=[setting("apiKey", required=True, sensitive=True)])
    await api.refused(
        422, "POST", "/sources", {"slug": "hooks", "enabled": True, "metadataId": function["catalogId"]}
    )
    made = await made_source(api, "hooks", function["catalogId"], settings={"apiKey": "sesame"})
    assert (made["settings"], made["encryptedSettings"]) == ({}, {"apiKey": "••••••••••"})
    address, token = made["webhookUrl"].split("?b=")
    assert address == "https://hooks.example.com/"
    source, _, secret = base64.b64decode(token).decode().partition("::")
    assert source == made["id"]
    assert len(secret) == 32
    found = await api.store.source_by_webhook(token)
    assert found is not None
    assert found.id == made["id"]


async def test_write_keys(api: Api) -> None:
    made = await made_source(api)
    path = f"/sources/{made['id']}/writekey"
    more = (await api.done("POST", path))["source"]
    assert set(made["writeKeys"]) < set(more["writeKeys"])
    assert await api.done("DELETE", f"{path}/{made['writeKeys'][0]}") == {"status": "SUCCESS"}
    await api.refused(404, "DELETE", f"{path}/{made['writeKeys'][0]}")


async def test_a_destination(api: Api) -> None:
    source = await made_source(api)
    function = await api.made("DESTINATION")
    body = {"sourceId": source["id"], "metadataId": function["catalogId"], "settings": {}}
    made = (await api.done("POST", "/destinations", body))["destination"]
    assert re.fullmatch(r"[0-9a-f]{24}", made["id"])
    assert (made["name"], made["enabled"], made["sourceId"]) == ("Fn", True, source["id"])
    assert (made["metadata"]["id"], made["metadata"]["name"]) == (function["catalogId"], "Fn (Acme)")
    path = f"/destinations/{made['id']}"
    changed = (await api.done("PATCH", path, {"enabled": False, "name": "CRM"}))["destination"]
    assert changed == made | {"enabled": False, "name": "CRM"}
    for listing in ("/destinations", f"/sources/{source['id']}/connected-destinations"):
        assert (await api.done("GET", listing))["destinations"] == [changed]
    assert await api.done("DELETE", path) == {"status": "SUCCESS"}
    await api.refused(404, "GET", path)


@pytest.mark.parametrize(
    "body",
    [
        {"sourceId": "nothing", "metadataId": WEBHOOKS, "settings": {"url": "https://example.com/"}},
        {"sourceId": "{source}", "metadataId": "nothing", "settings": {}},
        {"sourceId": "{source}", "metadataId": HTTP_API, "settings": {}},
    ],
)
async def test_a_destination_of_what_is_not_there(api: Api, body: dict[str, Any]) -> None:
    source = await made_source(api)
    body = body | {"sourceId": body["sourceId"].format(source=source["id"])}
    (error,) = await api.refused(400, "POST", "/destinations", body)
    assert error["type"] == "bad-request"


async def test_the_catalog_has_functions_and_what_is_built_in(api: Api) -> None:
    function = await api.made("SOURCE", settings=[setting("apiKey")])
    listed = await api.done("GET", "/catalog/sources?pagination.count=1&pagination.cursor=MQ%3D%3D")
    (entry,) = listed["sourcesCatalog"]
    assert (entry["id"], entry["options"][0]["name"]) == (function["catalogId"], "apiKey")
    assert listed["pagination"]["totalEntries"] == 2
    found = await api.done("GET", f"/catalog/sources/{function['catalogId']}")
    assert found["sourceMetadata"] == entry
    built_in = await api.done("GET", f"/catalog/destinations/{WEBHOOKS}")
    assert built_in["destinationMetadata"]["slug"] == "webhooks"
    await api.refused(404, "GET", f"/catalog/destinations/{function['catalogId']}")
    await api.refused(404, "GET", f"/catalog/sources/{function['id']}")


async def test_the_audit_trail(api: Api) -> None:
    made = await api.made("SOURCE")
    source = await made_source(api)
    listed = await api.done("GET", "/audit-events?pagination.count=2")
    newest, older = listed["events"]
    assert (newest["type"], newest["resourceId"]) == ("Source Created", source["id"])
    assert (older["type"], older["resourceId"], older["actor"]) == (
        "Function Created",
        made["id"],
        made["createdBy"],
    )
    chosen = await api.done("GET", f"/audit-events?resourceType=Functions&resourceId={made['id']}")
    assert chosen["events"] == [older]
    none = await api.done("GET", "/audit-events?endTime=2020-01-01T00:00:00Z")
    assert none["events"] == []
    (error,) = await api.refused(422, "GET", "/audit-events?startTime=yesterday")
    assert error["field"] == "startTime"


async def test_the_echo(api: Api) -> None:
    answer = await api.done("GET", "/echo?message=hi")
    assert (answer["method"], answer["message"]) == ("get", "hi")
    assert "authorization" not in answer["headers"]
    assert len(await api.refused(400, "GET", "/echo?message=hi&triggerError=true")) == 1
    assert (
        len(await api.refused(418, "GET", "/echo?message=hi&triggerMultipleErrors=true&statusCode=418")) == 2
    )
    await api.refused(500, "GET", "/echo?message=hi&triggerUnexpectedError=true")
    (error,) = await api.refused(422, "GET", "/echo")
    assert error["message"] == '"message" is required'
