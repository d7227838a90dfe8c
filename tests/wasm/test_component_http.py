"""wasi:http: requests of components go through their host's fetch, and run while the component does."""

from __future__ import annotations

import tracemalloc

import pytest
import trio
from tests.javascript import FakeHost, call_of
from tests.wasm.components import escaped, speaking
from tests.wasm.modules import Modules

from isthmus.abc import FetchRequest, FetchResponse, Killed, Returned
from isthmus.errors import FetchError
from isthmus_wasmtime._components.fields import Fields, clone_fields, delete_field
from isthmus_wasmtime._components.http import Incoming, headers
from isthmus_wasmtime._components.requests import Options, Outgoing, set_method, set_path, set_scheme
from isthmus_wasmtime._components.world import ComponentWorld

HTTP = ["wasi:clocks/monotonic-clock", "wasi:http/types", "wasi:http/outgoing-handler"]
USES = "\n".join(
    f'(import "{interface}" "{name}" (func ${short} {kind}))'
    for short, interface, name, kind in [
        ("fields", "wasi:http/types", "[constructor]fields", "(result i32)"),
        ("append", "wasi:http/types", "[method]fields.append", "(param i32 i32 i32 i32 i32 i32)"),
        ("request", "wasi:http/types", "[constructor]outgoing-request", "(param i32) (result i32)"),
        (
            "method",
            "wasi:http/types",
            "[method]outgoing-request.set-method",
            "(param i32 i32 i32 i32) (result i32)",
        ),
        (
            "host",
            "wasi:http/types",
            "[method]outgoing-request.set-authority",
            "(param i32 i32 i32 i32) (result i32)",
        ),
        (
            "path",
            "wasi:http/types",
            "[method]outgoing-request.set-path-with-query",
            "(param i32 i32 i32 i32) (result i32)",
        ),
        ("body", "wasi:http/types", "[method]outgoing-request.body", "(param i32 i32)"),
        ("open", "wasi:http/types", "[method]outgoing-body.write", "(param i32 i32)"),
        ("finish", "wasi:http/types", "[static]outgoing-body.finish", "(param i32 i32 i32 i32)"),
        ("options", "wasi:http/types", "[constructor]request-options", "(result i32)"),
        (
            "patience",
            "wasi:http/types",
            "[method]request-options.set-first-byte-timeout",
            "(param i32 i32 i64) (result i32)",
        ),
        ("handle", "wasi:http/outgoing-handler", "handle", "(param i32 i32 i32 i32)"),
        (
            "subscribe",
            "wasi:http/types",
            "[method]future-incoming-response.subscribe",
            "(param i32) (result i32)",
        ),
        ("get", "wasi:http/types", "[method]future-incoming-response.get", "(param i32 i32)"),
        ("status", "wasi:http/types", "[method]incoming-response.status", "(param i32) (result i32)"),
        ("consume", "wasi:http/types", "[method]incoming-response.consume", "(param i32 i32)"),
        ("stream", "wasi:http/types", "[method]incoming-body.stream", "(param i32 i32)"),
        ("read", "wasi:io/streams", "[method]input-stream.blocking-read", "(param i32 i64 i32)"),
        ("block", "wasi:io/poll", "[method]pollable.block", "(param i32)"),
        ("poll", "wasi:io/poll", "poll", "(param i32 i32 i32)"),
        (
            "after",
            "wasi:clocks/monotonic-clock",
            "subscribe-duration",
            "(param i64) (result i32)",
        ),
    ]
)
DATA = escaped(
    b'{"return":'.ljust(16)
    + b"api.example.com:81".ljust(32)
    + b"/a?b=c".ljust(16)
    + b"hello!".ljust(16)
    + b"x-a1\xff"
)
"""The beginning of a reply, and at 1040 an authority, at 1072 a path, at 1088 a body, at 1104 a header."""
MORE = """
  (func $must (param $failed i32) (if (local.get $failed) (then unreachable)))
  ;; a request with its authority and path
  (func $new (result i32)
    (local $r i32) (local $f i32)
    (local.set $f (call $fields))
    (call $append (local.get $f) (i32.const 1104) (i32.const 3) (i32.const 1107) (i32.const 2) (i32.const 200))
    (call $must (i32.load8_u (i32.const 200)))
    (local.set $r (call $request (local.get $f)))
    (call $must (call $host (local.get $r) (i32.const 1) (i32.const 1040) (i32.const 18)))
    (call $must (call $path (local.get $r) (i32.const 1) (i32.const 1072) (i32.const 6)))
    (local.get $r))
  (func $send (param $r i32) (result i32)
    (call $handle (local.get $r) (i32.const 0) (i32.const 0) (i32.const 200))
    (call $must (i32.load8_u (i32.const 200)))
    (i32.load (i32.const 208)))
  ;; what has come of a future: 0 nothing, 1 a response, 2 and more the number of an error and 2
  (func $what (param $future i32) (result i32)
    (call $get (local.get $future) (i32.const 200))
    (if (i32.eqz (i32.load8_u (i32.const 200))) (then (return (i32.const 0))))
    (call $must (i32.load8_u (i32.const 208)))
    (if (i32.load8_u (i32.const 216)) (then (return (i32.add (i32.load8_u (i32.const 224)) (i32.const 2)))))
    (i32.const 1))
  ;; the response's body, as the reply
  (func $pass (param $response i32)
    (call $must (i32.ne (call $status (local.get $response)) (i32.const 200)))
    (call $consume (local.get $response) (i32.const 300)) (call $must (i32.load8_u (i32.const 300)))
    (call $stream (i32.load (i32.const 304)) (i32.const 300)) (call $must (i32.load8_u (i32.const 300)))
    (call $read (i32.load (i32.const 304)) (i64.const 1000) (i32.const 320)) (call $must (i32.load8_u (i32.const 320)))
    (call $out (i32.const 1024) (i32.const 10))
    (call $out (i32.load (i32.const 324)) (i32.load (i32.const 328)))
    (i32.store8 (i32.const 1024) (i32.const 125))
    (call $out (i32.const 1024) (i32.const 1)))
"""


def http(body: str) -> str:
    return speaking(body, uses=USES, interfaces=HTTP, data=DATA, more=MORE)


GET = """
  (local $f i32)
  (local.set $f (call $send (call $new)))
  (call $block (call $subscribe (local.get $f)))
  (call $must (i32.ne (call $what (local.get $f)) (i32.const 1)))
  (call $pass (i32.load (i32.const 224)))
"""


async def test_a_request_goes_through_the_host_s_fetch(modules: Modules) -> None:
    module = await modules(http(GET))
    host = FakeHost()
    assert await module.value(host=host) == {"ok": True}
    assert host.requests == [
        FetchRequest(
            url="https://api.example.com:81/a?b=c", headers=(("x-a", "1\xff"),), body=None, redirect="manual"
        )
    ]


async def test_a_body_is_sent_when_it_is_finished(modules: Modules) -> None:
    body = """
      (local $r i32) (local $f i32) (local $b i32)
      (local.set $r (call $new))
      (call $must (call $method (local.get $r) (i32.const 3) (i32.const 0) (i32.const 0)))
      (call $body (local.get $r) (i32.const 300)) (call $must (i32.load8_u (i32.const 300)))
      (local.set $b (i32.load (i32.const 304)))
      (call $open (local.get $b) (i32.const 300)) (call $must (i32.load8_u (i32.const 300)))
      (local.set $f (call $send (local.get $r)))
      (call $must (call $what (local.get $f)))
      (call $put (i32.load (i32.const 304)) (i32.const 1088) (i32.const 6) (i32.const 300))
      (call $finish (local.get $b) (i32.const 0) (i32.const 0) (i32.const 312)) (call $must (i32.load8_u (i32.const 312)))
      (call $block (call $subscribe (local.get $f)))
      (call $must (i32.ne (call $what (local.get $f)) (i32.const 1)))
      (call $pass (i32.load (i32.const 224)))
    """
    module = await modules(http(body))
    host = FakeHost()
    assert await module.value(host=host) == {"ok": True}
    assert [(each.method, each.body) for each in host.requests] == [("PUT", b"hello!")]


async def test_several_requests_are_on_their_way_at_the_same_time(modules: Modules) -> None:
    body = """
      (local $one i32) (local $other i32)
      (local.set $one (call $send (call $new)))
      (local.set $other (call $send (call $new)))
      (call $block (call $subscribe (local.get $one)))
      (call $block (call $subscribe (local.get $other)))
      (call $must (i32.ne (call $what (local.get $one)) (i32.const 1)))
      (call $must (i32.ne (call $what (local.get $other)) (i32.const 1)))
      (call $pass (i32.load (i32.const 224)))
    """
    module = await modules(http(body), wall=60)

    class Both(FakeHost):
        """Answers when two requests have come."""

        async def fetch(self, request: FetchRequest) -> FetchResponse:
            if len(self.requests) == 1:
                gate.set()
            return await super().fetch(request)

    gate = trio.Event()
    assert await module.value(host=Both(gate)) == {"ok": True}


async def test_a_timer_and_a_response_are_waited_for_together(modules: Modules) -> None:
    body = """
      (local $f i32)
      (local.set $f (call $send (call $new)))
      (i32.store (i32.const 400) (call $subscribe (local.get $f)))
      (i32.store (i32.const 404) (call $after (i64.const 1000000)))
      (call $poll (i32.const 400) (i32.const 2) (i32.const 408))
      ;; the timer was first, and alone
      (call $must (i32.ne (i32.load (i32.const 412)) (i32.const 1)))
      (call $must (i32.ne (i32.load (i32.load (i32.const 408))) (i32.const 1)))
    """
    module = await modules(http(body), wall=60)
    host = FakeHost(trio.Event())
    assert (await module.run(host=host)).ending == Returned()
    assert len(host.requests) == 1


class Failing(FakeHost):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        raise self._error


CODES = {"DNS-error": 1, "connection-refused": 6, "response-body-size": 28, "timeout": 33, "internal": 38}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FetchError("who?", code="ENOTFOUND"), CODES["DNS-error"]),
        (FetchError("no", code="ECONNREFUSED"), CODES["connection-refused"]),
        (FetchError("too large", type="max-size"), CODES["response-body-size"]),
        (FetchError("it may not go there"), CODES["internal"]),
    ],
)
async def test_what_failed_has_a_code(modules: Modules, error: FetchError, code: int) -> None:
    body = """
      (local $f i32)
      (local.set $f (call $send (call $new)))
      (call $block (call $subscribe (local.get $f)))
      (call $number (i64.extend_i32_u (i32.sub (call $what (local.get $f)) (i32.const 2))))
    """
    module = await modules(http(body))
    assert (await module.thrown(host=Failing(error))).message.endswith(f": {code}")


async def test_a_request_may_have_a_time_of_its_own(modules: Modules) -> None:
    body = """
      (local $f i32) (local $o i32)
      (local.set $o (call $options))
      (call $must (call $patience (local.get $o) (i32.const 1) (i64.const 1000000)))
      (call $handle (call $new) (i32.const 1) (local.get $o) (i32.const 200))
      (call $must (i32.load8_u (i32.const 200)))
      (local.set $f (i32.load (i32.const 208)))
      (call $block (call $subscribe (local.get $f)))
      (call $number (i64.extend_i32_u (i32.sub (call $what (local.get $f)) (i32.const 2))))
    """
    module = await modules(http(body), wall=60)
    thrown = await module.thrown(host=FakeHost(trio.Event()))
    assert thrown.message.endswith(f": {CODES['timeout']}")


async def test_a_wait_without_end_ends_with_the_call(modules: Modules) -> None:
    module = await modules(http(GET), wall=0.2)
    ending = (await module.run(host=FakeHost(trio.Event()))).ending
    assert ending == Killed("timeout", "the call took longer than its limit of 0.2 s")


async def test_a_request_nobody_waits_for_ends_with_the_call(modules: Modules) -> None:
    module = await modules(http("(drop (call $send (call $new)))"), wall=60)
    host = FakeHost(trio.Event())
    assert (await module.run(host=host)).ending == Returned()


async def test_waiting_for_what_was_never_sent_is_thrown(modules: Modules) -> None:
    body = """
      (local $r i32)
      (local.set $r (call $new))
      (call $body (local.get $r) (i32.const 300))
      (call $block (call $subscribe (call $send (local.get $r))))
    """
    thrown = await (await modules(http(body), wall=60)).thrown()
    assert "waits for what never comes" in thrown.message


async def test_a_body_that_is_too_large_is_not_sent(modules: Modules) -> None:
    body = """
      (local $r i32) (local $b i32)
      (local.set $r (call $new))
      (call $body (local.get $r) (i32.const 300)) (local.set $b (i32.load (i32.const 304)))
      (call $open (local.get $b) (i32.const 300))
      (call $put (i32.load (i32.const 304)) (i32.const 0) (i32.const 101) (i32.const 300))
      (call $must (i32.eqz (i32.load8_u (i32.const 300))))
      (call $finish (local.get $b) (i32.const 0) (i32.const 0) (i32.const 312))
      (call $must (i32.eqz (i32.load8_u (i32.const 312))))
      ;; HTTP-request-body-size
      (call $must (i32.ne (i32.load8_u (i32.const 320)) (i32.const 17)))
      ;; and what is left of it is not sent either
      (call $handle (local.get $r) (i32.const 0) (i32.const 0) (i32.const 200))
      (call $must (i32.eqz (i32.load8_u (i32.const 200))))
    """
    host = FakeHost()
    module = await modules(http(body), fetch_request_bytes=100)
    assert (await module.run(call_of(), host)).ending == Returned()
    assert host.requests == []


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("a b", b"", "invalid-syntax"),
        ("", b"", "invalid-syntax"),
        ("a", b"\r\nx: y", "invalid-syntax"),
        ("Host", b"internal", "forbidden"),
        ("transfer-encoding", b"chunked", "forbidden"),
    ],
)
def test_headers_that_may_not_be_are_refused(name: str, value: bytes, error: str) -> None:
    assert Fields().change([(name, value)]) == ("err", (error, None))


def test_headers_have_a_bound() -> None:
    with pytest.raises(ValueError, match="262144"):
        Fields().change([("a", bytes([97]) * 262144)])


def test_thousands_of_copies_of_large_headers_take_no_room() -> None:
    """Each is a handle, and a component may hold ten thousand."""
    world = object.__new__(ComponentWorld)  # none of these asks it for anything
    large = Fields([("a", b"")] * 100_000)
    response = Incoming(FetchResponse(status=200, headers=(("a", "x" * 100_000),)))
    tracemalloc.start()
    try:
        copies = [clone_fields(world, large) for _ in range(1000)]
        shown = [headers(world, response) for _ in range(1000)]
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1024 * 1024
    assert delete_field(world, copies[0], "a") == ("ok", None)
    assert (copies[0].entries, len(copies[1].entries)) == ([], 100_000)
    assert shown[0].change([])[0] == "err"


@pytest.mark.parametrize("path", ["a", "//\\ x", "/a b", "/\n", "/a#b"])
def test_paths_that_may_not_be_are_refused(path: str) -> None:
    assert set_path(None, Outgoing(Fields()), path) == ("err", None)  # type: ignore[arg-type] # no world is looked at


def test_what_a_request_is_made_of() -> None:
    outgoing = Outgoing(Fields())
    nobody: None = None
    assert set_method(nobody, outgoing, ("other", "REPORT")) == ("ok", None)  # type: ignore[arg-type]
    assert set_method(nobody, outgoing, ("other", "A B")) == ("err", None)  # type: ignore[arg-type]
    assert set_scheme(nobody, outgoing, ("HTTP", None)) == ("ok", None)  # type: ignore[arg-type]
    outgoing.authority = "h"
    assert set_path(nobody, outgoing, "?a=1") == ("ok", None)  # type: ignore[arg-type]
    assert (outgoing.request().url, outgoing.request().method) == ("http://h/?a=1", "REPORT")


def test_how_long_a_request_may_take() -> None:
    options = Options()
    options.times = {"connect": 1_000_000_000, "first-byte": 2_000_000_000}
    assert options.seconds == 3
