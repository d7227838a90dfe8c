"""Whatever a WebAssembly function says, asks for and logs, its call comes to one outcome within its limits, whose JSON is JSON."""

from __future__ import annotations

import logging

import trio
from tests.wasm.modules import command, plugin

from fuzz.generators import unescaped
from fuzz.hostile import answer
from fuzz.oracles import hold_outcome
from isthmus import open_engine
from isthmus.events import Request
from isthmus.functions import Function, Kind
from isthmus.hookspecs import hookimpl
from isthmus.limits import Limits
from isthmus.outcomes import Outcome
from isthmus.testing import MockFetcher
from isthmus_wasmtime._runtime import WasmtimeRuntime

EVENT = b'{"type":"track","messageId":"m-1","event":"Fuzzed"}'
KINDS = {kind.value.encode(): kind for kind in Kind}
LIMITS = Limits(
    wall=1.0, cpu=5.0, log_bytes=64, fetches=3, operations=4, output_bytes=512, fetch_request_bytes=256
)
AT = 1024
MOST = 40_000
"""Bytes of all that is said: they lie in the guest's memory, before where answers go."""
ANSWER = 65_536
ASK = f"""(drop (call $ask (i32.const {{at}}) (i32.const {{size}}))) (call $answer (i32.const {ANSWER}))"""
IMPORTS = """(import "isthmus" "ask" (func $ask (param i32 i32) (result i32)))
  (import "isthmus" "answer" (func $answer (param i32)))"""

logging.getLogger("isthmus").setLevel(logging.CRITICAL)  # it tells of every fault, and here is nothing else


def check(data: bytes) -> None:
    r"""The first line is a kind of function, and ``plugin`` for one of Extism's; each other is a thing done, in order.

    ``ask {...}`` of the host; ``out`` and ``log`` bytes, with the escapes of a Python literal; ``http {...}`` as Extism's
    kits ask; ``trap``.  A plug-in's output is the last ``out``.
    """
    first, _, rest = data[:MOST].partition(b"\n")
    name, _, form = first.partition(b" ")
    kind = KINDS.get(name, Kind.DESTINATION)
    steps = [line.partition(b" ")[::2] for line in (rest if name in KINDS else data[:MOST]).split(b"\n")]
    said = [(word, unescaped(text)[:MOST]) for word, text in steps]
    while sum(len(text) for _, text in said) > MOST:
        said.pop()
    code = _plugin(said) if form == b"plugin" else _command(said)
    hold_outcome(trio.run(_outcome, kind, code), LIMITS)


def _command(said: list[tuple[bytes, bytes]]) -> str:
    body, at = [], AT
    for word, text in said:
        place = f"(i32.const {at}) (i32.const {len(text)})"
        if word in {b"out", b"log"}:
            body.append(f"(call $write (i32.const {1 if word == b'out' else 2}) {place})")
        elif word in {b"ask", b"http"}:
            body.append(ASK.format(at=at, size=len(text)))
        elif word == b"trap":
            body.append("(unreachable)")
        at += len(text)
    module = command("\n".join(body), data=_literal(said), pages="40")
    return module.replace("(module", f"(module\n  {IMPORTS}", 1)


def _plugin(said: list[tuple[bytes, bytes]]) -> str:
    body, at = [], AT
    for word, text in said:
        block = f"(call $block (i32.const {at}) (i32.const {len(text)}))"
        if word == b"out":
            body.append(f"(call $give {block})")
        elif word == b"log":
            body.append(f"(call $log_info {block})")
        elif word == b"ask":
            body.append(f"(drop (call $isthmus_ask {block}))")
        elif word == b"http":
            body.append(f"(drop (call $http_request {block} (i64.const 0)))")
        elif word == b"trap":
            body.append("(unreachable)")
        at += len(text)
    uses = {
        "log_info": "(param i64)",
        "isthmus_ask": "(param i64) (result i64)",
        "http_request": "(param i64 i64) (result i64)",
    }
    module = plugin("\n".join([*body, "(i32.const 0)"]), uses=uses, data=_literal(said), pages="2")
    module = module.replace('"extism:host/env" "isthmus_ask"', '"extism:host/user" "isthmus_ask"')
    return module.replace('(export "on_track")', '(export "on_track") (export "on_request")')


def _literal(said: list[tuple[bytes, bytes]]) -> str:
    return "".join(f"\\{byte:02x}" for _, text in said for byte in text)


class _Plugin:
    @hookimpl
    def isthmus_runtimes(self) -> list[WasmtimeRuntime]:
        return [WasmtimeRuntime(cache=None, threads=1)]


async def _outcome(kind: Kind, code: str) -> Outcome:
    function = Function(name="hostile", kind=kind, language="wasm", code=code, file="hostile.wat")
    plugins = [_Plugin(), MockFetcher(answer)]
    async with open_engine(plugins=plugins, load_entry_points=False, limits=LIMITS) as engine:
        instance = await engine.load(function)
        return await engine.invoke(instance, Request(body=b"{}") if kind is Kind.SOURCE else EVENT)
