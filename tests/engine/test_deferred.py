"""A runtime that is made with the first function in its language."""

from __future__ import annotations

from pathlib import Path

import pytest

from isthmus import Function, Kind, Limits
from isthmus.abc import Call, DeferredRuntime, Host, Program, Reply, Returned, Runtime
from isthmus.errors import EngineError, LoadError


class Nothing(Program):
    handlers = frozenset({"onTrack"})

    async def run(self, call: Call, host: Host) -> Reply:
        return Reply(Returned(b"null"))

    async def aclose(self) -> None:
        pass


class Made(Runtime):
    language = "x"
    isolation = "none at all"
    version = "x 1.0"

    def __init__(self) -> None:
        self.closed = 0

    async def load(self, function: Function, limits: Limits) -> Program:
        return Nothing()

    def assemble(self, file: Path, root: Path) -> str | bytes:
        return f"{file.name} in {root.name}"

    async def aclose(self) -> None:
        self.closed += 1


FUNCTION = Function(kind=Kind.DESTINATION, name="f", language="x", code="", file="f.x")


async def test_it_is_made_once_with_the_first_function() -> None:
    made: list[Made] = []

    def make() -> Runtime:
        made.append(Made())
        return made[-1]

    deferred = DeferredRuntime(make, language="x", variant="y", suffixes=(".x",))
    assert (deferred.key, deferred.suffixes, made) == ("x+y", (".x",), [])
    for _ in range(2):
        assert (await deferred.load(FUNCTION, Limits())).handlers == {"onTrack"}
    assert (deferred.isolation, deferred.version) == ("none at all", "x 1.0")
    assert deferred.assemble(Path("a/f.x"), Path("a")) == "f.x in a"
    await deferred.aclose()
    assert [runtime.closed for runtime in made] == [1]


async def test_one_that_was_never_made_closes_without() -> None:
    def make() -> Runtime:
        raise AssertionError("nobody needed it")

    await DeferredRuntime(make, language="x").aclose()


async def test_what_does_not_work_out_fails_the_loading_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import isthmus_cpython

    monkeypatch.setenv("ISTHMUS_PYTHON_ISOLATION", "moat")
    (python,) = isthmus_cpython.isthmus_runtimes()
    assert "'moat'" in python.isolation
    with pytest.raises((EngineError, LoadError), match="'moat'"):
        await python.load(FUNCTION, Limits())
