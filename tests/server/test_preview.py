from __future__ import annotations

import json
from typing import Any

from tests.server.asking import Api, setting

TRACK = {"type": "track", "event": "Seen", "userId": "u1"}


async def previewed(api: Api, kind: str, code: str, payload: object, **more: object) -> Any:
    body = {"function": {"code": code}, "type": kind, "payload": payload} | more
    return await api.done("POST", "/functions/preview", body)


async def test_a_source_function_is_tried_out_on_a_webhook(api: Api) -> None:
    code = """
    async function onRequest(request, settings) {
      const body = request.json();
      console.log('got', body.n, request.url.searchParams.get('q'), request.headers.get('accept'));
      Segment.track({ event: 'Seen', userId: 'u1', properties: body });
      Segment.set({ collection: 'things', id: '1', properties: {} });
    }"""
    payload = {"payload": {"body": {"n": 1}, "headers": {"Accept": ["*/*"]}, "queryParameters": {"q": ["x"]}}}
    for given in (payload, json.dumps(payload)):
        answer = await previewed(api, "SOURCE", code, given)
        assert answer["invoke"]["success"] is True
        output = json.loads(answer["invoke"]["output"])
        assert [event["event"] for event in output["events"]] == ["Seen"]
        assert [thing["collection"] for thing in output["objects"]] == ["things"]
        (line,) = answer["logs"]
        assert line["message"] == "got 1 x */*"
        assert answer["invoke"]["trace"]["trace"]["logs"][0]["value"] == line["message"]
        assert answer["session_id"] == answer["invoke"]["trace"]["source"]


async def test_a_destination_function_is_tried_out_with_settings(api: Api) -> None:
    made = await api.made(
        "DESTINATION",
        "async function onTrack(event, settings) { return settings.apiKey.length }",
        settings=[setting("apiKey", required=True, sensitive=True)],
    )
    body = {
        "function": {"id": made["id"]},
        "type": "DESTINATION",
        "payload": TRACK,
        "settings": {"apiKey": "sesame"},
    }
    answer = await api.done("POST", "/functions/preview", body)
    assert (answer["invoke"]["success"], answer["invoke"]["output"]) == (True, "6")
    (error,) = await api.refused(422, "POST", "/functions/preview", body | {"settings": {}})
    assert error["field"] == "settings"


async def test_what_is_thrown_is_shown(api: Api) -> None:
    code = "async function onTrack(event) { console.log('before'); throw new RetryError('later') }"
    answer = await previewed(api, "DESTINATION", code, TRACK)
    assert answer["invoke"]["success"] is False
    assert (answer["invoke"]["error"]["name"], answer["invoke"]["error"]["message"]) == (
        "RetryError",
        "later",
    )
    assert [line["message"] for line in answer["logs"]] == ["before"]


async def test_code_that_does_not_load_is_shown(api: Api) -> None:
    answer = await previewed(api, "DESTINATION", "function onTrack( {", TRACK)
    assert answer["invoke"]["success"] is False
    assert answer["invoke"]["error"]["code"] == "bad_deploy"
    assert "function" in answer["invoke"]["output"]


async def test_a_batch_is_tried_out(api: Api) -> None:
    code = """
    async function onTrack(event) { return 'alone' }
    async function onBatch(events) { return events.map(() => ({ status: 200 })) }"""
    answer = await previewed(api, "DESTINATION", code, [TRACK, TRACK])
    assert json.loads(answer["invoke"]["output"]) == [{"status": 200}, {"status": 200}]
    alone = await previewed(
        api, "DESTINATION", "async function onTrack(event) { return event.userId }", [TRACK, TRACK]
    )
    assert json.loads(alone["invoke"]["output"]) == ["u1", "u1"]


async def test_an_insert_function_shows_the_event_that_goes_on(api: Api) -> None:
    code = "async function onTrack(event) { event.userId = 'u2'; return event }"
    answer = await previewed(api, "INSERT_DESTINATION", code, TRACK)
    assert json.loads(answer["invoke"]["output"]) == TRACK | {"userId": "u2"}


async def test_a_payload_that_is_none(api: Api) -> None:
    for kind, payload in (
        ("DESTINATION", "x"),
        ("DESTINATION", "[]"),
        ("DESTINATION", [1]),
        ("SOURCE", "[1]"),
    ):
        body = {"function": {"code": ""}, "type": kind, "payload": payload}
        errors = await api.refused(422, "POST", "/functions/preview", body)
        assert {error["field"] for error in errors} == {"payload"}


async def test_a_function_has_to_be_given(api: Api) -> None:
    body = {"function": {}, "type": "DESTINATION", "payload": TRACK}
    (error,) = await api.refused(422, "POST", "/functions/preview", body)
    assert error["field"] == "function.code"
    await api.refused(400, "POST", "/functions/preview", body | {"function": {"id": "nothing"}})
    await api.refused(
        400, "POST", "/functions/preview", body | {"function": {"code": "", "language": "cobol"}}
    )
