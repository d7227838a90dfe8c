"""Tapes over the scripted runtime: what is on them, what replaying them shows, and what is never in their bytes."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
import trio
from hypothesis import assume, given, settings, strategies as st

from isthmus import EngineError, FetchError, Kind, Outcome, Request, Status, TapeError
from isthmus._taping.concealing import placeholder
from isthmus.abc import FetchRequest, FetchResponse
from isthmus.tapes import (
    Answered,
    Divergence,
    Fetch,
    Recording,
    Replayed,
    Sleep,
    Tape,
    decode,
    directory,
    encode,
    key_of,
    read_head,
)
from isthmus.testing import Handler, MockFetcher, ScriptedRuntime, Throw, World

from .scripted import TRACK, engine_with, function, secret_settings

KEY = bytes(range(32))
SECRET = "sk-Live_9Qz7Tt4LmN8"
Tapes = list[tuple[Tape, bytes]]


def keep_in(tapes: Tapes) -> Callable[[Tape, bytes], str]:
    def keep(tape: Tape, data: bytes) -> str:
        tapes.append((tape, data))
        return f"tape {len(tapes)}"

    return keep


def value_of(outcome: Outcome) -> bytes:
    return bytes(outcome.value or b"")


def request(path: str = "", body: bytes | None = None) -> FetchRequest:
    return FetchRequest(url=f"https://api.example/{path}", method="POST" if body else "GET", body=body)


def echo(asked: FetchRequest) -> FetchResponse:
    if asked.url.endswith("/broken"):
        raise FetchError("it broke", code="ECONNRESET")
    return FetchResponse(status=200, body=b"echo of " + asked.url.encode() + (asked.body or b""))


async def all_effects(event: dict[str, Any], settings: dict[str, Any], world: World) -> object:
    """Asks for everything there is."""
    host = world.host
    host.log("log", f"seed {world.call.seed.hex()} now {world.call.now}")
    first = await host.fetch(request("one", b"body"))
    try:
        await host.fetch(request("broken"))
    except FetchError as error:
        host.log("warn", f"{error} {error.code}")
    await host.sleep(1.5)
    if (await host.cache_load("key")).value is None:
        host.cache_store("key", b"[1]", 60)
    found = await host.cache_load("key")
    host.cache_delete("key")
    drawn = host.drawn("dice", b"of six", lambda: b"four")
    return {"first": first.body.decode(), "found": json.loads(found.value or b"0"), "drawn": drawn.decode()}


async def recorded(
    handler: Handler, *, given: Mapping[str, object] | None = None, key: bytes | None = None, **options: Any
) -> tuple[Outcome, Tape, bytes]:
    """One call of ``onTrack``, its tape, and the tape's bytes."""
    tapes: Tapes = []
    record = Recording(keep=keep_in(tapes), key=key, **options)
    async with engine_with({"onTrack": handler}, MockFetcher(echo), record=record) as engine:
        instance = await engine.load(
            function(settings=secret_settings(*(given or {}))), settings=dict(given or {})
        )
        outcome = await engine.invoke(instance, TRACK)
    [(tape, data)] = tapes
    return outcome, tape, data


async def replayed(tape: Tape, handler: Handler) -> Replayed:
    """The replay of a tape, in an engine whose requests would all fail the test."""

    def refuse(asked: FetchRequest) -> FetchResponse:
        raise AssertionError(f"{asked} went out")

    async with engine_with({"onTrack": handler}, MockFetcher(refuse)) as engine:
        return await engine.replay(tape)


# ---------------------------------------------------------------- recording


async def test_a_tape_has_what_was_asked_and_what_was_answered(autojump_clock: trio.abc.Clock) -> None:
    outcome, tape, data = await recorded(all_effects)
    assert outcome.status is Status.DELIVERED
    assert outcome.tape == "tape 1"
    kinds = [type(effect).__name__ for effect in tape.effects]
    assert kinds == [
        "Fetch", "Answered", "Fetch", "Answered", "Sleep", "Answered", "CacheLoad", "Answered", "CacheStore",
        "CacheLoad", "Answered", "CacheDelete",
    ]  # fmt: skip
    assert [drawn.answer for drawn in tape.drawn] == [b"four"]
    assert tape.argument == TRACK
    assert value_of(tape.outcome) == value_of(outcome)
    assert decode(data) == tape
    assert read_head(data).handler == "onTrack"


async def test_without_a_recording_there_is_no_tape_and_no_taped_host() -> None:
    def on_track(_event: object, _settings: object, world: World) -> bool:
        return world.host.taped

    async with engine_with({"onTrack": on_track}) as engine:
        outcome = await engine.invoke(await engine.load(function()), TRACK)
    assert outcome.tape == ""
    assert value_of(outcome) == b"false"


async def test_one_call_can_be_recorded_alone() -> None:
    tapes: Tapes = []
    async with engine_with({"onTrack": lambda *_: 1}) as engine:
        instance = await engine.load(function())
        await engine.invoke(instance, TRACK)
        await engine.invoke(instance, TRACK, record=Recording(keep=keep_in(tapes)))
        await engine.invoke(instance, TRACK)
    assert len(tapes) == 1


async def test_of_failures_only_those_are_kept_that_failed() -> None:
    def on_track(event: dict[str, Any], _settings: object, _world: World) -> None:
        if event["messageId"] != "fine":
            raise Throw(event["messageId"])

    tapes: Tapes = []
    record = Recording(keep=keep_in(tapes), failures_only=True)
    async with engine_with({"onTrack": on_track}, record=record) as engine:
        instance = await engine.load(function(Kind.INSERT))
        for name in ("DropEvent", "RetryError", "TypeError"):
            await engine.invoke(instance, json.dumps({"type": "track", "messageId": name}))
    assert [tape.head.status for tape, _ in tapes] == [Status.RETRY, Status.REFUSED]


async def test_many_events_are_recorded_one_by_one() -> None:
    async def on_track(event: dict[str, Any], _settings: object, world: World) -> str:
        return (await world.host.fetch(request(event["messageId"]))).body.decode()

    tapes: Tapes = []
    outcomes: dict[int, object] = {}
    async with engine_with(
        {"onTrack": on_track}, MockFetcher(echo), record=Recording(keep=keep_in(tapes))
    ) as engine:
        instance = await engine.load(function())
        events = [json.dumps({"type": "track", "messageId": f"m{number}"}) for number in range(100)]
        await engine.invoke_each(instance, [*events, "no event"], outcomes.__setitem__)
    assert len(outcomes) == 101
    assert len(tapes) == 100
    for tape, _ in tapes:
        name = json.loads(tape.argument)["messageId"]
        assert name in json.loads(value_of(tape.outcome))
        assert (await replayed(tape, on_track)).identical


async def test_a_call_does_not_fail_for_its_tape(caplog: pytest.LogCaptureFixture) -> None:
    def keep(_tape: Tape, _data: bytes) -> str:
        raise OSError("the disk is full")

    async with engine_with({"onTrack": lambda *_: 7}, record=Recording(keep=keep)) as engine:
        with caplog.at_level(logging.ERROR, "isthmus"):
            outcome = await engine.invoke(await engine.load(function()), TRACK)
    assert (outcome.status, value_of(outcome), outcome.tape) == (Status.DELIVERED, b"7", "")
    assert "not kept on a tape" in caplog.text


async def test_a_call_that_outgrows_its_tape_ends_as_ever_and_cannot_be_replayed() -> None:
    async def on_track(_event: object, _settings: object, world: World) -> int:
        for number in range(20):
            await world.host.fetch(request(str(number), bytes(100)))
        return 20

    outcome, tape, data = await recorded(on_track, max_bytes=1000)
    assert value_of(outcome) == b"20"
    assert tape.head.truncated
    assert 0 < len(tape.effects) < 10
    assert len(data) < 4000
    with pytest.raises(TapeError, match="outgrew its tape"):
        await replayed(tape, on_track)


def test_a_directory_keeps_tapes_for_their_owner(tmp_path: Path) -> None:
    async def record() -> str:
        keep = directory(str(tmp_path / "tapes"))
        async with engine_with({"onTrack": lambda *_: 1}, record=Recording(keep=keep)) as engine:
            return (await engine.invoke(await engine.load(function(name="a/b ../c")), TRACK)).tape

    file = Path(trio.run(record))
    assert file.parent == tmp_path / "tapes"
    assert file.stat().st_mode & 0o077 == 0
    assert decode(file.read_bytes()).head.function == "a/b ../c"


# ---------------------------------------------------------------- replaying


async def test_a_replay_is_what_was(autojump_clock: trio.abc.Clock) -> None:
    outcome, tape, data = await recorded(all_effects)
    again = await replayed(decode(data), all_effects)
    assert again.identical
    assert again.divergence is None
    assert value_of(again.outcome) == value_of(outcome)
    assert [effect for effect, on_tape in again.played if on_tape] == list(tape.effects)
    assert [line.text for line in again.outcome.logs] == [line.text for line in outcome.logs]


async def test_answers_come_in_the_order_in_which_they_came(autojump_clock: trio.abc.Clock) -> None:
    async def on_track(_event: object, _settings: object, world: World) -> list[float]:
        order: list[float] = []

        async def wait(seconds: float) -> None:
            await asked[seconds]
            order.append(seconds)

        asked = {seconds: world.host.sleep(seconds) for seconds in (0.3, 0.1, 0.2, 0.5, 0.4)}
        async with trio.open_nursery() as nursery:
            for seconds in asked:
                nursery.start_soon(wait, seconds)
        return order

    _, tape, _ = await recorded(on_track)
    effects = [effect for effect in tape.effects if isinstance(effect, Sleep | Answered)]
    assert [effect.seconds for effect in effects if isinstance(effect, Sleep)] == [0.3, 0.1, 0.2, 0.5, 0.4]
    for _ in range(5):
        assert (await replayed(tape, on_track)).identical
    assert value_of(tape.outcome) == b"[0.1,0.2,0.3,0.4,0.5]"


async def test_a_webhook_and_its_messages_are_replayed() -> None:
    def on_request(asked: dict[str, Any], _settings: object, world: World) -> None:
        world.sent.append({"type": "track", "event": asked["text"], "messageId": asked["text"]})

    tapes: Tapes = []
    async with engine_with({"onRequest": on_request}, record=Recording(keep=keep_in(tapes))) as engine:
        instance = await engine.load(function(Kind.SOURCE), source_id="src")
        body = b'{"messageId":"m-7"}'
        outcome = await engine.invoke(instance, Request(body=body))
        again = await engine.replay(decode(tapes[0][1]))
    assert outcome.messages
    assert again.identical
    assert list(map(bytes, again.outcome.messages)) == list(map(bytes, outcome.messages))


async def test_a_batch_is_replayed() -> None:
    tapes: Tapes = []
    handlers: dict[str, Handler] = {
        "onBatch": lambda events, *_: [{"status": 200}, {"status": 429}][: len(events)]
    }
    async with engine_with(handlers, record=Recording(keep=keep_in(tapes))) as engine:
        outcome = await engine.invoke_batch(await engine.load(function()), [TRACK, TRACK])
        again = await engine.replay(decode(tapes[0][1]))
    assert [item.status for item in outcome.items] == [Status.DELIVERED, Status.RETRY]
    assert again.identical


def asks(*paths: str) -> Handler:
    """A handler that asks for one after the other and returns what came."""

    async def on_track(_event: object, _settings: object, world: World) -> list[str]:
        found = []
        for path in paths:
            try:
                found.append((await world.host.fetch(request(path))).body.decode())
            except FetchError as error:
                found.append(str(error))
        return found

    return on_track


@pytest.mark.parametrize(
    ("now", "at", "expected", "came"),
    [
        (("a", "x", "c"), 2, "b", "x"),
        (("a", "b"), 4, "c", None),
        (("a", "b", "c", "d"), 6, None, "d"),
        ((), 0, "a", None),
    ],
)
async def test_the_first_divergence_is_where_the_function_left_its_tape(
    now: tuple[str, ...], at: int, expected: str | None, came: str | None
) -> None:
    _, tape, _ = await recorded(asks("a", "b", "c"))
    again = await replayed(tape, asks(*now))
    assert not again.identical

    def path(effect: object) -> str | None:
        return effect.request.url.rpartition("/")[2] if isinstance(effect, Fetch) else None

    divergence = again.divergence
    assert isinstance(divergence, Divergence)
    assert (divergence.at, path(divergence.expected), path(divergence.came)) == (at, expected, came)


async def test_who_has_left_the_tape_is_answered_by_what_is_most_like() -> None:
    _, tape, _ = await recorded(asks("a?v=1", "b"))
    again = await replayed(tape, asks("a?v=2", "b", "c"))
    assert json.loads(value_of(again.outcome)) == [
        "echo of https://api.example/a?v=1",
        "echo of https://api.example/b",
        "request to https://api.example/c failed, reason: the tape has no answer to it",
    ]
    assert [difference.part for difference in again.differences] == ["value", "output_bytes"]


async def test_a_fix_is_tried_against_the_tape() -> None:
    scripts: dict[str, Mapping[str, Handler] | Exception] = {
        "broken": {"onTrack": _broken},
        "mended": {"onTrack": asks("a")},
        "renamed": {"onPage": asks("a")},
    }
    tapes: Tapes = []
    runtime = ScriptedRuntime(scripts=scripts)
    async with engine_with(runtime, MockFetcher(echo), record=Recording(keep=keep_in(tapes))) as engine:
        broken = await engine.invoke(await engine.load(function(code="broken")), TRACK)
        tape = decode(tapes[0][1])
        again = await engine.replay(tape, function(code="mended"))
        assert broken.status is Status.REFUSED
        assert again.outcome.status is Status.DELIVERED
        assert again.divergence is None
        assert "the code is another than the one that was recorded" in again.notes
        assert {difference.part for difference in again.differences} >= {"status", "problem", "value"}
        with pytest.raises(TapeError, match="the code has no onTrack"):
            await engine.replay(tape, function(code="renamed"))


async def _broken(_event: object, _settings: object, world: World) -> None:
    await world.host.fetch(request("a"))
    raise Throw("TypeError", "undefined is not a function")


async def test_without_its_code_a_tape_needs_one() -> None:
    _, tape, data = await recorded(asks("a"), code=False)
    assert tape.definition.code == b""
    async with engine_with({"onTrack": asks("a")}) as engine:
        with pytest.raises(TapeError, match="holds no code"):
            await engine.replay(decode(data))
        assert (await engine.replay(decode(data), function())).identical


# ---------------------------------------------------------------- secrets


async def leaks(event: dict[str, Any], settings: dict[str, Any], world: World) -> object:
    """Puts its secret wherever it can."""
    host, key = world.host, settings["key"]
    basic = base64.b64encode(f"user:{key}".encode()).decode()
    sent = FetchRequest(
        url=f"https://api.example/{quote(key)}?key={key}",
        method="POST",
        headers=(
            ("authorization", f"Bearer {key}"),
            ("x-basic", f"Basic {basic}"),
            ("x-hex", key.encode().hex()),
        ),
        body=json.dumps({"key": key, "pair": basic}).encode(),
    )
    answer = await host.fetch(sent)
    host.cache_store(f"of {key}", json.dumps(key).encode(), None)
    await host.cache_load(f"of {key}")
    host.log("log", f"the key is {key}, {basic}")
    host.drawn("key", key.encode(), lambda: key.encode())
    return {"key": key, "echo": answer.body.decode(), "same": answer.body.count(key.encode()) == 3}


def spellings(secret: str) -> list[bytes]:
    """How a secret is written, in the words of nobody but this test."""
    raw = secret.encode()
    return [
        raw,
        raw.hex().encode(),
        quote(secret).encode(),
        base64.b64encode(raw),
        base64.b64encode(b"user:" + raw)[8:-4],
    ]


@given(
    secret=st.text(
        "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-_.~", min_size=10, max_size=80
    ).filter(lambda text: sum(map(str.isalnum, text)) > 8)
)
@settings(max_examples=40)
def test_no_secret_is_in_the_bytes_of_a_tape_and_it_is_replayed_all_the_same(secret: str) -> None:
    async def check() -> None:
        _, tape, data = await recorded(leaks, given={"key": secret})
        assert tape.head.secrets == "placeholders"
        assert not [spelling for spelling in spellings(secret) if spelling in data]
        again = await replayed(decode(data), leaks)
        assert again.identical, (again.divergence, again.differences)
        assert json.loads(value_of(again.outcome))["same"]

    trio.run(check)


@given(st.text(max_size=60))
def test_a_placeholder_has_its_values_shape_and_tells_nothing_of_it(value: str) -> None:
    assume(not value.lower().startswith(("http://", "https://")))  # which a URL keeps; tried elsewhere
    made = placeholder("key", 0, value)
    assert len(made) == len(value)
    shapes = [(str.isalpha, "letters"), (str.isdigit, "digits")]
    assert len(value) < 6 or value != made
    for character, instead in zip(value, made, strict=True):
        if character.isascii() and sum(map(str.isalnum, value)) > 3:
            assert [name for is_, name in shapes if is_(character)] == [
                name for is_, name in shapes if is_(instead)
            ]
    other = value.swapcase() if value.isascii() else value
    assert placeholder("key", 0, other).lower() == made.lower()


@pytest.mark.parametrize("value", ["!!!!!!!!", "-_-_-_-_-", "$%&/()=?", "€€€€€€"])
def test_signs_that_are_a_secret_do_not_stay(value: str) -> None:
    assert not set(value) & set(placeholder("key", 0, value))


def test_the_placeholder_of_a_url_is_one() -> None:
    made = placeholder("hook", 0, "https://hooks.example.com/T0/B1/x9y8")
    assert made.startswith("https://")
    assert "hooks" not in made


async def test_code_that_holds_a_secret_is_not_on_the_tape() -> None:
    tapes: Tapes = []
    async with engine_with({"onTrack": lambda *_: 1}, record=Recording(keep=keep_in(tapes))) as engine:
        subject = function(code=f"key = {SECRET}", settings=secret_settings("key"))
        await engine.invoke(await engine.load(subject, settings={"key": SECRET}), TRACK)
    assert tapes[0][0].definition.code == b""
    assert SECRET.encode() not in tapes[0][1]


async def test_with_a_key_all_is_sealed_and_as_it_was() -> None:
    outcome, tape, data = await recorded(leaks, given={"key": SECRET}, key=KEY)
    assert outcome.status is Status.DELIVERED
    assert not [spelling for spelling in (*spellings(SECRET), b"api.example", b"m-1") if spelling in data]
    head = read_head(data)
    assert (head.secrets, head.function, head.status) == ("sealed", "f", Status.DELIVERED)
    opened = decode(data, KEY)
    assert json.loads(opened.settings) == {"key": SECRET}
    assert (await replayed(opened, leaks)).identical
    for key, message in ((None, "there is no key"), (bytes(32), "with another key")):
        with pytest.raises(TapeError, match=message):
            decode(data, key)
    with pytest.raises(TapeError, match="with a key only"):
        encode(tape)


def test_a_key_is_32_bytes_in_one_of_two_spellings() -> None:
    assert key_of(KEY.hex() + "\n") == KEY
    assert key_of(base64.b64encode(KEY).decode()) == KEY
    for text in ("", "00" * 31, "g" * 64, base64.b64encode(KEY[:31]).decode()):
        with pytest.raises(TapeError, match="32 bytes"):
            key_of(text)


@pytest.mark.parametrize("wrong", [{"max_bytes": -1}, {"key": b"short"}])
def test_a_recording_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(EngineError, match=f"Recording.{next(iter(wrong))} takes"):
        Recording(keep=lambda _tape, _data: "", **wrong)


# ---------------------------------------------------------------- files


@pytest.fixture(scope="module")
def tape_bytes() -> bytes:
    async def record() -> bytes:
        return (await recorded(leaks, given={"key": SECRET}))[2]

    return trio.run(record)


@given(data=st.data())
@settings(max_examples=200)
def test_a_damaged_tape_is_a_clean_error_or_a_tape(data: st.DataObject, tape_bytes: bytes) -> None:
    at = data.draw(st.integers(0, len(tape_bytes) - 1))
    piece = data.draw(st.binary(max_size=4))
    for broken in (
        tape_bytes[:at],
        tape_bytes[:at] + piece + tape_bytes[at + len(piece) :],
        piece + tape_bytes,
    ):
        with contextlib.suppress(TapeError):
            found = decode(broken)
            assert isinstance(found.outcome, Outcome)
            assert decode(encode(found)) == found


async def test_a_damaged_sealed_tape_does_not_open() -> None:
    _, _, data = await recorded(asks("a"), key=KEY)
    for at in range(0, len(data), 7):
        with pytest.raises(TapeError):
            decode(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], KEY)


def test_a_tape_of_a_later_version_says_so(tape_bytes: bytes) -> None:
    mark = b"isthmus tape\0"
    version, *rest = msgspec.msgpack.decode(tape_bytes.removeprefix(mark))
    with pytest.raises(TapeError, match="version 2"):
        decode(mark + msgspec.msgpack.encode([version + 1, *rest]))
    with pytest.raises(TapeError, match="no tape"):
        decode(b"PK" + tape_bytes)
