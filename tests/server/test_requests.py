"""What holds for every operation: who may, in which form, how much."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

import pytest
from tests.server.asking import Api, setting

from isthmus_server.api import RateLimit
from isthmus_server.api.mediatypes import MEDIA_TYPES
from isthmus_server.api.table import ROUTES
from isthmus_server.store import Grant, Role

LIST = "/functions?resourceType=SOURCE"
BODY = {"code": "// one", "displayName": "Fn", "resourceType": "SOURCE"}

ALLOWED = {
    Role.OWNER: {route.operation for route in ROUTES},
    Role.FUNCTIONS_ADMIN: {
        *("getWorkspace", "echo", "previewFunction"),
        *("listFunctions", "createFunction", "getFunction", "updateFunction", "deleteFunction"),
        *(
            "listFunctionVersions",
            "getFunctionVersion",
            "restoreFunctionVersion",
            "restoreFunctionVersionByAlias",
        ),
        *("listInsertFunctionInstances", "createInsertFunctionInstance", "getInsertFunctionInstance"),
        *("updateInsertFunctionInstance", "deleteInsertFunctionInstance"),
        *("getSourcesCatalog", "getSourceMetadata", "getDestinationsCatalog", "getDestinationMetadata"),
    },
    Role.FUNCTIONS_READ_ONLY: {
        *("getWorkspace", "echo"),
        *("listFunctions", "getFunction", "listFunctionVersions", "getFunctionVersion"),
        *("listInsertFunctionInstances", "getInsertFunctionInstance"),
        *("getSourcesCatalog", "getSourceMetadata", "getDestinationsCatalog", "getDestinationMetadata"),
    },
    Role.SOURCE_ADMIN: {
        *(
            "getIngressSuccessfullyReceivedFromDeliveryOverview",
            "getIngressFailedOnIngestFromDeliveryOverview",
        ),
        *(
            "getIngressFilteredAtSourceFromDeliveryOverview",
            "getEgressFilteredAtDestinationFromDeliveryOverview",
        ),
        *("getEgressFailedDeliveryFromDeliveryOverview", "getEgressSuccessfulDeliveryFromDeliveryOverview"),
        "listDeliveryMetricsSummaryFromDestination",
        *("getWorkspace", "echo", "createFunctionDeployment"),
        *("listInsertFunctionInstances", "createInsertFunctionInstance", "getInsertFunctionInstance"),
        *("updateInsertFunctionInstance", "deleteInsertFunctionInstance"),
        *("listSources", "createSource", "getSource", "updateSource", "deleteSource"),
        *("createWriteKeyForSource", "removeWriteKeyFromSource", "listConnectedDestinationsFromSource"),
        *(
            "listDestinations",
            "createDestination",
            "getDestination",
            "updateDestination",
            "deleteDestination",
        ),
        *("getSourcesCatalog", "getSourceMetadata", "getDestinationsCatalog", "getDestinationMetadata"),
    },
}
"""What each role may do, written down apart from the table that says so."""


async def test_every_operation_wants_its_role(api: Api) -> None:
    api = Api(api.store, api.engine, api.token, RateLimit(points=100_000, failures=100_000))
    tokens = {role: await api.token_for(Grant(role)) for role in Role}
    tokens_of_one = {role: await api.token_for(Grant(role, ("one",))) for role in Role}
    without = await api.token_for()
    for route in ROUTES:
        path = re.sub(r"\{\w+\}", "nothing", route.path)
        assert (await api.ask(route.method, path, token="")).status_code == 401, route.operation
        assert (await api.ask(route.method, path, token="wrong")).status_code == 401, route.operation
        assert (await api.ask(route.method, path, token=without)).status_code == 403, route.operation
        for role, token in tokens.items():
            status = (await api.ask(route.method, path, token=token)).status_code
            assert (status != 403) == (route.operation in ALLOWED[role]), (route.operation, role, status)
            assert status != 401
        for role, token in tokens_of_one.items():
            status = (await api.ask(route.method, path, token=token)).status_code
            assert status == 403 or (route.scoped and route.operation in ALLOWED[role]), (
                route.operation,
                role,
            )


async def test_a_role_over_one_function_is_over_that_one(api: Api) -> None:
    one, two = await api.made("DESTINATION"), await api.made("DESTINATION")
    token = await api.token_for(Grant(Role.FUNCTIONS_ADMIN, (one["catalogId"],)))
    listed = await api.ask("GET", "/functions?resourceType=DESTINATION", token=token)
    assert [function["id"] for function in listed.json()["data"]["functions"]] == [one["id"]]
    assert (
        await api.ask("PATCH", f"/functions/{one['id']}", {"code": "// 2"}, token=token)
    ).status_code == 200
    for method, path in (
        ("PATCH", ""),
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/versions"),
        ("GET", "/versions/LATEST"),
    ):
        await api.refused(403, method, f"/functions/{two['id']}{path}", {}, token=token)
    await api.refused(403, "POST", "/functions", BODY, token=token)
    preview = {"function": {"id": two["id"]}, "type": "DESTINATION", "payload": {"type": "track"}}
    await api.refused(403, "POST", "/functions/preview", preview, token=token)
    await api.refused(403, "POST", "/functions/preview", preview | {"function": {"code": "//"}}, token=token)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic dDp0", "Bearer ünknown", "Bearer " + "x" * 1000]
)
async def test_a_token_that_is_none(api: Api, header: str) -> None:
    headers = {b"Authorization": header.encode("latin-1")}
    answer = await api.ask("GET", LIST, token="", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["errors"][0]["type"] == "unauthorized"


async def test_a_revoked_token_is_none(api: Api) -> None:
    kept, plain = await api.store.write(lambda tx: tx.tokens.create("some", [Grant(Role.OWNER)]))
    assert (await api.ask("GET", "/", token=plain)).status_code == 200
    await api.store.write(lambda tx: tx.tokens.revoke(kept.id))
    assert (await api.ask("GET", "/", token=plain)).status_code == 401


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
async def test_choice_10_seven_media_types_are_taken(api: Api, media_type: str) -> None:
    assert len(MEDIA_TYPES) == 7
    headers = {"Accept": media_type, "Content-Type": media_type}
    content = b'{"code": "", "displayName": "Fn", "resourceType": "SOURCE"}'
    answer = await api.ask("POST", "/functions", content=content, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 200),
        ("application/*;q=0.1", 200),
        ("text/html, application/vnd.segment.v1+json;q=0.9", 200),
        ("text/html", 406),
        ("application/xml", 406),
        ("application/vnd.segment.v9+json", 406),
        ("application/json;q=0", 406),
        ("", 200),
    ],
)
async def test_choice_10_what_is_asked_for_is_json_or_406(api: Api, accept: str, status: int) -> None:
    assert (await api.ask("GET", LIST, headers={"Accept": accept})).status_code == status


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"a=1", "application/x-www-form-urlencoded", 415),
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'"text"', "application/json", 422),
        (b"null", "application/json", 422),
        (b'{"code": "\\ud800"}', "application/json", 400),
    ],
)
async def test_a_body_that_is_none(api: Api, content: bytes, content_type: str, status: int) -> None:
    await api.refused(status, "POST", "/functions", content=content, headers={"Content-Type": content_type})


async def test_a_body_is_bounded(api: Api) -> None:
    await api.refused(413, "POST", "/functions", content=b" " * (6 * 2**20 + 1))


async def test_text_that_no_database_takes_is_refused(api: Api) -> None:
    (error,) = await api.refused(422, "POST", "/functions", BODY | {"code": "\0"})
    assert error["field"] == "code"


@pytest.mark.parametrize("path", ["/nothing", "/functions/", "/functions/a/b/c", "/functions/a%2Fb"])
async def test_a_path_that_is_none(api: Api, path: str) -> None:
    (error,) = await api.refused(404, "GET", path)
    assert error["type"] == "not-found"


async def test_a_method_that_is_none_here(api: Api) -> None:
    answer = await api.ask("PUT", "/functions")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"
    assert answer.json()["errors"][0]["type"] == "method-not-allowed"


async def test_head_is_get_without_its_body(api: Api) -> None:
    answer = await api.ask("HEAD", LIST)
    assert (answer.status_code, answer.content) == (200, b"")


async def test_what_is_left_is_said(api: Api) -> None:
    first = await api.ask("GET", LIST)
    second = await api.ask("GET", LIST)
    assert int(second.headers["x-ratelimit-consumed"]) == int(first.headers["x-ratelimit-consumed"]) + 1
    assert int(second.headers["x-ratelimit-remaining"]) == int(first.headers["x-ratelimit-remaining"]) - 1
    assert parsedate_to_datetime(first.headers["x-ratelimit-reset"]).year > 2000


async def test_who_asks_too_much_is_told_when_to_come_back(api: Api) -> None:
    limited = Api(api.store, api.engine, api.token, RateLimit(points=2))
    other = await api.token_for(Grant(Role.OWNER))
    for _ in range(2):
        assert (await limited.ask("GET", LIST)).status_code == 200
    answer = await limited.ask("GET", LIST)
    assert answer.status_code == 429
    (error,) = answer.json()["errors"]
    assert (error["type"], error["message"]) == ("RequestError", "Too many requests")
    assert error["data"]["remainingPoints"] == 0
    assert error["data"]["consumedPoints"] == 3
    assert 0 < int(answer.headers["retry-after"]) <= 61
    assert (await limited.ask("GET", LIST, token=other)).status_code == 200


async def test_guessing_tokens_is_slowed_down_and_known_ones_are_heard(api: Api) -> None:
    limited = Api(api.store, api.engine, api.token, RateLimit(failures=2))
    statuses = [(await limited.ask("GET", LIST, token="guess")).status_code for _ in range(4)]
    assert statuses == [401, 401, 429, 429]
    assert (await limited.ask("GET", LIST)).status_code == 200


async def test_secrets_are_in_no_answer_and_no_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    secret = "sesame-open-123"
    source = await api.done(
        "POST", "/sources", {"slug": "web", "enabled": True, "metadataId": "iUM16Md8P2"}, 201
    )
    function = await api.made("DESTINATION", settings=[setting("apiKey", sensitive=True)])
    body = {
        "sourceId": source["source"]["id"],
        "metadataId": function["catalogId"],
        "settings": {"apiKey": secret},
    }
    made = (await api.done("POST", "/destinations", body))["destination"]
    paths = ("/destinations", f"/destinations/{made['id']}", f"/sources/{made['sourceId']}", "/audit-events")
    answers = [made, *[await api.done("GET", path) for path in paths]]
    answers += await api.refused(422, "PATCH", paths[1], {"settings": {"x": secret}})
    snapshot = await api.store.snapshot()
    assert secret not in f"{answers}{snapshot}{caplog.text}"
    assert snapshot.destinations[0].function is not None
    assert snapshot.destinations[0].function.settings == {"apiKey": secret}
    assert api.token not in f"{answers}{snapshot}{caplog.text}"
