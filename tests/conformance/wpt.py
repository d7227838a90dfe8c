"""web-platform-tests: ``.any.js`` files under testharness.js, each in a world of its own, their fetches read from the suite."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import msgspec
import trio
from tests.conformance.tally import Result, Tally

from isthmus import Function, Kind, Limits
from isthmus.abc import CacheEntry, Call, FetchRequest, FetchResponse, Host, Returned, Thrown
from isthmus_quickjs._runtime import QuickJSRuntime

__all__ = ["run"]

ORIGIN: Final = "http://web-platform.test:8000"
ECHO: Final = "/fetch/api/resources/echo-content.py"
"""Where the suite's server answers with what it was sent."""
HARNESS: Final = "resources/testharness.js"
META: Final = re.compile(r"^//\s*META:\s*(\w+)=(.*?)\s*$", re.MULTILINE)
VERDICTS: Final = {0: "passed", 1: "failed", 2: "timed out", 3: "not run", 4: "precondition failed"}
MIB: Final = 1024 * 1024


class Files(Host):
    """A host whose fetches read the suite's files, and whose timers are real."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        await trio.lowlevel.checkpoint()
        if request.url.endswith(ECHO):
            return FetchResponse(status=200, reason="OK", body=request.body or b"", url=request.url)
        path = (self._root / unquote(urlsplit(request.url).path).lstrip("/")).resolve()
        if path.is_relative_to(self._root) and path.is_file():
            return FetchResponse(status=200, reason="OK", body=path.read_bytes(), url=request.url)
        return FetchResponse(status=404, reason="Not Found", body=b"", url=request.url)

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    async def cache_load(self, key: str) -> CacheEntry:
        await trio.lowlevel.checkpoint()
        return CacheEntry(None)

    def cache_store(self, key: str, value: bytes, ttl: float | None) -> None:
        pass

    def cache_fail(self, key: str) -> None:
        pass

    def cache_delete(self, key: str) -> None:
        pass

    def log(self, level: str, text: str, at: float = 0.0) -> None:
        pass


class Subtest(msgspec.Struct):
    name: str
    status: int
    message: str


class Page(msgspec.Struct):
    status: int
    message: str
    tests: list[Subtest]


async def run(root: Path, wanted: str, limit: float, jobs: int, tally: Tally) -> None:
    """Run what there is below a root, and count it.

    Args:
        root: the suite's, which holds ``resources/testharness.js``.
        wanted: only paths that hold this text.
        limit: seconds for one file; six times that for one that says it is long.
        jobs: threads that run them.
        tally: where results go.

    Raises:
        FileNotFoundError: the root holds no testharness.js.
    """
    if not (root / HARNESS).is_file():
        raise FileNotFoundError(f"{root} holds no {HARNESS}: it is no root of web-platform-tests")
    runtime = QuickJSRuntime(jobs)
    limits = Limits(wall=6 * limit, cpu=6 * limit, memory=512 * MIB, fetches=1000, fetch_response_bytes=64 * MIB,
                    input_bytes=64 * MIB, output_bytes=64 * MIB, operations=100_000)  # fmt: skip
    code = (Path(__file__).parent / "page.js").read_text()
    function = Function(name="page", kind=Kind.DESTINATION, language="javascript", code=code, file="page.js")
    try:
        program = await runtime.load(function, limits)
        free = trio.Semaphore(2 * jobs)
        async with trio.open_nursery() as nursery:
            for path in sorted(root.rglob("*.any.js")):  # noqa: ASYNC240 -- nothing else runs yet
                below = PurePosixPath(path.relative_to(root))
                if wanted not in str(below):
                    continue
                await free.acquire()

                async def one(path: PurePosixPath = below) -> None:
                    try:
                        for result in await _results(program, root, path, limit):
                            tally.add(result)
                    finally:
                        free.release()

                nursery.start_soon(one)
        await program.aclose()
    finally:
        await runtime.aclose()


async def _results(program: Any, root: Path, path: PurePosixPath, limit: float) -> list[Result]:
    text = (root / path).read_text(encoding="utf-8", errors="replace")
    meta = META.findall(text)
    scripts = [value for name, value in meta if name == "script"]
    variants = [value for name, value in meta if name == "variant"] or [""]
    seconds = limit * (6 if ("timeout", "long") in meta else 1)
    results: list[Result] = []
    try:
        # One script: what one file declares with const the next can see.
        test = "\n;".join([*_supports(root, path, scripts), text])
        sources = [(root / HARNESS).read_text(), test]
    except OSError as error:
        return [Result(path, "", "failed", f"a script it asks for is not there: {error}")]
    for variant in variants:
        argument = {"page": f"{ORIGIN}/{path}{variant}", "sources": sources}
        results += await _page(program, root, path, variant, argument, seconds)
    return results


def _supports(root: Path, path: PurePosixPath, scripts: list[str]) -> Iterator[str]:
    for script in scripts:
        at = root / script.lstrip("/") if script.startswith("/") else (root / path).parent / script
        yield at.read_text(encoding="utf-8", errors="replace")


async def _page(
    program: Any, root: Path, path: PurePosixPath, variant: str, argument: object, seconds: float
) -> list[Result]:
    call = Call("onTrack", msgspec.json.encode(argument), b"{}", "page", 1.7e9, bytes(32))
    ending = None
    with trio.move_on_after(seconds):
        ending = (await program.run(call, Files(root))).ending
    if isinstance(ending, Thrown):
        return [Result(path, variant, "failed", f"{ending.name}: {ending.message}")]
    if not isinstance(ending, Returned):
        return [Result(path, variant, "failed", "it did not end in time" if ending is None else str(ending))]
    page = msgspec.json.decode(ending.value, type=Page)
    results = [
        Result(path, variant + each.name, "passed" if each.status == 0 else "failed",
               "" if each.status == 0 else f"{VERDICTS.get(each.status)}: {each.message}")
        for each in page.tests
    ]  # fmt: skip
    if page.status == 1:
        results.append(Result(path, variant, "failed", f"the file: {page.message}"))
    return results
