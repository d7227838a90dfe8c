"""test262: scripts in worlds of their own, sloppy and strict, as each test's frontmatter asks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec
import trio
from tests.conformance.tally import Result, Tally

from isthmus_quickjs._boot import Boot
from isthmus_quickjs._frames import THROWN, Frame, parse_thrown
from isthmus_quickjs._guest import Guest, load_script
from isthmus_quickjs._lanes import Lanes
from isthmus_quickjs._source import Source
from isthmus_quickjs._wasm import Stopped

__all__ = ["Frontmatter", "parse_frontmatter", "run"]

MEMORY: Final = 256 * 1024 * 1024
LOG: Final = 1024
DONE: Final = "Test262:AsyncTestComplete"
HOST: Final = Path(__file__).with_suffix(".js")
ALWAYS: Final = ("assert.js", "sta.js")
NAMED: Final = """if (typeof Test262Error === "function" && !Test262Error.prototype.name) {
  Object.defineProperty(Test262Error.prototype, "name", { value: "Test262Error", writable: true, configurable: true });
}"""
"""Has the suite's own errors known by their name, as a negative test asks for them."""
UNSUPPORTED: Final = {
    "module": "modules are loaded by the runtime, not by a script",
    "CanBlockIsTrue": "a world has one agent",
    "dynamic-import": "modules are loaded by the runtime, not by a script",
    "Atomics": "a world has one agent",
    "cross-realm": "a world has one realm",
    "ShadowRealm": "a world has one realm",
    "IsHTMLDDA": "there is no document",
}
"""Flags and features of tests that are skipped, and why."""


@dataclass(frozen=True)
class Frontmatter:
    """What a test says of itself.

    Attributes:
        flags: how it is run.
        includes: harness files it needs.
        features: what of the language it is about.
        negative: the error it is to end in, None for none.
    """

    flags: frozenset[str]
    includes: tuple[str, ...]
    features: frozenset[str]
    negative: str | None

    @property
    def skipped(self) -> str | None:
        """Why it is not run here."""
        return next((why for mark, why in UNSUPPORTED.items() if mark in self.flags | self.features), None)

    @property
    def modes(self) -> tuple[bool, ...]:
        """Strict or not, for each time it is run."""
        if "onlyStrict" in self.flags:
            return (True,)
        return (False,) if self.flags & {"noStrict", "raw"} else (False, True)


def parse_frontmatter(text: str) -> Frontmatter:
    """The frontmatter of a test's text; of the little YAML that test262 uses, what is needed."""
    found = re.search(r"/\*---(.*?)---\*/", text, re.DOTALL)
    front = found[1].replace("\r\n", "\n").replace("\r", "\n") if found else ""
    negative = re.search(r"^negative:\s*\n(?:[ \t]+.*\n)*?[ \t]+type:\s*(\w+)", front, re.MULTILINE)
    return Frontmatter(
        frozenset(_listed(front, "flags")),
        tuple(_listed(front, "includes")),
        frozenset(_listed(front, "features")),
        negative[1] if negative else None,
    )


def _listed(front: str, key: str) -> list[str]:
    inline = re.search(rf"^{key}:\s*\[(.*?)\]", front, re.MULTILINE | re.DOTALL)
    if inline:
        return [each.strip() for each in inline[1].split(",") if each.strip()]
    block = re.search(rf"^{key}:\s*\n((?:\s*-\s*.+\n?)+)", front, re.MULTILINE)
    return re.findall(r"-\s*(\S+)", block[1]) if block else []


class Suite:
    """A root with ``harness/`` and ``test/``, and a guest to run what is in it."""

    def __init__(self, root: Path, limit: float) -> None:
        self._root = root
        self._limit = limit
        self.guest = Guest()
        self._harness = lru_cache(maxsize=256)(self._read)
        self._image: bytes | None = None

    def _read(self, name: str) -> str:
        return (self._root / "harness" / name).read_text(encoding="utf-8")

    def prepare(self) -> None:
        """Make the image that all worlds begin with: the prelude, its globals in their places."""
        boot = Boot(self.guest, self.guest._base(LOG), MEMORY)
        try:
            options: dict[str, object] = {"kind": "destination", "modules": [], "lenient": False}
            script = load_script(Source(code="", file="empty.js", goal="script"), options)
            for name, text in (("isthmus:load", script), ("host.js", HOST.read_bytes())):
                frame = boot.evaluate(name, text)
                assert frame.status != THROWN, frame.value
            self._image = boot.snapshot()
        finally:
            boot.close()

    def results(self, path: PurePosixPath) -> list[Result]:
        """One result for each mode of a test."""
        text = (self._root / "test" / path).read_text(encoding="utf-8", errors="surrogateescape")
        front = parse_frontmatter(text)
        if why := front.skipped:
            return [Result(path, "", "skipped", why)]
        return [self._result(path, text, front, strict=strict) for strict in front.modes]

    def _result(self, path: PurePosixPath, text: str, front: Frontmatter, *, strict: bool) -> Result:
        harness = [*ALWAYS, *front.includes]
        if "async" in front.flags:
            harness.append("doneprintHandle.js")
        scripts = [] if "raw" in front.flags else [*(self._harness(name) for name in harness), NAMED]
        why = self._judged(scripts, ('"use strict";\n' if strict else "") + text, front)
        name = "strict" if strict else ""
        return Result(path, name, "failed", why) if why else Result(path, name, "passed")

    def _judged(self, scripts: list[str], text: str, front: Frontmatter) -> str:
        """Why a test fails, "" where it passes."""
        boot = Boot(self.guest, self._image, MEMORY)
        try:
            for script in scripts:
                if (frame := self._evaluate(boot, "harness.js", script)).status == THROWN:
                    return f"the harness: {_thrown(frame)}"
            frame = self._evaluate(boot, "test.js", text)
            if front.negative is not None:
                named = parse_thrown(frame.value).name if frame.status == THROWN else "nothing"
                return "" if named == front.negative else f"{front.negative} expected, {named} thrown"
            if frame.status == THROWN:
                return _thrown(frame)
            if "async" in front.flags:
                said = self._evaluate(boot, "done.js", "String(globalThis.__printed)").value
                return "" if msgspec.json.decode(said) == DONE else said.decode()
        except Stopped as stopped:
            return f"stopped: {stopped}"
        finally:
            boot.close()
        return ""

    def _evaluate(self, boot: Boot, name: str, script: str) -> Frame:
        return boot.evaluate(
            name, script.encode("utf-8", "surrogateescape"), lambda _, seconds: seconds < self._limit
        )


def _thrown(frame: Frame) -> str:
    thrown = parse_thrown(frame.value)
    return f"{thrown.name}: {thrown.message}"


async def run(root: Path, wanted: str, limit: float, jobs: int, tally: Tally) -> None:
    """Run what there is below ``test/``, and count it.

    Args:
        root: the suite's, which holds ``harness`` and ``test``.
        wanted: only paths that hold this text.
        limit: seconds for one script.
        jobs: threads that run them.
        tally: where results go.

    Raises:
        FileNotFoundError: the root holds no such folders.
    """
    for folder in ("harness", "test"):
        if not (root / folder).is_dir():
            raise FileNotFoundError(f"{root} holds no folder {folder}: it is no root of test262")
    suite = Suite(root, limit)
    lanes = Lanes([suite.guest.code.engine], jobs)
    free = trio.Semaphore(2 * jobs)
    try:
        await lanes.run(suite.prepare)
        async with trio.open_nursery() as nursery:
            for path in sorted((root / "test").rglob("*.js")):
                below = PurePosixPath(path.relative_to(root / "test"))
                if wanted not in str(below) or below.name.endswith("_FIXTURE.js"):
                    continue
                await free.acquire()
                nursery.start_soon(_count, suite, lanes, below, tally, free)
    finally:
        await lanes.aclose()


async def _count(suite: Suite, lanes: Lanes, path: PurePosixPath, tally: Tally, free: trio.Semaphore) -> None:
    results: list[Result] = []
    try:
        await lanes.run(lambda: results.extend(suite.results(path)))
        for result in results:
            tally.add(result)
    finally:
        free.release()
