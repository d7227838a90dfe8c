"""Components of the world isthmus:function: how outcomes and errors come out, and what their imports do."""

from __future__ import annotations

import json

import pytest
from tests.javascript import FakeHost, Offering, call_of
from tests.wasm.components import answers, escaped, returns
from tests.wasm.modules import Modules

from isthmus.abc import FetchRequest, FetchResponse, Killed, Returned, Thrown
from isthmus.errors import FetchError


@pytest.mark.parametrize(
    ("body", "data", "value"),
    [
        (returns(0), b"", b""),
        (returns(1, 1024, 7), b'{"a":1}', b'{"a":1}'),
        (
            "(i32.store (i32.const 200) (i32.const 1024)) (i32.store (i32.const 204) (i32.const 2))"
            "(i32.store (i32.const 208) (i32.const 1026)) (i32.store (i32.const 212) (i32.const 1))"
            + returns(2, 200, 2),
            b"{}1",
            b"[{},1]",
        ),
        (
            "(i32.store16 (i32.const 200) (i32.const 200)) (i32.store16 (i32.const 216) (i32.const 429))"
            "(i32.store8 (i32.const 220) (i32.const 1)) (i32.store (i32.const 224) (i32.const 1024))"
            "(i32.store (i32.const 228) (i32.const 5))" + returns(3, 200, 2),
            b"later",
            b'[{"status":200},{"status":429,"errormessage":"later"}]',
        ),
    ],
    ids=["done", "value", "events", "items"],
)
async def test_an_outcome_is_what_was_returned(
    modules: Modules, body: str, data: bytes, value: bytes
) -> None:
    module = await modules(answers(body, data=escaped(data)))
    assert module.program.handlers == {"onTrack"}
    assert (await module.run()).ending == Returned(value)


def fails(case: int, length: int, *, other: bool = False) -> str:
    """Core code that lays out ``err`` of an error's kind, with a message at 1024."""
    name = (
        "(i32.store (i32.const 108) (i32.const 1040)) (i32.store (i32.const 112) (i32.const 6))"
        if other
        else ""
    )
    return f"""
      (i32.store8 (i32.const 100) (i32.const 1)) (i32.store8 (i32.const 104) (i32.const {case})) {name}
      (i32.store (i32.const 116) (i32.const 1024)) (i32.store (i32.const 120) (i32.const {length}))
      (i32.const 100)"""


@pytest.mark.parametrize(
    ("case", "name"),
    [
        (0, "EventNotSupported"),
        (1, "InvalidEventPayload"),
        (2, "ValidationError"),
        (3, "RetryError"),
        (4, "DropEvent"),
        (5, "Teapot"),
    ],
)
async def test_an_error_has_segment_s_name(modules: Modules, case: int, name: str) -> None:
    data = escaped(b"later".ljust(16) + b"Teapot")
    module = await modules(answers(fails(case, 5, other=case == 5), data=data))
    assert (await module.run()).ending == Thrown(name, "later")


async def test_a_value_that_is_no_json_is_an_invalid_reply(modules: Modules) -> None:
    module = await modules(answers(returns(1, 1024, 5), data="hello"))
    thrown = await module.thrown()
    assert thrown.name == "InvalidReply"
    assert "hello" in thrown.message


async def test_too_much_is_stopped_by_the_limit(modules: Modules) -> None:
    module = await modules(answers(returns(1, 1024, 12), data=escaped(b'"0123456789"')), output_bytes=11)
    assert (await module.run()).ending == Killed(
        "output", "the call handed out more bytes than its limit of 11"
    )


async def test_the_call_is_laid_out_as_its_record_says(modules: Modules) -> None:
    # handler, case of the argument, the event's kind, and the setting's name and text
    body = """
      (if (i32.ne (i32.load8_u (local.get $call)) (i32.const 1)) (then unreachable))
      (if (i32.ne (i32.load8_u offset=4 (local.get $call)) (i32.const 0)) (then unreachable))
      (if (i32.ne (i32.load offset=12 (local.get $call)) (i32.const 5)) (then unreachable))
      (if (i32.ne (i32.load8_u (i32.load offset=8 (local.get $call))) (i32.const 116)) (then unreachable))
      ;; the message's id, which is no string, is not there; the user's is
      (if (i32.load8_u offset=16 (local.get $call)) (then unreachable))
      (if (i32.ne (i32.load8_u offset=28 (local.get $call)) (i32.const 1)) (then unreachable))
    """
    json_at = 4 + 4 + 8 + 5 * 12
    body += (
        f"(i32.store8 (i32.const 100) (i32.const 0)) (i32.store8 (i32.const 104) (i32.const 1))"
        f"(i32.store (i32.const 108) (i32.load offset={json_at} (local.get $call)))"
        f"(i32.store (i32.const 112) (i32.load offset={json_at + 4} (local.get $call))) (i32.const 100)"
    )
    module = await modules(answers(body))
    event = {"type": "track", "messageId": 7, "userId": "ü", "properties": {"a": [1]}}
    assert await module.value(call_of(event, {"apiKey": "k", "on": True})) == event


IMPORTS = """
  (import "isthmus:function/fetch" "fetch" (func $fetch (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "isthmus:function/log" "log" (func $log (param i32 i32 i32)))
  (import "isthmus:function/cache" "load" (func $load (param i32 i32 i32)))
  (import "isthmus:function/cache" "store" (func $store (param i32 i32 i32 i32 i32 i64)))
  (import "isthmus:function/timers" "sleep" (func $sleep (param i64)))
  (import "isthmus:function/segment" "send" (func $send (param i32 i32)))
  (import "isthmus:function/capabilities" "call" (func $capability (param i32 i32 i32 i32 i32)))
"""
WORLD = [
    f"isthmus:function/{name}" for name in ("fetch", "log", "cache", "timers", "segment", "capabilities")
]


NONE = "(i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)"
TEXT = "(i32.const 1) (i32.const 0) (i32.const 1040) (i32.const 2)"
BYTES = "(i32.const 1) (i32.const 1) (i32.const 1042) (i32.const 2)"


def fetching(body: str = NONE) -> str:
    """Posts to https://h/a; what is returned is the response's body, bytes marked by a 9 at their beginning."""
    code = f"""
      ;; method, url, no headers, body, follow
      (call $fetch (i32.const 1024) (i32.const 4) (i32.const 1028) (i32.const 11) (i32.const 0) (i32.const 0)
                   {body} (i32.const 0) (i32.const 300))
      (if (i32.load8_u (i32.const 300))
        (then (i32.store8 (i32.const 100) (i32.const 1)) (i32.store8 (i32.const 104) (i32.const 0))
              (i32.store (i32.const 116) (i32.load (i32.const 304))) (i32.store (i32.const 120) (i32.load (i32.const 308)))
              (return (i32.const 100))))
      (if (i32.ne (i32.load16_u (i32.const 304)) (i32.const 200)) (then unreachable))
      (if (i32.load8_u (i32.const 324)) (then (i32.store8 (i32.load (i32.const 328)) (i32.const 57))))
      (i32.store8 (i32.const 100) (i32.const 0)) (i32.store8 (i32.const 104) (i32.const 1))
      (i32.store (i32.const 108) (i32.load (i32.const 328))) (i32.store (i32.const 112) (i32.load (i32.const 332)))
      (i32.const 100)
    """
    return answers(code, uses=IMPORTS, interfaces=WORLD, data="posthttps://h/a {}\\ff\\00")


@pytest.mark.parametrize(("body", "sent"), [(NONE, None), (TEXT, b"{}"), (BYTES, b"\xff\0")])
async def test_it_fetches_by_its_host(modules: Modules, body: str, sent: bytes | None) -> None:
    module = await modules(fetching(body))
    host = FakeHost()
    assert await module.value(host=host) == {"ok": True}
    assert [(each.method, each.url, each.body) for each in host.requests] == [("POST", "https://h/a", sent)]


async def test_a_body_that_is_no_text_comes_as_bytes(modules: Modules) -> None:
    module = await modules(fetching())
    assert (await module.run(host=FakeHost(body=b"\xff1"))).ending == Returned(b"91")
    large = FakeHost(body=bytes([255]) * (1024 * 1024 + 1))
    assert "1048576 bytes are the most" in (await module.thrown(host=large)).message
    text = b'"' + b"a" * 3_000_000 + b'"'
    assert (await module.run(host=FakeHost(body=text))).ending == Returned(text)


async def test_a_request_that_fails_says_why(modules: Modules) -> None:
    class Failing(FakeHost):
        async def fetch(self, request: FetchRequest) -> FetchResponse:
            raise FetchError(f"no way to {request.url}")

    thrown = await (await modules(fetching())).thrown(host=Failing())
    assert thrown.message == "no way to https://h/a"


async def test_it_logs_caches_sleeps_and_sends(modules: Modules) -> None:
    body = """
      (call $log (i32.const 3) (i32.const 1024) (i32.const 2))
      (call $load (i32.const 1024) (i32.const 2) (i32.const 300))
      (if (i32.load8_u (i32.const 300)) (then unreachable))
      (call $store (i32.const 1024) (i32.const 2) (i32.const 1026) (i32.const 2) (i32.const 0) (i64.const 0))
      (call $load (i32.const 1024) (i32.const 2) (i32.const 300))
      (if (i32.ne (i32.load (i32.const 308)) (i32.const 2)) (then unreachable))
      (call $sleep (i64.const 2))
      (call $send (i32.const 1026) (i32.const 2))
    """ + returns(0)
    module = await modules(answers(body, uses=IMPORTS, interfaces=WORLD, data="hi{}"))
    host = FakeHost()
    reply = await module.run(host=host)
    assert reply.ending == Returned()
    assert json.loads(reply.messages) == [{}]
    assert (host.lines, host.cache, host.slept) == ([("warn", "hi")], {"hi": b"{}"}, [0.002])


@pytest.mark.parametrize(
    ("argument", "value"),
    [(b'"there"', b'{"city":"there"}'), (b'"nowhere"', b'"not_found"'), (b"there", b'"invalid_argument"')],
)
async def test_it_uses_what_the_embedder_offers(modules: Modules, argument: bytes, value: bytes) -> None:
    """The answer, or the refusal's code between quotes, is what is returned."""
    body = f"""
      (call $capability (i32.const 1024) (i32.const 10) (i32.const 1034) (i32.const {len(argument)}) (i32.const 300))
      (i32.store8 (i32.const 100) (i32.const 0)) (i32.store8 (i32.const 104) (i32.const 1))
      (if (i32.load8_u (i32.const 300))
        (then
          (i32.store8 (i32.const 600) (i32.const 34))
          (memory.copy (i32.const 601) (i32.load (i32.const 312)) (i32.load (i32.const 316)))
          (i32.store8 (i32.add (i32.const 601) (i32.load (i32.const 316))) (i32.const 34))
          (i32.store (i32.const 108) (i32.const 600))
          (i32.store (i32.const 112) (i32.add (i32.load (i32.const 316)) (i32.const 2)))
          (return (i32.const 100))))
      (i32.store (i32.const 108) (i32.load (i32.const 304))) (i32.store (i32.const 112) (i32.load (i32.const 308)))
      (i32.const 100)
    """
    code = answers(body, uses=IMPORTS, interfaces=WORLD, data="geo.lookup" + escaped(argument))
    module = await modules(code)
    assert (await module.run(host=Offering())).ending == Returned(value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("(call $store (i32.const 1024) (i32.const 2) (i32.const 1024) (i32.const 2) (i32.const 0) (i64.const 0))", "to be cached is no JSON"),
        ("(call $send (i32.const 1024) (i32.const 2))", "to be sent is no JSON"),
    ],
)  # fmt: skip
async def test_what_should_be_json_and_is_not_is_thrown(modules: Modules, call: str, message: str) -> None:
    module = await modules(answers(call + returns(0), uses=IMPORTS, interfaces=WORLD, data="hi"))
    thrown = await module.thrown()
    assert thrown.name == "TypeError"
    assert message in thrown.message


COUNTS = "(i32.store8 (i32.const 1024) (i32.add (i32.load8_u (i32.const 1024)) (i32.const 1)))" + returns(
    1, 1024, 1
)


async def test_every_call_has_an_instance_of_its_own(modules: Modules) -> None:
    module = await modules(answers(COUNTS, data="0"))
    assert [await module.value() for _ in range(3)] == [1, 1, 1]


async def test_with_isolation_instance_it_is_kept_and_never_shared(modules: Modules) -> None:
    module = await modules(answers(COUNTS, data="0"), isolation="instance")
    assert [await module.value() for _ in range(3)] == [1, 2, 3]
    assert await module.value(call_of(instance="other")) == 1
    await module.program.forget("instance")
    assert await module.value() == 1


async def test_a_kept_world_that_trapped_is_not_used_again(modules: Modules) -> None:
    body = "(if (i32.eq (i32.load8_u (i32.const 1024)) (i32.const 49)) (then unreachable))" + COUNTS
    module = await modules(answers(body, data="0"), isolation="instance")
    assert await module.value() == 1
    assert (await module.thrown()).name == "Trap"
    assert await module.value() == 1
