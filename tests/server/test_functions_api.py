from __future__ import annotations

import base64
import re

import pytest
from tests.server.asking import Api, setting

API_KEY = setting("apiKey", required=True, sensitive=True)


async def test_a_function_is_shown_in_segments_shape(api: Api) -> None:
    made = await api.made("SOURCE", description="d", settings=[API_KEY])
    assert re.fullmatch(r"sfnc_[0-9A-Za-z]{22}", made["id"])
    assert made["catalogId"] == made["id"].removeprefix("sfnc_")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", made["createdAt"])
    assert {
        name: made[name] for name in ("displayName", "code", "description", "settings", "resourceType")
    } == {
        "displayName": "Fn",
        "code": "// one",
        "description": "d",
        "settings": [API_KEY],
        "resourceType": "SOURCE",
    }
    assert (made["buildpack"], made["batchMaxCount"], made["deployedAt"], made["isLatestVersion"]) == (
        "boreal",
        0,
        None,
        False,
    )
    assert (await api.done("GET", f"/functions/{made['id']}"))["function"] == made


@pytest.mark.parametrize(
    ("kind", "shape", "name"),
    [
        ("DESTINATION", r"dfn_[0-9a-f]{24}", "Fn (Acme)"),
        ("INSERT_DESTINATION", r"ifnd_[0-9a-f]{24}", "Fn"),
        ("INSERT_SOURCE", r"ifns_[0-9a-f]{24}", "Fn"),
    ],
)
async def test_other_kinds_run_from_the_beginning(api: Api, kind: str, shape: str, name: str) -> None:
    made = await api.made(kind)
    assert re.fullmatch(shape, made["id"])
    assert made["displayName"] == name
    assert made["isLatestVersion"] is True
    assert made["deployedAt"] == made["createdAt"]


async def test_a_list_has_no_code(api: Api) -> None:
    made = await api.made("DESTINATION", settings=[API_KEY])
    await api.made("SOURCE")
    listed = await api.done("GET", "/functions?resourceType=DESTINATION")
    fields = (
        "id",
        "resourceType",
        "createdAt",
        "createdBy",
        "displayName",
        "description",
        "logoUrl",
        "catalogId",
    )
    assert listed["functions"] == [{name: made[name] for name in fields}]
    assert listed["pagination"] == {"current": "MA==", "next": None, "previous": None, "totalEntries": 1}


@pytest.mark.parametrize(
    "query",
    [
        "pagination.count=2&pagination.cursor=MQ%3D%3D",
        "pagination%5Bcount%5D=2&pagination%5Bcursor%5D=MQ%3D%3D",
        "pagination%5Bcount%5D=2&pagination%5Bcursor%5D=MQ==",
        "pagination=%7B%22cursor%22%3A%20%22MQ%3D%3D%22%2C%20%22count%22%3A%202%7D",
    ],
)
async def test_choice_11_pagination_in_a_query(api: Api, query: str) -> None:
    ids = [(await api.made("SOURCE"))["id"] for _ in range(4)]
    listed = await api.done("GET", f"/functions?{query}&resourceType=SOURCE")
    assert [function["id"] for function in listed["functions"]] == ids[1:3]
    assert listed["pagination"] == {"current": "MQ==", "next": "Mw==", "previous": "MA==", "totalEntries": 4}


async def test_choice_11_pagination_in_a_body(api: Api) -> None:
    ids = [(await api.made("SOURCE"))["id"] for _ in range(3)]
    body = {"pagination": {"count": 1, "cursor": "Mg=="}, "resourceType": "SOURCE"}
    listed = await api.done("GET", "/functions", body)
    assert [function["id"] for function in listed["functions"]] == ids[2:]


async def test_every_field_at_fault_has_an_entry(api: Api) -> None:
    body = {"code": 1, "resourceType": "NONE", "settings": [API_KEY | {"type": "INT"}, {"name": ""}]}
    errors = await api.refused(422, "POST", "/functions", body)
    assert {error["field"] for error in errors} == {
        "code",
        "displayName",
        "resourceType",
        "settings[0].type",
        "settings[1].name",
        "settings[1].label",
        "settings[1].description",
        "settings[1].type",
        "settings[1].required",
        "settings[1].sensitive",
    }
    assert {error["type"] for error in errors} == {"input-validation"}
    messages = {error["field"]: error["message"] for error in errors}
    assert messages["displayName"] == '"displayName" is required'
    assert messages["code"] == '"code" must be a string'
    assert (
        messages["settings[0].type"] == '"settings[0].type" must be one of [STRING, BOOLEAN, ARRAY, TEXT_MAP]'
    )
    assert messages["settings[1].name"] == '"settings[1].name" is not allowed to be empty'


async def test_what_is_not_given_stays(api: Api) -> None:
    made = await api.made("DESTINATION", description="d", settings=[API_KEY])
    changed = (await api.done("PATCH", f"/functions/{made['id']}", {"code": "// two"}))["function"]
    assert changed == made | {"code": "// two", "deployedAt": changed["deployedAt"]}
    assert changed["isLatestVersion"] is True


async def test_the_workspaces_name_is_not_added_twice(api: Api) -> None:
    made = await api.made("DESTINATION")
    changed = await api.done("PATCH", f"/functions/{made['id']}", {"displayName": made["displayName"]})
    assert changed["function"]["displayName"] == "Fn (Acme)"


async def test_code_that_would_feed_itself_is_refused(api: Api) -> None:
    body = {"code": "fetch('https://fn.segmentapis.com/?b=x')", "displayName": "Fn", "resourceType": "SOURCE"}
    (error,) = await api.refused(400, "POST", "/functions", body)
    assert "originating source" in error["message"]


async def test_a_deleted_function_is_gone(api: Api) -> None:
    made = await api.made("SOURCE")
    assert await api.done("DELETE", f"/functions/{made['id']}") == {"status": "SUCCESS"}
    (error,) = await api.refused(404, "GET", f"/functions/{made['id']}")
    assert error == {"type": "not-found", "message": f"Function {made['id']} not found."}


async def test_versions_latest_deployed_and_restored(api: Api) -> None:
    made = await api.made("DESTINATION")
    path = f"/functions/{made['id']}/versions"
    await api.done("PATCH", f"/functions/{made['id']}", {"code": "// two"})
    two, one = (await api.done("GET", path))["versions"]
    assert (one["code"], one["isDeployed"], two["code"], two["isDeployed"]) == (
        "// one",
        False,
        "// two",
        True,
    )
    assert re.fullmatch(r"[0-9A-Za-z]{27}", one["id"])
    restored = (await api.done("POST", path, {"versionId": one["id"]}))["version"]
    assert (restored["code"], restored["isDeployed"]) == ("// one", False)
    assert (await api.done("GET", f"{path}/LATEST"))["version"] == restored
    assert (await api.done("GET", f"{path}/DEPLOYED"))["version"]["id"] == two["id"]
    function = (await api.done("GET", f"/functions/{made['id']}"))["function"]
    assert (function["code"], function["isLatestVersion"]) == ("// one", False)


async def test_choice_9_restore_has_an_alias(api: Api) -> None:
    made = await api.made("SOURCE")
    one = (await api.done("GET", f"/functions/{made['id']}/versions/LATEST"))["version"]
    restored = await api.done("POST", f"/functions/{made['id']}/restore", {"versionId": one["id"]})
    assert restored["version"]["id"] != one["id"]


async def test_a_source_function_is_deployed_source_by_source(api: Api) -> None:
    made = await api.made("SOURCE")
    body = {"slug": "hooks", "enabled": True, "metadataId": made["catalogId"]}
    source = (await api.done("POST", "/sources", body, 201))["source"]
    answer = await api.done("POST", f"/functions/sfn_{source['id']}/deploy")
    assert answer == {"functionDeployment": {"status": "SUCCESS"}}
    function = (await api.done("GET", f"/functions/{made['id']}"))["function"]
    assert function["isLatestVersion"] is True
    assert function["deployedAt"] is not None


@pytest.mark.parametrize("what", ["sfn_nothing", "sfn_", "{id}", "{catalogId}", "nothing"])
async def test_only_a_source_of_a_function_is_deployed(api: Api, what: str) -> None:
    made = await api.made("SOURCE")
    (error,) = await api.refused(400, "POST", f"/functions/{what.format(**made)}/deploy")
    assert error["type"] == "bad-request"
    assert "valid Source function instance ID" in error["message"]


# ------------------------------------------------------------ insert instances


async def with_destination(api: Api) -> str:
    body = {"slug": "web", "enabled": True, "metadataId": "iUM16Md8P2"}
    source = (await api.done("POST", "/sources", body, 201))["source"]
    function = await api.made("DESTINATION")
    made = {"sourceId": source["id"], "metadataId": function["catalogId"], "settings": {}}
    return str((await api.done("POST", "/destinations", made))["destination"]["id"])


async def test_an_insert_instance_and_its_settings(api: Api) -> None:
    destination = await with_destination(api)
    insert = await api.made("INSERT_DESTINATION", settings=[API_KEY, setting("region")])
    body = {
        "functionId": insert["catalogId"],
        "integrationId": destination,
        "name": "mask",
        "settings": {"apiKey": "sesame", "region": "eu"},
    }
    made = (await api.done("POST", "/insert-function-instances", body))["insertFunctionInstance"]
    assert re.fullmatch(r"[0-9a-f]{24}", made["id"])
    assert (made["classId"], made["integrationId"], made["enabled"], made["name"]) == (
        insert["catalogId"],
        destination,
        False,
        "mask",
    )
    assert made["settings"] == {"region": "eu"}
    assert made["encryptedSettings"] == {"apiKey": "••••••••••"}
    path = f"/insert-function-instances/{made['id']}"
    body = {"enabled": True, "settings": made["settings"] | made["encryptedSettings"]}
    changed = (await api.done("PATCH", path, body))["insertFunctionInstance"]
    assert changed == made | {"enabled": True, "updatedAt": changed["updatedAt"]}
    kept = await api.store.read(lambda tx: tx.inserts.get(made["id"]))
    assert kept.settings.values == {"apiKey": "sesame", "region": "eu"}
    for given in (insert["id"], insert["catalogId"]):
        listed = await api.done(
            "GET", f"/insert-function-instances?functionId={given}&pagination%5Bcount%5D=5"
        )
        assert listed["instances"] == [changed]
    assert await api.done("DELETE", path) == {"status": "SUCCESS"}
    await api.refused(404, "GET", path)


async def test_an_insert_instance_of_what_is_no_insert_function(api: Api) -> None:
    destination = await with_destination(api)
    body = {"functionId": "nothing", "integrationId": destination, "name": "n", "settings": {}}
    (error,) = await api.refused(400, "POST", "/insert-function-instances", body)
    assert error == {"type": "bad-request", "message": "Insert function nothing not found."}


async def test_settings_at_fault_have_an_entry_each(api: Api) -> None:
    destination = await with_destination(api)
    insert = await api.made("INSERT_DESTINATION", settings=[API_KEY, setting("flags", type="ARRAY")])
    body = {
        "functionId": insert["id"],
        "integrationId": destination,
        "settings": {"flags": "sesame", "x": "sesame"},
    }
    errors = await api.refused(422, "POST", "/insert-function-instances", body)
    assert {error["field"] for error in errors} == {"settings.apiKey", "settings.flags", "settings.x"}
    assert "sesame" not in str(errors)


@pytest.mark.parametrize("cursor", ["x", "LTE=", base64.b64encode(b"9" * 40).decode(), "MA", "é"])
async def test_a_cursor_that_is_none_is_refused(api: Api, cursor: str) -> None:
    path = "/functions?resourceType=SOURCE&pagination.cursor="
    (error,) = await api.refused(422, "GET", path + cursor)
    assert error["field"] == "pagination.cursor"
