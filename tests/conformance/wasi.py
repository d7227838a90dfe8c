"""wasi-testsuite: modules with manifests, run as commands without the host's reply protocol, and judged by their output and exit status."""

from __future__ import annotations

import functools
from pathlib import Path, PurePosixPath
from typing import Any, Final

import msgspec
import trio
from tests.conformance.tally import Result, Tally
from tests.javascript import FakeHost

from isthmus import Function, Kind, Limits, LoadError
from isthmus.abc import Call, Ending, Host, Returned, Thrown
from isthmus_wasmtime._program import ModuleProgram
from isthmus_wasmtime._runtime import WasmtimeRuntime
from isthmus_wasmtime._talk import Talk
from isthmus_wasmtime._world import World

__all__ = ["run"]

MIB: Final = 1024 * 1024
ABSENT: Final = {
    "dirs": "directories",
    "args": "arguments",
    "env": "variables of an environment",
    "operations": "a conversation with its host",
}
"""What a manifest may ask for that no world has, by its field."""


class Manifest(msgspec.Struct):
    """A test's ``.json``; without one a test is to end with 0.

    ``root``, and the files that a test creates in it, come with ``dirs``.
    """

    args: list[str] = []
    dirs: list[Any] = []
    env: dict[str, str] = {}
    stdin: str = ""
    stdout: str | None = None
    stderr: str | None = None
    exit_code: int = 0
    operations: list[Any] = []


class Bare:
    """A command that is given its standard input as it is; what came of it is the value, an object."""

    def __init__(self, stdin: bytes, limits: Limits) -> None:
        self._stdin = stdin
        self._limits = limits

    def entry(self, call: Call) -> str:
        return "_start"

    def talk(self, call: Call, host: Host, variables: dict[bytes, bytes] | None) -> Talk:
        return Talk(call, host, self._limits, self._stdin, stdin=True)

    def ending(self, world: World, talk: Talk, result: int) -> Ending:
        return self.exited(world, talk, 0)

    def exited(self, world: World, talk: Talk, status: int) -> Ending:
        output = talk.take_output(world).decode("utf-8", "replace")
        return Returned(msgspec.json.encode({"exit_code": status, "stdout": output}))


async def run(root: Path, wanted: str, limit: float, jobs: int, tally: Tally) -> None:
    """Run every module below a root, and count it.

    Args:
        root: of the suite, or any folder of it; modules are ``.wasm`` and ``.wat``.
        wanted: only paths that hold this text.
        limit: seconds for one module.
        jobs: how many are run at the same time.
        tally: where results go.
    """
    runtime = WasmtimeRuntime(jobs)
    limits = Limits(wall=limit, cpu=10 * limit, memory=512 * MIB, output_bytes=64 * MIB, log_bytes=MIB)
    free = trio.Semaphore(jobs)
    try:
        async with trio.open_nursery() as nursery:
            for path in sorted(root.rglob("*.wa[st]*")):  # noqa: ASYNC240 -- nothing else runs yet
                below = PurePosixPath(path.relative_to(root))
                if path.suffix not in {".wasm", ".wat"} or wanted not in str(below):
                    continue
                await free.acquire()

                async def one(path: Path = path, below: PurePosixPath = below) -> None:
                    try:
                        tally.add(await _result(runtime, limits, path, below))
                    finally:
                        free.release()

                nursery.start_soon(one)
    finally:
        await runtime.aclose()


async def _result(runtime: WasmtimeRuntime, limits: Limits, path: Path, below: PurePosixPath) -> Result:
    told = functools.partial(Result, below, "")
    beside = trio.Path(path.with_suffix(".json"))
    text = await beside.read_bytes() if await beside.exists() else b"{}"
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except msgspec.DecodeError as error:
        return told("failed", f"its manifest is none: {error}")
    if absent := [what for field, what in ABSENT.items() if getattr(manifest, field)]:
        return told("skipped", f"it wants {' and '.join(absent)}")
    code = await trio.Path(path).read_bytes()
    function = Function(name="test", kind=Kind.DESTINATION, language="wasm", code=code, file=str(below))
    try:
        program = await runtime.load(function, limits)
    except LoadError as error:
        return told("failed", f"it does not load: {error}")
    try:
        return await _judged(program, manifest, limits, told)
    finally:
        await program.aclose()


async def _judged(
    program: Any, manifest: Manifest, limits: Limits, told: functools.partial[Result]
) -> Result:
    if not isinstance(program, ModuleProgram):
        return told("skipped", "it is no command of preview 1")
    program._running = Bare(manifest.stdin.encode(), limits)
    host = FakeHost()
    reply = await program.run(Call("onTrack", b"{}", b"{}", "test", 1.7e9, bytes(32)), host)
    ending = reply.ending
    if isinstance(ending, Thrown):  # a trap; how a runtime says so is its own
        return told("passed") if manifest.exit_code else told("failed", f"{ending.name}: {ending.message}")
    if not isinstance(ending, Returned):
        return told("failed", ending.message)
    found = msgspec.json.decode(ending.value)
    log = "\n".join(text for _, text in host.lines)
    for what, expected, came in (
        ("exit code", manifest.exit_code, found["exit_code"]),
        ("standard output", manifest.stdout, found["stdout"]),
        ("standard error", manifest.stderr and manifest.stderr.rstrip("\n"), log),
    ):
        if expected is not None and expected != came:
            return told(
                "failed", f"{what}: expected {expected!r}, and {came!r} came" + (f" ({log})" if log else "")
            )
    return told("passed")
