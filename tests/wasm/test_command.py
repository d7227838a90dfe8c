"""WASI commands: what a call finds on standard input, and what its reply, exit status and log come to."""

from __future__ import annotations

import json

import pytest
from tests.javascript import FakeHost, call_of
from tests.wasm.modules import ECHO, Modules, command, says

from isthmus import Request
from isthmus._intake import _request_text
from isthmus.abc import Call, Returned


async def test_the_call_is_on_standard_input(modules: Modules) -> None:
    echo = await modules(ECHO)
    found = await echo.value(call_of({"type": "track"}, {"apiKey": "k"}))
    assert found == {"handler": "onTrack", "event": {"type": "track"}, "settings": {"apiKey": "k"}}


async def test_a_batch_is_events(modules: Modules) -> None:
    echo = await modules(ECHO)
    found = await echo.value(call_of([{"a": 1}, {"a": 2}], handler="onBatch"))
    assert found == {"handler": "onBatch", "events": [{"a": 1}, {"a": 2}], "settings": {}}


@pytest.mark.parametrize(
    ("body", "shown"), [(b"{}", {"body": "{}"}), (b"\xff\0", {"body": "/wA=", "base64": True})]
)
async def test_a_webhook_is_a_request(modules: Modules, body: bytes, shown: dict[str, object]) -> None:
    echo = await modules(ECHO)
    request = Request(url="https://h/?a=1", headers=(("X-A", "1"), ("x-a", "2")), body=body)
    call = Call("onRequest", _request_text(request), b"{}", "i", 1.0, bytes(32))  # as the engine makes it
    assert await echo.value(call) == {
        "handler": "onRequest",
        "request": {
            "url": "https://h/?a=1",
            "method": "POST",
            "headers": [["X-A", "1"], ["x-a", "2"]],
            **shown,
        },
        "settings": {},
    }


@pytest.mark.parametrize("size", [1, 30_000, 65_000, 65_536, 200_000, 1_000_000])
async def test_input_of_any_size_arrives_whole(modules: Modules, size: int) -> None:
    echo = await modules(ECHO)
    event = {"text": "é" * (size // 2)}
    found = await echo.value(call_of(event))
    assert isinstance(found, dict)
    assert found["event"] == event


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("", b""),
        (" \n", b""),
        ('{"return": {"a": [1, "ü"]}}', '{"a": [1, "ü"]}'.encode()),
        ('{"return": null}\n', b"null"),
        ('{"events": [{"messageId": "1"}]}', b'[{"messageId": "1"}]'),
        ('{"messages": []}', b""),
        ('{"return": 1, "of another version": true}', b"1"),
    ],
)
async def test_the_reply_is_on_standard_output(modules: Modules, reply: str, value: bytes) -> None:
    module = await modules(says(reply))
    assert (await module.run()).ending == Returned(value)


async def test_messages_of_a_source(modules: Modules) -> None:
    module = await modules(says('{"messages": [{"type": "track"}, {"type":"identify"}], "return": 1}'))
    reply = await module.run()
    assert reply.ending == Returned(b"1")
    assert json.loads(reply.messages) == [{"type": "track"}, {"type": "identify"}]


async def test_an_error_is_thrown_by_its_name(modules: Modules) -> None:
    module = await modules(says('{"error": {"name": "RetryError", "message": "later"}}'))
    thrown = await module.thrown()
    assert (thrown.name, thrown.message) == ("RetryError", "later")


@pytest.mark.parametrize("after", [90.0, "90", "Wed, 21 Oct 2015 07:28:00 GMT", None])
async def test_an_error_says_when_to_try_again(modules: Modules, after: float | str | None) -> None:
    fault = {"name": "RetryError", "message": "later", "retryAfter": after}
    module = await modules(says(json.dumps({"error": fault})))
    assert (await module.thrown()).retry_after == after


async def test_an_error_without_a_name_is_an_error(modules: Modules) -> None:
    module = await modules(says('{"error": {"message": "later"}}'))
    assert (await module.thrown()).name == "Error"


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("hello", "malformed"),
        ('{"return": 1', "truncated"),
        ("[1]", "array"),
        ('{"ok": true}', 'none of "return", "events", "error" and "messages"'),
        ('{"error": "x"}', "object"),
        ('{"messages": 1}', "array"),
    ],
)
async def test_what_is_no_reply_is_an_error_that_shows_it(modules: Modules, reply: str, why: str) -> None:
    module = await modules(says(reply))
    thrown = await module.thrown()
    assert thrown.name == "InvalidReply"
    assert why in thrown.message
    assert reply in thrown.message


async def test_a_reply_that_is_not_utf8_is_none(modules: Modules) -> None:
    module = await modules(
        command("(call $out (i32.const 1024) (i32.const 14))", data='{\\"return\\":\\"\\ff\\"}')
    )
    assert (await module.thrown()).name == "InvalidReply"


async def test_exit_0_is_as_good_as_returning(modules: Modules) -> None:
    module = await modules(says('{"return": 1}', "(call $proc_exit (i32.const 0))"))
    for _ in range(3):
        assert await module.value() == 1


async def test_another_exit_status_is_a_throw_with_the_logs_last_line(modules: Modules) -> None:
    module = await modules(
        command(
            "(call $write (i32.const 2) (i32.const 1024) (i32.const 11)) (call $proc_exit (i32.const 3))",
            data="one\\ntwo\\nend",
            uses="proc_exit",
        )
    )
    host = FakeHost()
    thrown = await module.thrown(host=host)
    assert (thrown.name, thrown.message) == ("Error", "exit status 3: end")
    assert host.texts == ["one", "two", "end"]


async def test_another_exit_status_with_an_error_throws_that(modules: Modules) -> None:
    module = await modules(
        says('{"error": {"name": "DropEvent", "message": "m"}}', "(call $proc_exit (i32.const 1))")
    )
    thrown = await module.thrown()
    assert (thrown.name, thrown.message) == ("DropEvent", "m")


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("unreachable", "unreachable"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "divide by zero"),
        ("(drop (i32.load (i32.const -8)))", "out of bounds memory access"),
        ("(call $deep)", "call stack exhausted"),
        ("(call_indirect (i32.const 0))", "uninitialized element"),
    ],
)
async def test_a_trap_is_a_throw_that_names_it(modules: Modules, body: str, what: str) -> None:
    module = await modules(command(body, more="(func $deep (call $deep)) (table 1 funcref)"))
    for _ in range(2):
        thrown = await module.thrown()
        assert thrown.name == "Trap"
        assert what in thrown.message


async def test_a_trap_shows_where_it_was(modules: Modules) -> None:
    module = await modules(command("(call $inner)", more="(func $inner unreachable)"))
    assert "at inner" in (await module.thrown()).stack


async def test_standard_error_is_the_log_line_by_line(modules: Modules) -> None:
    module = await modules(
        command("(call $write (i32.const 2) (i32.const 1024) (i32.const 9))", data="a\\nb\\n\\nlast")
    )
    host = FakeHost()
    await module.run(host=host)
    assert host.lines == [("log", "a"), ("log", "b"), ("log", ""), ("log", "last")]


async def test_what_is_logged_before_a_trap_is_kept(modules: Modules) -> None:
    module = await modules(
        command("(call $write (i32.const 2) (i32.const 1024) (i32.const 4)) unreachable", data="here")
    )
    host = FakeHost()
    assert (await module.thrown(host=host)).name == "Trap"
    assert host.texts == ["here"]


async def test_a_command_has_every_handler(modules: Modules) -> None:
    module = await modules(ECHO)
    assert {"onTrack", "onDelete", "onBatch", "onRequest"} <= module.program.handlers


async def test_what_a_call_took_is_reported(modules: Modules) -> None:
    module = await modules(says(""))
    reply = await module.run()
    assert reply.memory == 2 * 65536
    assert 0 < reply.cpu < 1
    assert reply.started > 0
