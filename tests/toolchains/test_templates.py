"""Each template in a compiled language: made, built as its README says, and doing what it is expected to."""

from __future__ import annotations

import re

import msgspec
import pytest
import trio
from tests.cli.conftest import Isthmus
from tests.toolchains.compilers import COMPILERS
from tests.toolchains.conftest import TEMPLATES, Built

import isthmus_fetch
import isthmus_wasmtime
from isthmus import FetchError, Function, Kind, Outcome, Request, SettingDefinition, Status, open_engine
from isthmus.abc import FetchRequest, FetchResponse
from isthmus.testing import MockFetcher

pytestmark = pytest.mark.slow
LANGUAGES = sorted(COMPILERS)
TRACK = {
    "type": "track",
    "event": 'Größe \U0001f600 "geändert"',
    "userId": "u\0\n\\1",
    "properties": {"a": [1, 2.5, None, {}], "": [], "deep": {"deep": {"deep": True}}},
}


def test_every_language_has_a_template_of_each_kind() -> None:
    assert set(TEMPLATES) == {(language, kind) for language in LANGUAGES for kind in Kind}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("language", LANGUAGES)
def test_it_does_what_it_is_expected_to(language: str, kind: Kind, built: Built, isthmus: Isthmus) -> None:
    ran = isthmus("test", str(built(language, kind)), plugins=(isthmus_wasmtime, isthmus_fetch))
    assert (ran.status, ran.err) == (0, "")
    told = re.fullmatch(r"✓ (\d) of \1 lines as expected\n✓ (\d) of \2 cases as expected\n", ran.out)
    assert told, ran.out


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_readme_says_how_it_is_built_and_what_its_files_are(language: str, built: Built) -> None:
    template = TEMPLATES[language, Kind.SOURCE]
    readme = (built(language, Kind.SOURCE) / "README.md").read_text()
    assert f"(cd mine && {template.build})  # build it" in readme
    for name in template.files():
        assert re.search(rf"\| `{re.escape(name)}` \| \w", readme), name


async def outcomes(
    built: Built, language: str, kind: Kind, inputs: list[object], fetcher: MockFetcher | None = None
) -> list[Outcome]:
    """What becomes of each of the inputs."""
    module = trio.Path(built(language, kind)) / "function.wasm"
    settings = {"endpoint": "https://api.example/é"} if kind is Kind.DESTINATION else {}
    function = Function(
        name="mine",
        kind=kind,
        language="wasm",
        code=await module.read_bytes(),
        settings=tuple(SettingDefinition(name=name) for name in settings),
    )
    plugins = [isthmus_wasmtime, *([fetcher] if fetcher else [])]
    async with open_engine(plugins=plugins, load_entry_points=False) as engine:
        instance = await engine.load(function, settings=settings)
        return [await engine.invoke(instance, each) for each in inputs]  # type: ignore[arg-type]


def answering(request: FetchRequest) -> FetchResponse:
    status = msgspec.json.decode(request.body or b"null")["userId"]
    if status == "none":
        raise FetchError("no answer came")
    return FetchResponse(status=int(status), reason="", headers=(), body=b'{"ok":true}', url=request.url)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_the_server_answers_decides_what_becomes_of_an_event(language: str, built: Built) -> None:
    cases = {
        "200": (Status.DELIVERED, "", ""),
        "204": (Status.DELIVERED, "", ""),
        "404": (Status.REFUSED, "InvalidEventPayload", "the server answered 404"),
        "429": (Status.RETRY, "RetryError", "the server answered 429"),
        "503": (Status.RETRY, "RetryError", "the server answered 503"),
        "none": (Status.RETRY, "RetryError", "no answer came"),
    }
    fetcher = MockFetcher(answering)
    events: list[object] = [{**TRACK, "userId": case} for case in cases]
    found = await outcomes(built, language, Kind.DESTINATION, events, fetcher)
    told = [
        (each.status, each.problem.name, each.problem.message) if each.problem else (each.status, "", "")
        for each in found
    ]
    assert told == list(cases.values())
    assert [msgspec.json.decode(request.body or b"") for request in fetcher.requests] == events
    assert {(request.method, request.headers) for request in fetcher.requests} == {
        ("POST", (("Content-Type", "application/json"),))
    }


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_handler_that_is_left_out_is_not_there(language: str, built: Built) -> None:
    (outcome,) = await outcomes(built, language, Kind.DESTINATION, [{"type": "alias", "userId": "u"}])
    assert outcome.problem is not None
    assert (outcome.problem.name, outcome.problem.message) == ("EventNotSupported", "alias not supported")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_event_passes_an_insert_as_it_came(language: str, built: Built) -> None:
    (outcome,) = await outcomes(built, language, Kind.INSERT, [TRACK])
    assert outcome.status is Status.DELIVERED
    assert msgspec.json.decode(outcome.value or b"") == TRACK


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_webhook_without_a_user_is_refused(language: str, built: Built) -> None:
    webhooks: list[object] = [
        Request(body=b'{"event":"e"}'),
        Request(body=b'{"user":{"id":""}}'),
        Request(body=b'{"event":"e","user":{"id":"u"},"details":{"a":"\\u00e9"}}'),
    ]
    *refused, taken = await outcomes(built, language, Kind.SOURCE, webhooks)
    for outcome in refused:
        assert outcome.problem is not None
        assert (outcome.problem.name, outcome.problem.message) == (
            "InvalidEventPayload",
            "the webhook names no user",
        )
    assert msgspec.json.decode(taken.messages[1])["properties"] == {"a": "é", "source": "webhook"}
