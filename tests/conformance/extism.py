"""Extism's plug-ins: each export that is called, with the input, the configuration and the output that are expected.

Extism's own plug-ins come without manifests; of those that are known here by name, ``KNOWN`` has them.  Beside any
other plug-in, ``NAME.json`` is a list of calls.  An export of which nothing is said is not called.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Final

import msgspec
import trio
from tests.conformance.tally import Result, Tally
from tests.javascript import FakeHost

from isthmus import Function, Kind, Limits, LoadError
from isthmus.abc import Call, Ending, Killed, Returned, Thrown
from isthmus_wasmtime._runtime import WasmtimeRuntime, binary_of

__all__ = ["run"]


class Expected(msgspec.Struct):
    """One call of one export.

    Attributes:
        function: the export.
        input: text.
        config: strings by name.
        output: text, None where anything will do.
        contains: what the output has in it.
        error: what the error's message has in it; it is an error that is expected.
        killed: the limit that is to end it.
        logs: lines that are in the log.
    """

    function: str
    input: str = ""
    config: dict[str, str] = {}
    output: str | None = None
    contains: str = ""
    error: str | None = None
    killed: str = ""
    logs: list[str] = []


VOWELS: Final = [Expected("count_vowels", "this is a test", contains='"count":4')]
KNOWN: Final = {
    "code": VOWELS,
    "count_vowels": VOWELS,
    "greet": [Expected("greet", "Benjamin", contains="Benjamin")],
    "echo": [Expected("echo", "this is a test", output="this is a test")],
    "loop": [Expected("loop_forever", killed="timeout"), Expected("infinite_loop", killed="timeout")],
    "loop_forever": [Expected("loop_forever", killed="timeout")],
    "unreachable": [Expected("do_unreachable", error="unreachable")],
    "http": [Expected("http_get", '{"url":"https://extism.example/"}', contains='{"ok":true}')],
    "upper": [Expected("host_reflect", "this is a test", contains="THIS IS A TEST")],
}
"""What Extism's own hosts expect of Extism's own plug-ins, by file."""


async def run(root: Path, wanted: str, limit: float, jobs: int, tally: Tally) -> None:
    """Call what is known of every plug-in below a root, and count it.

    Args:
        root: any folder with ``.wasm`` and ``.wat`` files.
        wanted: only paths that hold this text.
        limit: seconds for one call.
        jobs: how many run at the same time.
        tally: where results go.
    """
    del jobs  # so few that one after the other will do
    for path in sorted(root.rglob("*.wa[st]*")):  # noqa: ASYNC240 -- nothing else runs yet
        below = PurePosixPath(path.relative_to(root))
        if path.suffix in {".wasm", ".wat"} and wanted in str(below):
            for result in await _results(path, below, Limits(wall=limit, cpu=10 * limit)):
                tally.add(result)


async def _results(path: Path, below: PurePosixPath, limits: Limits) -> list[Result]:
    beside = trio.Path(path.with_suffix(".json"))
    try:
        code = binary_of(await trio.Path(path).read_bytes(), str(below))
        calls = (
            msgspec.json.decode(await beside.read_bytes(), type=list[Expected])
            if await beside.exists()
            else KNOWN.get(path.stem, [])
        )
    except (LoadError, msgspec.DecodeError) as error:
        return [Result(below, "", "failed", str(error))]
    if not calls:
        return [Result(below, "", "skipped", "nothing is known of its exports")]
    there = [call for call in calls if call.function.encode() in code]
    return [await _result(code, call, below, limits) for call in there or calls[:1]]


async def _result(code: bytes, expected: Expected, below: PurePosixPath, limits: Limits) -> Result:
    runtime = WasmtimeRuntime(handlers={"onTrack": expected.function})
    function = Function(name="plugin", kind=Kind.DESTINATION, language="wasm", code=code, file=str(below))
    host = FakeHost()
    try:
        program = await runtime.load(function, limits)
        ending = (await program.run(_call(expected), host)).ending
        await program.aclose()
    except LoadError as error:
        wants_more = "what a world does not offer" in str(error)
        return Result(below, expected.function, "skipped" if wants_more else "failed", str(error))
    finally:
        await runtime.aclose()
    why = _difference(expected, ending) or next(
        (f"{line!r} is not in the log" for line in expected.logs if line not in host.texts), ""
    )
    return Result(below, expected.function, "failed" if why else "passed", why)


def _call(expected: Expected) -> Call:
    settings = msgspec.json.encode(expected.config)
    return Call("onTrack", expected.input.encode(), settings, "plugin", 1.7e9, bytes(32))


def _difference(expected: Expected, ending: Ending) -> str:
    """Why an ending is not as expected, "" where it is."""
    if isinstance(ending, Killed):
        return "" if expected.killed == ending.reason else f"it was killed: {ending.message}"
    if isinstance(ending, Thrown):
        fits = expected.error is not None and expected.error in ending.message
        return "" if fits else f"{ending.name}: {ending.message}"
    if expected.killed or expected.error is not None:
        return f"it returned, and was expected to end with {expected.killed or expected.error!r}"
    text = _text(ending)
    if expected.output is not None and text != expected.output:
        return f"expected {expected.output!r}, and {text!r} came"
    return "" if expected.contains in text else f"{expected.contains!r} is not in {text!r}"


def _text(ending: Returned) -> str:
    """The output as a plug-in made it: what is no JSON comes as a string of it."""
    value = bytes(ending.value)
    if value[:1] != b'"':
        return value.decode()
    return msgspec.json.decode(value, type=str)
