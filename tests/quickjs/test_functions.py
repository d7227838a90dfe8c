"""Functions as people write them for Segment, each in a file of its own, run as written through the whole engine.

``functions/NAME.js`` is the code.  ``functions/NAME.json`` says of which kind it is, what its API answers (``replies``: by
method and URL, one after the other, the last for good), and of each call what goes in and what is to come of it.  What a
call says nothing of is not looked at, but for requests and a problem: there are none, unless they are named.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio

import isthmus_quickjs
from isthmus import Engine, Function, Kind, Outcome, Request, SettingDefinition, SettingType, open_engine
from isthmus.abc import Egress, Fetcher, FetchRequest, FetchResponse, Hop
from isthmus.errors import FetchError
from isthmus.hookspecs import hookimpl

FUNCTIONS = Path(__file__).parent / "functions"
NAMES = sorted(path.stem for path in FUNCTIONS.glob("*.json"))
TYPES = {
    str: SettingType.STRING,
    bool: SettingType.BOOLEAN,
    list: SettingType.ARRAY,
    dict: SettingType.TEXT_MAP,
}


class Api(Fetcher):
    """Answers as it was told, and notes what it was asked."""

    def __init__(self, replies: Mapping[str, Sequence[dict[str, Any]]]) -> None:
        self._replies = {asked: list(answers) for asked, answers in replies.items()}
        self.requests: list[FetchRequest] = []

    @hookimpl
    def isthmus_fetcher(self) -> Fetcher:
        return self

    async def fetch(
        self,
        request: FetchRequest,
        egress: Egress,
        *,
        max_response_bytes: int,
        on_hop: Callable[[Hop], None],
    ) -> FetchResponse:
        self.requests.append(request)
        await trio.lowlevel.checkpoint()
        answers = self._replies.get(f"{request.method} {request.url}")
        if answers is None:
            raise FetchError(f"nothing answers {request.method} {request.url}", code="ENOTFOUND")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if "hang" in answer:
            await trio.sleep_forever()
        if "error" in answer:
            raise FetchError(
                f"request to {request.url} failed, reason: {answer['error']}", code=answer["error"]
            )
        headers = {"content-type": "application/json"} if "json" in answer else {}
        body = json.dumps(answer["json"]) if "json" in answer else answer.get("text", "")
        return FetchResponse(
            status=answer.get("status", 200),
            reason=answer.get("reason", ""),
            headers=tuple((headers | answer.get("headers", {})).items()),
            body=base64.b64decode(answer["base64"]) if "base64" in answer else body.encode(),
            url=request.url,
        )


@pytest.mark.parametrize("name", NAMES)
async def test_a_function_does_what_it_does_at_segment(name: str) -> None:
    case = json.loads((FUNCTIONS / f"{name}.json").read_text())
    api = Api(case.get("replies", {}))
    settings = case.get("settings", {})
    function = Function(
        name=name,
        kind=Kind(case["kind"]),
        language="javascript",
        code=(FUNCTIONS / f"{name}.js").read_text(),
        file=f"{name}.js",
        settings=tuple(
            SettingDefinition(name=key, type=TYPES[type(value)]) for key, value in settings.items()
        ),
        lenient=case.get("lenient", False),
        isolation=case.get("isolation", "call"),
    )
    async with open_engine(plugins=[isthmus_quickjs, api], load_entry_points=False) as engine:
        instance = await engine.load(function, settings=settings)
        for expected in case["calls"]:
            api.requests.clear()
            outcome = await _invoke(engine, instance, expected)
            _compare(expected, outcome, api.requests)


async def _invoke(engine: Engine, instance: Any, call: dict[str, Any]) -> Outcome:
    if "request" in call:
        request = call["request"]
        body = request.get("body", "")
        return await engine.invoke(
            instance,
            Request(
                url=request.get("url", "https://fn.segmentapis.com/?b=c291cmNl"),
                headers=tuple(request.get("headers", {"Content-Type": "application/json"}).items()),
                body=(body if isinstance(body, str) else json.dumps(body)).encode(),
            ),
        )
    if "batch" in call:
        return await engine.invoke_batch(instance, call["batch"])
    return await engine.invoke(instance, call["event"])


def _compare(expected: dict[str, Any], outcome: Outcome, requests: Sequence[FetchRequest]) -> None:
    problem = outcome.problem
    wanted = expected.get("problem")
    found = None if problem is None else [problem.name, problem.message]
    # The words of the language's own errors differ between engines: where a name alone is wanted, they do not count.
    assert found == wanted or (found and found[:1] == wanted), outcome
    assert outcome.status.value == expected.get("status", "delivered"), outcome
    asked = sorted(expected.get("requests", []), key=lambda one: str(one["to"]))
    sent = sorted(requests, key=_target)  # those of Promise.all go out in any order
    assert [_target(request) for request in sent] == [one["to"] for one in asked]
    for request, one in zip(sent, asked, strict=True):
        headers = {key.lower(): value for key, value in request.headers}
        for key, value in one.get("headers", {}).items():
            assert headers.get(key) == value, headers
        if "body" in one:
            assert _read(request.body, one["body"]) == one["body"]
    if "value" in expected:
        assert json.loads(bytes(outcome.value or b"null")) == expected["value"]
    if "messages" in expected:
        assert [json.loads(bytes(message)) for message in outcome.messages] == expected["messages"]
    if "items" in expected:
        assert [item.status.value for item in outcome.items] == expected["items"], outcome.items
    if "events" in expected:
        assert [json.loads(bytes(item.event)) if item.event else None for item in outcome.items] == expected[
            "events"
        ]
    if "logs" in expected:
        assert [line.text for line in outcome.logs] == expected["logs"]


def _target(request: FetchRequest) -> str:
    return f"{request.method} {request.url}"


def _read(body: bytes | None, wanted: object) -> object:
    text = (body or b"").decode()
    return text if isinstance(wanted, str) else json.loads(text)


def test_there_are_many_of_every_kind() -> None:
    kinds = [json.loads((FUNCTIONS / f"{name}.json").read_text())["kind"] for name in NAMES]
    assert len(kinds) >= 40
    assert {kind: kinds.count(kind) >= 3 for kind in Kind} == dict.fromkeys(Kind, True)
