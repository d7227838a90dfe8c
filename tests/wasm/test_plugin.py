"""Extism plug-ins: the memory and the functions they import, and what their results come to."""

from __future__ import annotations

import msgspec
import pytest
from tests.javascript import FakeHost, Offering, call_of
from tests.wasm.modules import Modules, plugin

from isthmus import FetchError, LoadError
from isthmus.abc import Call, FetchRequest, FetchResponse
from isthmus_wasmtime import with_handlers
from isthmus_wasmtime._runtime import WasmtimeRuntime, binary_of

GET = {"config_get": "(param i64) (result i64)", "var_get": "(param i64) (result i64)"}
SET = {"var_set": "(param i64 i64)", "error_set": "(param i64)"}
HTTP = {
    "http_request": "(param i64 i64) (result i64)",
    "http_status_code": "(result i32)",
    "http_headers": "(result i64)",
}
ECHO = plugin(
    """
    (local $p i64) (local $i i64)
    (local.set $p (call $alloc (call $input_length)))
    (loop $each
      (if (i64.lt_u (local.get $i) (call $input_length))
        (then
          (call $store_u8 (i64.add (local.get $p) (local.get $i)) (call $input_load_u8 (local.get $i)))
          (local.set $i (i64.add (local.get $i) (i64.const 1)))
          (br $each))))
    (call $give (local.get $p))
    (i32.const 0)"""
)


@pytest.mark.parametrize("size", [0, 1, 100, 65_536, 1_500_000])
async def test_the_event_is_the_input_and_the_output_the_value(modules: Modules, size: int) -> None:
    echo = await modules(ECHO)
    event = {"text": "x" * size}
    for _ in range(2):
        assert await echo.value(call_of(event)) == event


async def test_an_output_that_is_no_json_is_a_string_of_it(modules: Modules) -> None:
    module = await modules(
        plugin("(call $give (call $block (i32.const 1024) (i32.const 5))) (i32.const 0)", data="hello")
    )
    assert await module.value() == "hello"


async def test_no_output_is_nothing(modules: Modules) -> None:
    assert await (await modules(plugin("(i32.const 0)"))).value() is None


async def test_an_output_over_the_limit_ends_the_call(modules: Modules) -> None:
    module = await modules(ECHO, output_bytes=50)
    assert (await module.killed(call_of({"text": "x" * 50}))).reason == "output"


@pytest.mark.parametrize(
    ("message", "name", "said"),
    [
        ("it broke", "Error", "it broke"),
        ("RetryError: later", "RetryError", "later"),
        ("EventNotSupported: no", "EventNotSupported", "no"),
        ("DropEvent: ", "DropEvent", ""),
        ("note: this is no name", "Error", "note: this is no name"),
        ('{"name":"ValidationError","message":"bad"}', "ValidationError", "bad"),
    ],
)
@pytest.mark.parametrize("status", [0, 1])
async def test_an_error_is_thrown(modules: Modules, message: str, name: str, said: str, status: int) -> None:
    data = message.replace('"', '\\"')
    body = f"(call $error_set (call $block (i32.const 1024) (i32.const {len(message)}))) (i32.const {status})"
    thrown = await (await modules(plugin(body, uses=SET, data=data))).thrown()
    assert (thrown.name, thrown.message) == (name, said)


async def test_a_status_without_an_error_is_thrown_too(modules: Modules) -> None:
    assert "returned -3" in (await (await modules(plugin("(i32.const -3)"))).thrown()).message


async def test_the_configuration_is_the_settings(modules: Modules) -> None:
    module = await modules(
        plugin(
            "(call $give (call $config_get (call $block (i32.const 1024) (i32.const 3)))) (i32.const 0)",
            uses=GET,
            data="key",
        )
    )
    assert await module.value(call_of(settings={"key": "plain"})) == "plain"
    assert await module.value(call_of(settings={"key": ["a", "b"]})) == ["a", "b"]
    assert await module.value(call_of(settings={"key": {"a": "é"}})) == {"a": "é"}
    assert await module.value(call_of(settings={"key": ""})) is None
    assert await module.value(call_of(settings={})) is None


COUNTER = plugin(
    """
    (local $p i64)
    (local.set $p (call $var_get (call $block (i32.const 1024) (i32.const 1))))
    (if (i64.eqz (local.get $p))
      (then (call $give (call $block (i32.const 1026) (i32.const 1)))
            (call $var_set (call $block (i32.const 1024) (i32.const 1)) (call $block (i32.const 1025) (i32.const 1))))
      (else (call $give (local.get $p))
            (if (i32.eq (call $load_u8 (local.get $p)) (i32.const 55))
              (then (call $var_set (call $block (i32.const 1024) (i32.const 1)) (i64.const 0))))))
    (i32.const 0)""",
    uses=GET | SET,
    data="k70",
)


async def test_variables_last_as_long_as_their_world(modules: Modules) -> None:
    module = await modules(COUNTER)
    assert [await module.value() for _ in range(3)] == [0, 0, 0]
    kept = await modules(COUNTER, isolation="instance")
    assert [await kept.value() for _ in range(4)] == [0, 7, 0, 7]
    assert await kept.value(call_of(instance="other")) == 0
    await kept.program.forget("instance")
    assert await kept.value() == 0


async def test_variables_have_a_bound(modules: Modules) -> None:
    body = """
      (call $var_set (call $block (i32.const 1024) (i32.const 1)) (call $alloc (i64.const 1100000))) (i32.const 0)"""
    module = await modules(plugin(body, uses=SET, data="k"))
    assert "1048576" in (await module.thrown()).message


REQUEST = (
    '{\\"url\\":\\"https://api.example.com/x\\",\\"method\\":\\"post\\",\\"headers\\":{\\"a\\":\\"b\\"}}'
)
REQUEST_LENGTH = len(REQUEST.replace("\\", ""))


def requesting(body: str) -> str:
    return plugin(
        f"""
        (local $p i64)
        (local.set $p (call $http_request (call $block (i32.const 1024) (i32.const {REQUEST_LENGTH})) {body}))
        (call $give (select (local.get $p) (call $http_headers) (i32.eq (call $http_status_code) (i32.const 200))))
        (i32.const 0)""",
        uses=HTTP,
        data=REQUEST,
    )


class Answering(FakeHost):
    """Answers with a status and headers."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(body=body)
        self._answer = FetchResponse(
            status=status, body=body, headers=(("Set-Cookie", "a"), ("set-cookie", "b"), ("X", "y"))
        )

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        await super().fetch(request)
        return self._answer


async def test_a_request_goes_through_the_host(modules: Modules) -> None:
    module = await modules(requesting("(call $block (i32.const 1024) (i32.const 4))"))
    host = Answering(200, b'{"answer":1}')
    assert await module.value(host=host) == {"answer": 1}
    (request,) = host.requests
    assert request == FetchRequest(
        url="https://api.example.com/x", method="POST", headers=(("a", "b"),), body=b'{"ur'
    )


async def test_status_and_headers_of_the_response(modules: Modules) -> None:
    module = await modules(requesting("(i64.const 0)"))
    host = Answering(500, b"no")
    assert await module.value(host=host) == {"set-cookie": "a, b", "x": "y"}
    assert host.requests[0].body is None


async def test_no_response_is_a_fetch_error_of_the_function(modules: Modules) -> None:
    class Failing(FakeHost):
        async def fetch(self, request: FetchRequest) -> FetchResponse:
            raise FetchError("no route to it", code="EHOSTUNREACH")

    thrown = await (await modules(requesting("(i64.const 0)"))).thrown(host=Failing())
    assert (thrown.name, thrown.message) == ("FetchError", "no route to it")


async def test_log_lines_have_their_level(modules: Modules) -> None:
    levels = ("trace", "debug", "info", "warn", "error")
    module = await modules(
        plugin(
            "".join(f"(call $log_{level} (call $block (i32.const 1024) (i32.const 2)))" for level in levels)
            + "(i32.const 0)",
            uses={f"log_{level}": "(param i64)" for level in levels},
            data="hi",
        )
    )
    host = FakeHost()
    await module.run(host=host)
    assert host.lines == [(level, "hi") for level in ("debug", "debug", "info", "warn", "error")]


MEMORY = {
    "free": "(param i64)",
    "length_unsafe": "(param i64) (result i64)",
    "load_u64": "(param i64) (result i64)",
    "store_u64": "(param i64 i64)",
    "input_offset": "(result i64)",
    "input_load_u64": "(param i64) (result i64)",
    "memory_bytes": "(result i64)",
}
REPORT = """
  (global $failed (mut i32) (i32.const 0))
  (global $checks (mut i32) (i32.const 0))
  (func $is (param $one i64) (param $other i64)
    (global.set $checks (i32.add (global.get $checks) (i32.const 1)))
    (if (i64.ne (local.get $one) (local.get $other))
      (then (if (i32.eqz (global.get $failed)) (then (global.set $failed (global.get $checks)))))))
"""


@pytest.mark.parametrize(
    "checks",
    [
        # lengths
        (
            "(local.set $p (call $alloc (i64.const 10))) (call $is (call $length (local.get $p)) (i64.const 10))"
            "(call $is (call $length_unsafe (local.get $p)) (i64.const 10))"
            "(call $is (call $length (i64.add (local.get $p) (i64.const 1))) (i64.const 0))"
            "(call $is (call $length (i64.add (local.get $p) (i64.const 16))) (i64.const 0))"
            "(call $is (call $length (i64.const 0)) (i64.const 0))"
            "(call $is (call $length (i64.const -1)) (i64.const 0))"
            "(call $is (call $length (i64.const 0x100000000)) (i64.const 0))"
        ),
        # what is freed is used again, and is no block until then
        (
            "(local.set $p (call $alloc (i64.const 100))) (call $free (local.get $p))"
            "(call $is (call $length (local.get $p)) (i64.const 0)) (call $free (local.get $p))"
            "(call $is (call $alloc (i64.const 50)) (local.get $p))"
            "(call $is (call $length (local.get $p)) (i64.const 50))"
        ),
        # no bytes, no block; too many, none either
        (
            "(call $is (call $alloc (i64.const 0)) (i64.const 0)) (call $is (call $alloc (i64.const 0x7fffffff)) (i64.const 0))"
            "(call $is (call $alloc (i64.const -1)) (i64.const 0)) (call $is (call $alloc (i64.const 400000000)) (i64.const 0))"
        ),
        # bytes and words
        (
            "(local.set $p (call $alloc (i64.const 16))) (call $store_u64 (local.get $p) (i64.const 0x0102030405060708))"
            "(call $is (call $load_u64 (local.get $p)) (i64.const 0x0102030405060708))"
            "(call $is (i64.extend_i32_u (call $load_u8 (local.get $p))) (i64.const 8))"
            "(call $store_u8 (local.get $p) (i32.const 0x1ff)) (call $is (i64.extend_i32_u (call $load_u8 (local.get $p))) (i64.const 255))"
        ),
        # outside of the memory there is nothing, and below it the kernel's own
        (
            "(call $is (call $load_u64 (i64.const 0)) (i64.const 0)) (call $is (call $load_u64 (i64.const -4)) (i64.const 0))"
            "(call $is (call $load_u64 (i64.const 48)) (i64.const 0)) (call $store_u64 (i64.const 48) (i64.const -1))"
            "(call $is (call $load_u64 (i64.sub (call $memory_bytes) (i64.const 7))) (i64.const 0))"
            "(call $store_u64 (i64.sub (call $memory_bytes) (i64.const 4)) (i64.const 1))"
            "(call $is (i64.extend_i32_u (call $load_u8 (call $memory_bytes))) (i64.const 0))"
        ),
        # the input: {"a":1}, seven bytes
        (
            "(call $is (call $input_length) (i64.const 8)) (call $is (call $length (call $input_offset)) (i64.const 8))"
            "(call $is (i64.extend_i32_u (call $input_load_u8 (i64.const 0))) (i64.const 123))"
            "(call $is (i64.extend_i32_u (call $input_load_u8 (i64.const 8))) (i64.const 0))"
            "(call $is (i64.extend_i32_u (call $input_load_u8 (i64.const -1))) (i64.const 0))"
            "(call $is (call $input_load_u64 (i64.const 1)) (i64.const 0))"
            "(call $is (call $input_load_u64 (i64.const -8)) (i64.const 0))"
            "(call $is (call $input_load_u64 (i64.const 0)) (call $load_u64 (call $input_offset)))"
        ),
        # a million blocks, each given back, take no more room than one
        (
            "(local.set $p (call $memory_bytes)) (loop $l (call $free (call $alloc (i64.const 1000)))"
            "(br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000000))))"
            "(call $is (call $memory_bytes) (local.get $p))"
        ),
    ],
    ids=["length", "free", "none", "words", "bounds", "input", "million"],
)
async def test_memory(modules: Modules, checks: str) -> None:
    body = f"(local $p i64) (local $i i32) {checks} (global.get $failed)"
    module = await modules(plugin(body, uses=MEMORY, more=REPORT))
    for _ in range(2):
        assert await module.value(call_of({"a": 1})) is None  # a status would say which check failed


FORGED = """
  ;; heads of blocks written over: sizes, links and marks that are lies
  (local.set $p (call $alloc (i64.const 32)))
  (call $store_u64 (i64.sub (local.get $p) (i64.const 16)) (i64.const -1))
  (call $free (call $alloc (i64.const 32)))
  (call $store_u64 (i64.sub (local.get $p) (i64.const 16)) (i64.const 0x7fffffff7fffffff))
"""


@pytest.mark.parametrize(
    "forgery",
    [
        FORGED + "(call $give (local.get $p))",
        FORGED + "(call $free (local.get $p)) (call $output_set (call $alloc (i64.const 64)) (i64.const 64))",
        "(call $output_set (i64.const 16) (i64.const 100))",
        "(call $output_set (i64.const 300000) (i64.const -1))",
        "(call $output_set (i64.const 300000) (i64.const 0x7fff0000))",
        "(call $output_set (i64.const -1) (i64.const 2))",
        # a free list that leads into the kernel's own head
        (
            "(local.set $p (call $alloc (i64.const 32))) (call $free (local.get $p))"
            "(call $store_u64 (i64.sub (local.get $p) (i64.const 8)) (i64.const 32)) "
            "(drop (call $alloc (i64.const 1000))) (drop (call $alloc (i64.const 1)))  (drop (call $alloc (i64.const 1)))"
            "(call $give (call $alloc (i64.const 3)))"
        ),
    ],
)
async def test_a_guest_that_lies_about_its_memory_hurts_itself_alone(modules: Modules, forgery: str) -> None:
    module = await modules(plugin(f"(local $p i64) {forgery} (i32.const 0)", uses=MEMORY), wall=0.5)
    await module.run()
    echo = await modules(ECHO)
    assert await echo.value(call_of({"a": 1})) == {"a": 1}


async def test_handlers_are_found_in_either_spelling(modules: Modules) -> None:
    more = '(func (export "onIdentify") (result i32) (i32.const 0)) (func (export "on_batch") (result i32) (i32.const 0)) (func (export "other") (result i32) (i32.const 0))'
    module = await modules(plugin("(i32.const 0)", more=more))
    assert module.program.handlers == {"onTrack", "onIdentify", "onBatch"}


COUNT_VOWELS = plugin("(i32.const 0)").replace("on_track", "count_vowels")


async def test_a_plug_in_of_other_names_says_which_export_is_which_handler(modules: Modules) -> None:
    with pytest.raises(
        LoadError, match=r"none of its exports is named as a handler .* it exports count_vowels"
    ):
        await modules(COUNT_VOWELS)
    binary = binary_of(COUNT_VOWELS, "x")
    module = await modules(with_handlers(binary, {"onTrack": "count_vowels", "onPage": "count_vowels"}))
    assert module.program.handlers == {"onTrack", "onPage"}
    assert await module.value(call_of(handler="onPage")) is None


async def test_the_embedder_may_say_it_too() -> None:
    async with Modules.opened(WasmtimeRuntime(handlers={"onTrack": "count_vowels"}, cache=None)) as modules:
        assert (await modules(COUNT_VOWELS)).program.handlers == {"onTrack"}


@pytest.mark.parametrize(
    ("handlers", "why"),
    [
        ({"onTrack": "missing"}, r"export 'missing', which it has not; it exports on_track"),
        ({"onClick": "on_track"}, r"no handler 'onClick'"),
    ],
)
async def test_a_mapping_that_fits_not_is_refused(
    modules: Modules, handlers: dict[str, str], why: str
) -> None:
    with pytest.raises(LoadError, match=why):
        await modules(with_handlers(binary_of(plugin("(i32.const 0)"), "x"), handlers))


ASKING = """
  (call $give (call $ask (call $block (i32.const 1024) (i32.const {length})))) (i32.const 0)"""


def asking(request: str) -> str:
    data = request.replace("\\", "\\\\").replace('"', '\\"')
    text = plugin(ASKING.format(length=len(request)), data=data)
    return text.replace(
        "(module", '(module (import "extism:host/user" "isthmus_ask" (func $ask (param i64) (result i64)))', 1
    )


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ('{"op":"cache_load","key":"k"}', {"value": {"hit": False}}),
        ('{"op":"cache_load","key":"there"}', {"value": {"hit": True, "value": {"a": 1}}}),
        ('{"op":"cache_store","key":"k","value":[1],"ttl":-1}', {"value": None}),
        ('{"op":"sleep","ms":1}', {"value": None}),
        ('{"op":"log","level":"warn","text":"hi"}', {"value": None}),
    ],
)
async def test_the_hosts_other_capabilities(modules: Modules, request_: str, answer: object) -> None:
    host = FakeHost()
    host.cache["there"] = b'{"a": 1}'
    assert await (await modules(asking(request_))).value(host=host) == answer


@pytest.mark.parametrize(
    ("argument", "answer"),
    [
        ('"there"', {"value": {"city": "there"}}),
        ('"nowhere"', {"error": {"name": "CapabilityError", "message": "no such city", "code": "not_found"}}),
    ],
)
async def test_what_the_embedder_offers(modules: Modules, argument: str, answer: object) -> None:
    request = '{"op":"capability","name":"geo.lookup","argument":' + argument + "}"
    assert await (await modules(asking(request))).value(host=Offering()) == answer


async def test_fetch_through_the_same_door(modules: Modules) -> None:
    host = Answering(201, b"\xff")
    found = await (
        await modules(asking('{"op":"fetch","url":"https://a/","method":"put","body":"x"}'))
    ).value(host=host)
    assert isinstance(found, dict)
    assert found["value"]["status"] == 201
    assert (found["value"]["body"], found["value"]["base64"]) == ("/w==", True)
    assert host.requests == [FetchRequest(url="https://a/", method="PUT", body=b"x")]


@pytest.mark.parametrize(
    "request_", ["", "nonsense", "{}", '{"op":"exec"}', '{"op":"fetch"}', '{"op":"sleep","ms":"x"}']
)
async def test_what_is_no_request_is_an_error_that_says_so(modules: Modules, request_: str) -> None:
    found = await (await modules(asking(request_ or " "))).value()
    assert isinstance(found, dict)
    assert found["error"]["name"] == "TypeError"


async def test_messages_of_a_source(modules: Modules) -> None:
    module = await modules(asking('{"op":"send","message":{"type":"track"}}'))
    assert msgspec.json.decode((await module.run()).messages) == [{"type": "track"}]


async def test_a_webhook_is_the_input_of_on_request(modules: Modules) -> None:
    echo = await modules(ECHO.replace("on_track", "on_request"))
    call = Call(
        "onRequest",
        b'{"url":"https://h/","method":"POST","headers":[],"text":"hi"}',
        b"{}",
        "i",
        1.0,
        bytes(32),
    )
    assert await echo.value(call) == {"url": "https://h/", "method": "POST", "headers": [], "body": "hi"}
