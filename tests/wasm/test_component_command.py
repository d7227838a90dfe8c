"""Components that are commands: JSON on standard input and output, over WASI 0.2, with nothing of the machine's."""

from __future__ import annotations

import hashlib
import json

import pytest
from tests.javascript import NOW, FakeHost, call_of
from tests.wasm.components import component, escaped, prints, speaking
from tests.wasm.modules import Modules

from isthmus.abc import Returned

READ = (
    '(import "wasi:cli/stdin" "get-stdin" (func $stdin (result i32)))'
    '(import "wasi:io/streams" "[method]input-stream.blocking-read" (func $read (param i32 i64 i32)))'
)
ECHO = speaking(
    """
    (local $in i32)
    (local.set $in (call $stdin))
    (call $out (i32.const 1024) (i32.const 10))
    (loop $more
      (call $read (local.get $in) (i64.const 30000) (i32.const 0))
      (if (i32.eqz (i32.load8_u (i32.const 0)))
        (then (call $out (i32.load (i32.const 4)) (i32.load (i32.const 8))) (br $more))))
    (call $out (i32.const 1034) (i32.const 1))
    """,
    uses=READ,
    interfaces=["wasi:cli/stdin"],
    data='{\\"return\\":}',
)


@pytest.mark.parametrize("size", [1, 30_000, 65_536, 1_000_000])
async def test_the_call_is_on_standard_input_whole(modules: Modules, size: int) -> None:
    echo = await modules(ECHO)
    event = {"text": "é" * (size // 2)}
    found = await echo.value(call_of(event, {"apiKey": "k"}))
    assert found == {"handler": "onTrack", "event": event, "settings": {"apiKey": "k"}}


@pytest.mark.parametrize(
    ("reply", "value"),
    [("", b""), ('{"return": {"a": [1, "ü"]}}', '{"a": [1, "ü"]}'.encode()), ('{"events": []}', b"[]")],
)
async def test_the_reply_is_on_standard_output(modules: Modules, reply: str, value: bytes) -> None:
    module = await modules(prints(reply))
    assert (await module.run()).ending == Returned(value)


async def test_messages_of_a_source(modules: Modules) -> None:
    reply = await (await modules(prints('{"messages": [{"type": "track"}]}'))).run()
    assert json.loads(reply.messages) == [{"type": "track"}]


async def test_an_error_is_thrown_by_its_name_whatever_the_exit(modules: Modules) -> None:
    reply = '{"error": {"name": "RetryError", "message": "later"}}'
    for result in ("(i32.const 0)", "(i32.const 1)"):
        thrown = await (await modules(prints(reply, result=result))).thrown()
        assert (thrown.name, thrown.message) == ("RetryError", "later")


EXIT = '(import "wasi:cli/exit" "exit" (func $exit (param i32)))'
EXIT_WITH = '(import "wasi:cli/exit" "exit-with-code" (func $exit (param i32)))'


@pytest.mark.parametrize(
    ("uses", "status", "message"),
    [(EXIT, 1, "exit status 1: why"), (EXIT_WITH, 7, "exit status 7: why")],
)
async def test_an_exit_that_is_not_well_is_thrown_with_the_last_words(
    modules: Modules, uses: str, status: int, message: str
) -> None:
    body = (
        "(call $write (call $stderr) (i32.const 1024) (i32.const 9))"
        f"(call $exit (i32.const {status})) unreachable"
    )
    module = await modules(speaking(body, uses=uses, interfaces=["wasi:cli/exit"], data="first\\0awhy"))
    host = FakeHost()
    assert (await module.thrown(host=host)).message == message
    assert host.texts == ["first", "why"]


async def test_an_exit_that_is_well_is_a_reply(modules: Modules) -> None:
    body = "(call $out (i32.const 1024) (i32.const 12)) (call $exit (i32.const 0)) unreachable"
    data = escaped(b'{"return":1}')
    module = await modules(speaking(body, uses=EXIT, interfaces=["wasi:cli/exit"], data=data))
    assert await module.value() == 1


async def test_run_that_is_not_well_is_thrown(modules: Modules) -> None:
    assert (await (await modules(prints("", result="(i32.const 1)"))).thrown()).message == "exit status 1"


async def test_a_trap_is_thrown_with_the_functions_it_was_in(modules: Modules) -> None:
    body = speaking("(call $deep) ", more="(func $deep unreachable)")
    thrown = await (await modules(body)).thrown()
    assert thrown.name == "Trap"
    assert "unreachable" in thrown.message
    assert "deep" in thrown.stack


# -- what is ambient


async def test_the_clocks_begin_with_the_call_and_move_on_with_each_look(modules: Modules) -> None:
    uses = """
      (import "wasi:clocks/wall-clock" "now" (func $wall (param i32)))
      (import "wasi:clocks/monotonic-clock" "now" (func $now (result i64)))
    """
    body = """
      (local $began i64)
      (local.set $began (call $now))
      (if (i64.ne (i64.sub (call $now) (local.get $began)) (i64.const 1000)) (then unreachable))
      (call $wall (i32.const 104))
      (call $out (i32.const 1024) (i32.const 11)) (call $number (i64.load (i32.const 104)))
      (call $out (i32.const 1035) (i32.const 1)) (call $number (i64.load32_u (i32.const 112)))
      (call $out (i32.const 1036) (i32.const 2))
    """
    interfaces = ["wasi:clocks/wall-clock", "wasi:clocks/monotonic-clock"]
    data = escaped(b'{"return":[' + b",]}")
    module = await modules(speaking(body, uses=uses, interfaces=interfaces, data=data))
    assert await module.value() == [int(NOW), 3000]
    assert await module.value() == [int(NOW), 3000]


@pytest.mark.parametrize(
    ("interface", "function"),
    [("wasi:random/random", "get-random-u64"), ("wasi:random/insecure", "get-insecure-random-u64")],
)
async def test_chance_is_the_call_s_own(modules: Modules, interface: str, function: str) -> None:
    body = "(call $out (i32.const 1024) (i32.const 11)) (call $number (call $it)) (call $out (i32.const 1035) (i32.const 2))"
    uses = f'(import "{interface}" "{function}" (func $it (result i64)))'
    code = speaking(body, uses=uses, interfaces=[interface], data=escaped(b'{"return":"' + b'"}'))
    module = await modules(code)
    first = await module.value(call_of(seed=bytes(32)))
    drawn = hashlib.shake_256(bytes(32) + (1).to_bytes(8, "big")).digest(8)
    assert first == str(int.from_bytes(drawn, "little"))
    assert await module.value(call_of(seed=bytes(32))) == first
    assert await module.value(call_of(seed=b"\1" * 32)) != first


async def test_a_wait_is_waited_and_moves_the_clock_on(modules: Modules) -> None:
    uses = """
      (import "wasi:clocks/monotonic-clock" "now" (func $now (result i64)))
      (import "wasi:clocks/monotonic-clock" "subscribe-duration" (func $after (param i64) (result i32)))
      (import "wasi:io/poll" "[method]pollable.block" (func $block (param i32)))
      (import "wasi:io/poll" "[method]pollable.ready" (func $ready (param i32) (result i32)))
      (import "wasi:io/poll" "poll" (func $poll (param i32 i32 i32)))
    """
    body = """
      (local $alarm i32) (local $began i64)
      (local.set $began (call $now))
      (local.set $alarm (call $after (i64.const 5000000)))
      (if (call $ready (local.get $alarm)) (then unreachable))
      (i32.store (i32.const 100) (call $after (i64.const 60000000000)))
      (i32.store (i32.const 104) (local.get $alarm))
      (call $poll (i32.const 100) (i32.const 2) (i32.const 108))
      ;; the second of the two is ready, and nothing else
      (if (i32.ne (i32.load (i32.const 112)) (i32.const 1)) (then unreachable))
      (if (i32.ne (i32.load (i32.load (i32.const 108))) (i32.const 1)) (then unreachable))
      (call $block (local.get $alarm))
      (if (i64.lt_u (i64.sub (call $now) (local.get $began)) (i64.const 5000000)) (then unreachable))
    """
    interfaces = ["wasi:clocks/monotonic-clock"]
    module = await modules(speaking(body, uses=uses, interfaces=interfaces), wall=30)
    host = FakeHost()
    assert (await module.run(host=host)).ending == Returned()
    assert len(host.slept) == 1
    assert host.slept[0] == pytest.approx(0.005, abs=0.001)


async def test_there_are_no_variables_no_directories_no_sockets(modules: Modules) -> None:
    imports = """
      (import "wasi:cli/environment" "get-environment" (func $environment (param i32)))
      (import "wasi:cli/environment" "get-arguments" (func $arguments (param i32)))
      (import "wasi:cli/environment" "initial-cwd" (func $cwd (param i32)))
      (import "wasi:cli/terminal-stdout" "get-terminal-stdout" (func $terminal (param i32)))
      (import "wasi:filesystem/preopens" "get-directories" (func $directories (param i32)))
      (import "wasi:sockets/instance-network" "instance-network" (func $network (result i32)))
      (import "wasi:sockets/tcp-create-socket" "create-tcp-socket" (func $tcp (param i32 i32)))
      (import "wasi:sockets/udp-create-socket" "create-udp-socket" (func $udp (param i32 i32)))
      (import "wasi:sockets/ip-name-lookup" "resolve-addresses" (func $resolve (param i32 i32 i32 i32)))
    """
    more = """
      (func $none (param $size i32) (if (i32.load (local.get $size)) (then unreachable)))
      (func $denied
        (if (i32.ne (i32.load8_u (i32.const 100)) (i32.const 1)) (then unreachable))
        (if (i32.ne (i32.load8_u (i32.const 104)) (i32.const 1)) (then unreachable)))
    """
    body = """
      (call $environment (i32.const 100)) (call $none (i32.const 104))
      (call $directories (i32.const 100)) (call $none (i32.const 104))
      (call $arguments (i32.const 100))
      (if (i32.ne (i32.load (i32.const 104)) (i32.const 1)) (then unreachable))
      (i32.store (i32.const 100) (i32.const 9)) (call $cwd (i32.const 100))
      (if (i32.load8_u (i32.const 100)) (then unreachable))
      (i32.store (i32.const 100) (i32.const 9)) (call $terminal (i32.const 100))
      (if (i32.load8_u (i32.const 100)) (then unreachable))
      (call $tcp (i32.const 0) (i32.const 100)) (call $denied)
      (call $udp (i32.const 1) (i32.const 100)) (call $denied)
      (call $resolve (call $network) (i32.const 1024) (i32.const 9) (i32.const 100)) (call $denied)
    """
    interfaces = [
        "wasi:cli/environment", "wasi:cli/terminal-output", "wasi:cli/terminal-stdout", "wasi:filesystem/types",
        "wasi:filesystem/preopens", "wasi:sockets/network", "wasi:sockets/instance-network",
        "wasi:sockets/tcp", "wasi:sockets/tcp-create-socket", "wasi:sockets/udp",
        "wasi:sockets/udp-create-socket", "wasi:sockets/ip-name-lookup",
    ]  # fmt: skip
    code = speaking(body, uses=imports, interfaces=interfaces, data="localhost", more=more)
    assert (await (await modules(code)).run()).ending == Returned()


async def test_every_version_of_wasi_0_2_will_do(modules: Modules) -> None:
    core = '(func (export "run") (result i32) (i32.const 0))'
    for version in ("0.2.0", "0.2.3", "0.2.99"):
        code = component(core, imports=["wasi:io/error", "wasi:io/poll"], versions=version)
        assert (await (await modules(code)).run()).ending == Returned()
