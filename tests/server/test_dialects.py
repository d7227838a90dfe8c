"""Requests as other clients of Segment's API were seen to write them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tests.server.asking import Api, setting

V1 = "application/vnd.segment.v1+json"
ALPHA = "application/vnd.segment.v1alpha+json"


async def asked(
    api: Api,
    method: str,
    path: str,
    accept: str,
    content: bytes = b"",
    *,
    kind: str = "application/json",
    agent: str = "",
) -> Any:
    sent = {"Accept": accept, "User-Agent": agent} | ({"Content-Type": kind} if content else {})
    answer = await api.ask(method, path, content=content or None, headers=sent)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()["data"]


async def test_python_sdk(api: Api) -> None:
    agent = "Public API SDK 73.2.0 (Python)"
    body = (
        b'{"code": "// My source function", "settings": [{"name": "apiKey", "label": "api key", "description": "api key", '
        b'"type": "STRING", "required": false, "sensitive": false}], "displayName": "PAPI Source Function", '
        b'"resourceType": "INSERT_SOURCE", "description": "d"}'
    )
    made = (await asked(api, "POST", "/functions", V1, body, agent=agent))["function"]
    pagination = quote('{"cursor": "MA==", "count": 10}')
    listed = await asked(
        api, "GET", f"/functions?pagination={pagination}&resourceType=INSERT_SOURCE", V1, agent=agent
    )
    assert [function["id"] for function in listed["functions"]] == [made["id"]]
    assert isinstance(listed["pagination"]["current"], str)
    assert (await asked(api, "GET", "/functions?resourceType=INSERT_SOURCE", V1))["functions"]

    pagination = quote('{"count": 2}')
    versions = await asked(api, "GET", f"/functions/{made['id']}/versions?pagination={pagination}", ALPHA)
    restore = b'{"versionId": "%s"}' % versions["versions"][0]["id"].encode()
    restored = await asked(
        api, "POST", f"/functions/{made['id']}/versions", ALPHA, restore, kind=ALPHA, agent=agent
    )
    assert {"id", "code"} <= restored["version"].keys()

    source = await asked(
        api, "POST", "/sources", V1, b'{"slug": "web", "enabled": true, "metadataId": "iUM16Md8P2"}'
    )
    instance = (
        b'{"functionId": "%s", "integrationId": "%s", "enabled": true, "name": null, "settings": {"apiKey": "abc"}}'
        % (made["catalogId"].encode(), source["source"]["id"].encode())
    )
    put = await asked(api, "POST", "/insert-function-instances", ALPHA, instance, kind=ALPHA, agent=agent)
    shown = put["insertFunctionInstance"]
    assert (shown["name"], shown["settings"], shown["encryptedSettings"]) == (None, {"apiKey": "abc"}, {})


async def test_what_the_python_sdk_insists_on(api: Api) -> None:
    made = await api.made("DESTINATION", settings=[setting("apiKey")])
    for function in (made, (await api.done("GET", f"/functions/{made['id']}"))["function"]):
        assert function["resourceType"] in {"DESTINATION", "SOURCE", "INSERT_DESTINATION", "INSERT_SOURCE"}
        assert isinstance(function["createdAt"], str)
        for definition in function["settings"]:
            assert definition.keys() == {"name", "label", "description", "type", "required", "sensitive"}
            assert None not in definition.values()
    answer = await api.ask("GET", "/functions/nothing", headers={"Accept": V1})
    assert answer.status_code == 404
    assert isinstance(answer.json()["errors"][0]["type"], str)


async def test_terraform(api: Api) -> None:
    agent = "Segment (terraform 1.0.0)"
    body = (
        b'{"code":"// My function code","displayName":"My source function","logoUrl":"https://example.com/l.svg",'
        b'"resourceType":"SOURCE","description":"A","settings":[{"description":"api key","label":"api key","name":"apiKey",'
        b'"required":false,"sensitive":false,"type":"STRING"}]}'
    )
    made = (await asked(api, "POST", "/functions", V1, body, agent=agent))["function"]
    path = f"/functions/{made['id']}"
    assert (await asked(api, "GET", path, V1, agent=agent))["function"] == made
    update = (
        b'{"code":"// two","description":"A","displayName":"My source function","logoUrl":"","settings":[]}'
    )
    changed = (await asked(api, "PATCH", path, V1, update, agent=agent))["function"]
    assert (changed["settings"], changed["logoUrl"], changed["code"]) == ([], "", "// two")
    assert (await asked(api, "DELETE", path, V1, agent=agent)) == {"status": "SUCCESS"}
    answer = await api.ask("GET", path)
    assert answer.status_code == 404, "the provider takes this for a resource that is gone"


async def test_scripts_that_match_by_the_shown_name(api: Api) -> None:
    workspace = (await api.done("GET", "/"))["workspace"]["name"]
    made = await api.made("DESTINATION", displayName="Sync")
    listed = await api.done("GET", "/functions?pagination[count]=200&resourceType=DESTINATION")
    (found,) = [each for each in listed["functions"] if each["displayName"] == f"Sync ({workspace})"]
    assert found["id"] == made["id"]


async def test_scripts_that_save_and_deploy(api: Api) -> None:
    made = await api.made("SOURCE")
    body = {"slug": "hooks", "enabled": True, "metadataId": made["catalogId"]}
    source = (await api.done("POST", "/sources", body, 201))["source"]
    await api.done("PATCH", f"/functions/{made['id']}", {"code": "async function onRequest() {}"})
    await api.done("POST", f"/functions/sfn_{source['id']}/deploy", {"functionId": f"sfn_{source['id']}"})
    (running,) = (await api.store.snapshot()).sources
    assert running.function is not None
    assert running.function.function.code == "async function onRequest() {}"
