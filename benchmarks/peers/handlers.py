"""The handler that all run, and code that wants to run for ever or to have all memory: the same in all languages."""

from __future__ import annotations

import base64
from types import MappingProxyType
from typing import Final

import wasmtime

from benchmarks._subject import CODE

__all__ = ["EXPECTED", "HANDLERS", "PROBES"]

PYTHON: Final = """
def on_track(event, settings):
    items = event["properties"]["items"]
    return {
        "user": event["userId"],
        "total": sum(item["price"] * item["qty"] for item in items),
        "key": settings["apiKey"][:4],
        "tags": [item["sku"].lower() for item in items],
    }
"""

HANDLERS: Final = MappingProxyType({"javascript": CODE, "python": PYTHON})
"""By language; of WebAssembly it is ``guest/handler.zig``, which is compiled."""

EXPECTED: Final = {
    "user": "u123",
    "total": sum((9.5 + number) * (number + 1) for number in range(5)),
    "key": "abcd",
    "tags": [f"sku-{number}" for number in range(5)],
}


def _javascript(body: str) -> str:
    return f"async function onTrack() {{ {body} }}"


def _python(body: str) -> str:
    return "def on_track(event, settings):\n" + "".join(f"    {line}\n" for line in body.split("\n"))


def _module(body: str) -> str:
    """A module whose handler does this and comes to no end, in Base64."""
    text = (
        f'(module (memory (export "memory") 1) (func (export "on_track") (result i32) {body} (i32.const 0)))'
    )
    return base64.b64encode(wasmtime.wat2wasm(text)).decode()


_GROW: Final = "(i32.mul (memory.grow (i32.const 16)) (i32.const 65536))"

PROBES: Final = MappingProxyType(
    {
        "wasm": MappingProxyType(
            {
                "loop": _module("(loop $on (br $on))"),
                "memory: bytes": _module(
                    f"(loop $on (memory.fill {_GROW} (i32.const 1) (i32.const 1048576)) (br $on))"
                ),
            }
        ),
        "javascript": MappingProxyType(
            {
                "loop": _javascript("for (;;);"),
                "caught loop": _javascript("for (;;) try { for (;;); } catch {} finally { continue; }"),
                "regex": _javascript('return /^(a+)+$/.test("a".repeat(40) + "b");'),
                "sort": _javascript(
                    "const a = Array.from({ length: 1e6 }, (_, i) => -i); for (;;) a.sort(() => 1);"
                ),
                "replaceAll": _javascript('const s = "ab".repeat(1 << 20); for (;;) s.replaceAll("b", "c");'),
                "BigInt": _javascript("let x = 3n ** 100000n; for (;;) x = (x * x) % (3n ** 200001n);"),
                "repeat": _javascript('for (;;) "ab".repeat(1 << 24);'),
                "promises": _javascript("const spin = () => Promise.resolve().then(spin); await spin();"),
                "never settles": _javascript("await new Promise(() => {});"),
                "memory: array": _javascript("const a = []; for (;;) a.push(Array(1000).fill(a.length));"),
                "memory: string": _javascript('let s = "x"; for (;;) s += s + s.length;'),
                "memory: bytes": _javascript(
                    "const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1));"
                ),
                "memory: map": _javascript(
                    "const m = new Map(); for (let i = 0; ; i++) m.set(`key ${i}`, { i });"
                ),
                "memory: join": _javascript("return String(new Array(150e6)).length;"),
            }
        ),
        "python": MappingProxyType(
            {
                "loop": _python("while True: pass"),
                "caught loop": _python(
                    "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
                ),
                "regex": _python('import re\nreturn bool(re.match("^(a+)+$", "a" * 40 + "b"))'),
                "sort": _python("a = list(range(1000000))\nwhile True: a = sorted(a, key=lambda i: -i)"),
                "replaceAll": _python('s = "ab" * (1 << 20)\nwhile True: s.replace("b", "c")'),
                "BigInt": _python("x = 3 ** 100000\nwhile True: x = (x * x) % (3 ** 200001)"),
                "repeat": _python('while True: "ab" * (1 << 24)'),
                "memory: array": _python("a = []\nwhile True: a.append([len(a)] * 1000)"),
                "memory: string": _python('s = "x"\nwhile True: s += s + str(len(s))'),
                "memory: bytes": _python('a = []\nwhile True: a.append(b"1" * (1 << 20))'),
                "memory: map": _python('m = {}\nwhile True: m["key " + str(len(m))] = [len(m)]'),
            }
        ),
    }
)
