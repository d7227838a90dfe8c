"""The WinterTC minimum common API, name by name, and what of the platform has no test file of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.javascript import FakeHost, Scripts, call_of

INTERFACES = [
    "AbortController",
    "AbortSignal",
    "Blob",
    "ByteLengthQueuingStrategy",
    "CompressionStream",
    "CountQueuingStrategy",
    "Crypto",
    "CryptoKey",
    "CustomEvent",
    "DecompressionStream",
    "DOMException",
    "ErrorEvent",
    "Event",
    "EventTarget",
    "File",
    "FormData",
    "Headers",
    "MessageChannel",
    "MessageEvent",
    "MessagePort",
    "Performance",
    "PromiseRejectionEvent",
    "ReadableByteStreamController",
    "ReadableStream",
    "ReadableStreamBYOBReader",
    "ReadableStreamBYOBRequest",
    "ReadableStreamDefaultController",
    "ReadableStreamDefaultReader",
    "Request",
    "Response",
    "SubtleCrypto",
    "TextDecoder",
    "TextDecoderStream",
    "TextEncoder",
    "TextEncoderStream",
    "TransformStream",
    "TransformStreamDefaultController",
    "URL",
    "URLPattern",
    "URLSearchParams",
    "WritableStream",
    "WritableStreamDefaultController",
    "WritableStreamDefaultWriter",
]
FUNCTIONS = [
    "atob",
    "btoa",
    "clearInterval",
    "clearTimeout",
    "fetch",
    "queueMicrotask",
    "reportError",
    "setInterval",
    "setTimeout",
    "structuredClone",
    "performance.now",
    "crypto.subtle.digest",
    "crypto.getRandomValues",
    "crypto.randomUUID",
    "console.assert",
    "console.clear",
    "console.count",
    "console.countReset",
    "console.debug",
    "console.dir",
    "console.dirxml",
    "console.error",
    "console.group",
    "console.groupCollapsed",
    "console.groupEnd",
    "console.info",
    "console.log",
    "console.table",
    "console.time",
    "console.timeEnd",
    "console.timeLog",
    "console.trace",
    "console.warn",
    "Response.prototype.bytes",
    "Request.prototype.bytes",
    "Blob.prototype.bytes",
    "Blob.prototype.stream",
    "Request.prototype.formData",
    "Response.prototype.formData",
    "Response.prototype.clone",
    "Request.prototype.clone",
    "Response.json",
    "Response.error",
    "Response.redirect",
    "URL.parse",
    "URL.canParse",
    "AbortSignal.any",
    "AbortSignal.timeout",
    "AbortSignal.abort",
    "ReadableStream.from",
    "Promise.try",
    "Promise.withResolvers",
    "Array.fromAsync",
    "Uint8Array.fromBase64",
]
NOT_THERE = {
    "WebAssembly": "a function is JavaScript; a WebAssembly module is a function of its own",
    "onerror": "an error that nobody catches is told in the log",
    "onunhandledrejection": "a rejection that nobody handles is told in the log",
    "onrejectionhandled": "the same",
    "addEventListener": "the global object is no EventTarget",
}
"""What of the API is left out, as the runtime's README says."""


async def test_every_interface_of_the_minimum_common_api_is_there(scripts: Scripts) -> None:
    script = await scripts.body(
        "return event.filter((name) => typeof globalThis[name] !== 'function' || globalThis[name].name !== name)"
    )
    assert await script.value(call_of(INTERFACES)) == []


async def test_every_function_of_the_minimum_common_api_is_there(scripts: Scripts) -> None:
    body = "return event.filter((path) => typeof path.split('.').reduce((at, name) => at[name], globalThis) !== 'function')"
    assert await (await scripts.body(body)).value(call_of(FUNCTIONS)) == []


@pytest.mark.parametrize("name", NOT_THERE)
async def test_what_is_not_there_is_not_half_there(scripts: Scripts, name: str) -> None:
    script = await scripts.body(f"if (event.asks) return typeof {name}; {name}()")
    assert await script.value(call_of({"asks": True})) == "undefined"
    thrown = await script.thrown(call_of({"asks": False}))
    assert (thrown.name, thrown.message) == ("ReferenceError", f"{name} is not defined")
    readme = Path(__file__).parents[2] / "runtimes" / "README.md"
    assert f"`{name}`" in readme.read_text(encoding="utf-8")


async def test_globals_that_are_values(scripts: Scripts) -> None:
    body = """
        const one = performance.now();
        for (let i = 0; i < 10; i++) Date.now();
        return [
            self === globalThis, navigator.userAgent, typeof performance.timeOrigin, performance.now() >= one,
            Object.prototype.toString.call(navigator), Object.prototype.toString.call(console),
        ];
    """
    assert await (await scripts.body(body)).value() == [
        True, "isthmus", "number", True, "[object Navigator]", "[object console]",
    ]  # fmt: skip


async def test_an_error_that_is_reported_is_told_in_the_log_and_stops_nothing(scripts: Scripts) -> None:
    host = FakeHost()
    body = "reportError(new TypeError('odd')); reportError('plain'); return 'went on'"
    assert await (await scripts.body(body)).value(host=host) == "went on"
    assert [(level, text.splitlines()[0]) for level, text in host.lines] == [
        ("error", "Uncaught TypeError: odd"),
        ("error", "Uncaught 'plain'"),
    ]


MARKS = {
    "a mark is kept": (
        (
            "const m = performance.mark('a', { startTime: 5, detail: { x: 1 } });"
            "return [m.name, m.entryType, m.startTime, m.duration, m.detail, m instanceof PerformanceMark, performance.getEntries().length]"
        ),
        ["a", "mark", 5, 0, {"x": 1}, True, 1],
    ),
    "a measure spans marks": (
        (
            "performance.mark('a', { startTime: 5 }); performance.mark('b', { startTime: 8 });"
            "return [performance.measure('m', 'a', 'b'), performance.measure('n', { start: 'a', duration: 10 }),"
            " performance.measure('o', { end: 20, duration: 5 })].map((m) => [m.startTime, m.duration, m.entryType])"
        ),
        [[5, 3, "measure"], [5, 10, "measure"], [15, 5, "measure"]],
    ),
    "entries are in the order of their beginnings": (
        (
            "performance.mark('late', { startTime: 9 }); performance.mark('early', { startTime: 1 });"
            "return performance.getEntriesByType('mark').map((e) => e.name)"
        ),
        ["early", "late"],
    ),
    "entries are found by name and forgotten": (
        (
            "performance.mark('a'); performance.mark('b'); performance.measure('a', 'a');"
            "const found = performance.getEntriesByName('a', 'mark').length; performance.clearMarks('a');"
            "return [found, performance.getEntries().map((e) => e.name + e.entryType).sort()]"
        ),
        [1, ["ameasure", "bmark"]],
    ),
    "a mark that is not there is a SyntaxError": (
        "try { performance.measure('m', 'nowhere') } catch (e) { return [e.name, e instanceof DOMException] }",
        ["SyntaxError", True],
    ),
    "times before the beginning are refused": (
        "try { performance.mark('m', { startTime: -1 }) } catch (e) { return e.name }",
        "TypeError",
    ),
    "a measure of three ends is refused": (
        "try { performance.measure('m', { start: 1, end: 2, duration: 1 }) } catch (e) { return e.name }",
        "TypeError",
    ),
    "an entry is JSON": (
        "return JSON.parse(JSON.stringify(performance.mark('a', { startTime: 2 })))",
        {"name": "a", "entryType": "mark", "startTime": 2, "duration": 0, "detail": None},
    ),
}


@pytest.mark.parametrize(("body", "expected"), MARKS.values(), ids=MARKS.keys())
async def test_performance(scripts: Scripts, body: str, expected: object) -> None:
    assert await (await scripts.body(body)).value() == expected


async def test_marks_end_with_their_call(scripts: Scripts) -> None:
    script = await scripts(
        "function onTrack() { performance.mark('a'); return performance.getEntries().length }",
        isolation="instance",
    )
    assert [await script.value(), await script.value()] == [1, 1]


async def test_a_call_keeps_so_many_marks_and_no_more(scripts: Scripts) -> None:
    body = "for (let i = 0; i < 12000; i++) performance.mark('m', { startTime: i }); return performance.getEntries().length"
    assert await (await scripts.body(body, wall=30, cpu=30)).value() == 10_000


async def test_what_the_console_has_no_use_for_does_nothing(scripts: Scripts) -> None:
    host = FakeHost()
    body = "console.clear(); console.profile(); console.profileEnd(); console.timeStamp(); return Object.keys(console).includes('clear')"
    assert await (await scripts.body(body)).value(host=host) is True
    assert host.lines == []
