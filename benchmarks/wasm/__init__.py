"""A WebAssembly call: kept, fresh and in a new world; beside Extism's own; and the bars it is held to."""

from __future__ import annotations

import argparse
import gc
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import trio

from benchmarks._command import parser, run
from benchmarks._figures import Case, Figures, interleave, timed, timed_async
from benchmarks._report import Bar
from isthmus import Function, Kind, Limits
from isthmus.abc import Program, Reply, Returned
from isthmus_wasmtime._components.program import ComponentProgram
from isthmus_wasmtime._components.world import ComponentWorld
from isthmus_wasmtime._program import ModuleProgram
from isthmus_wasmtime._runtime import WasmtimeRuntime, binary_of
from isthmus_wasmtime._world import World

from .guest import COMPONENT, EVENT, GROWING, GUEST, call, host

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    made = parser("wasm", __doc__)
    made.add_argument("--module", type=Path, help="a module (Go's, of 4 MB) whose second loading is measured")
    return run("wasm", made, _measure, arguments)


async def _measure(given: argparse.Namespace) -> tuple[list[Figures], list[Bar]]:
    quick, module = given.quick, given.module
    runtime = WasmtimeRuntime()
    fresh, grown = await _loaded(runtime, GUEST), await _loaded(runtime, GROWING)
    kept = await _loaded(runtime, GUEST, keep=True)
    component, component_kept = (
        await _loaded(runtime, COMPONENT),
        await _loaded(runtime, COMPONENT, keep=True),
    )
    # First, while nothing else that this process has held is given back.
    worlds, weight = _weight(fresh, 50 if quick else 1000)
    count = 10 if quick else 100
    cases = [
        Case(
            name="kept", what="a call in a world that is kept", sample=timed_async(lambda: _run(kept), count)
        ),
        Case(name="fresh", what="a call in a world put back", sample=timed_async(lambda: _run(fresh), count)),
        Case(
            name="fresh, in a thread",
            what="the same, as a call runs that doesn't come alone",
            sample=timed_async(lambda: _run_in_thread(fresh), count),
            inside=True,
        ),
        Case(
            name="new world",
            what="a call whose memory grows, so that the next gets a world made for it",
            sample=timed_async(lambda: _run(grown), count),
        ),
        Case(
            name="component",
            what="a call in an instance of a component made for it",
            sample=timed_async(lambda: _run(component), count),
        ),
        Case(
            name="component kept",
            what="the same in an instance that is kept, in a thread",
            sample=timed_async(lambda: _run(component_kept), count),
        ),
        Case(
            name="instance",
            what="an instance of the component made and closed, without a call",
            sample=timed(lambda: _instance(component), count),
            inside=True,
        ),
        *_peers(quick=quick),
    ]
    measured = await interleave(cases, 3 if quick else 20)
    loads = [] if module is None else [await _second_load(module, 1 if quick else 5)]
    bars = [*_ratios(measured), weight]
    bars += [
        Bar(
            case=each.name,
            text="second loading of the module, its code on disk",
            value=each.median * 1e3,
            most=50,
            unit="ms",
        )
        for each in loads
    ]
    for program in (fresh, grown, kept, component, component_kept):
        await program.aclose()
    await runtime.aclose()
    return [*measured.values(), worlds, *loads], bars


async def _loaded(runtime: WasmtimeRuntime, code: str | bytes, *, keep: bool = False) -> Program:
    function = Function(
        name="subject",
        kind=Kind.DESTINATION,
        language="wasm",
        code=code,
        isolation="instance" if keep else "call",
    )
    return await runtime.load(function, Limits())


async def _run(program: Program) -> Reply:
    reply = await program.run(call(), host())
    assert isinstance(reply.ending, Returned), reply
    return reply


async def _run_in_thread(program: Program) -> Reply:
    """A call as it runs beside others; reaches inside to say that there are some."""
    assert isinstance(program, ModuleProgram)
    crew = program._crew
    crew.inline = True
    try:
        return await _run(program)
    finally:
        crew.inline = False


def _instance(program: Program) -> None:
    """Reaches inside, as nothing public makes an instance alone."""
    assert isinstance(program, ComponentProgram)
    world = ComponentWorld(program._blueprint)
    world.start()
    world.close()


def _peers(*, quick: bool) -> list[Case]:
    """Extism's own host, where it is installed; called in this thread, without limits and without Trio."""
    try:
        import extism
        from extism.extism import CompiledPlugin
    except ImportError:
        return []
    compiled = CompiledPlugin({"wasm": [{"data": binary_of(GUEST, "guest")}]})
    warm = extism.Plugin(compiled)
    return [
        Case(
            name="extism warm",
            what="the same guest in a plug-in of PyPI's extism that is kept",
            sample=timed(lambda: warm.call("on_track", EVENT), 10 if quick else 100),
        ),
        Case(
            name="extism new",
            what="the same guest in a plug-in of PyPI's extism made for the call, of a module compiled before",
            sample=timed(lambda: extism.Plugin(compiled).call("on_track", EVENT), 2 if quick else 10),
        ),
    ]


def _ratios(figures: dict[str, Figures]) -> list[Bar]:
    """Medians of one run: a fresh call against the same guest's call in a world that is kept, and against Extism's new plug-in."""

    def ratio(case: str, other: str, what: str, most: float) -> Bar:
        return Bar(
            case=case, text=f"a fresh call / {what}", value=figures[case].ratio_to(figures[other]), most=most
        )

    # A call that is kept always has a thread, so that a fresh one is held against it there.
    bars = [ratio("fresh, in a thread", "kept", "its own warm call (kept)", 1.5)]
    if "extism new" in figures:
        bars.append(ratio("fresh", "extism new", "the guest in a new extism.Plugin", 1 / 3))
    return bars


def _weight(program: Program, count: int) -> tuple[Figures, Bar]:
    """Private memory of worlds that are all there at once; reaches inside, as nothing public makes a world alone."""
    assert isinstance(program, ModuleProgram)
    worlds = [World(program._image)]
    gc.collect()
    before = _private()
    began = time.perf_counter()
    worlds.extend(World(program._image) for _ in range(count))
    seconds = time.perf_counter() - began
    each = (_private() - before) / count
    for world in worlds:
        world.close()
    figures = Figures(
        name=f"{count} worlds",
        what="worlds made and all kept; time by world",
        inside=True,
        rounds=[[seconds / count]],
        extra={"private_kb_each": each},
    )
    return figures, Bar(
        case=figures.name, text="private memory of a live world", value=each, least=0, most=200, unit="KB"
    )


def _private() -> float:
    """Kilobytes of memory that are this process's alone; 0 where nobody says."""
    rollup = Path("/proc/self/smaps_rollup")
    return sum(map(int, re.findall(r"Private_\w+:\s+(\d+)", rollup.read_text()))) if rollup.exists() else 0


async def _second_load(module: Path, times: int) -> Figures:
    """A module loaded by runtimes that find its code on disk, as after a start of the process."""
    seconds = []
    code = await trio.Path(module).read_bytes()
    with tempfile.TemporaryDirectory() as directory:
        for _ in range(times + 1):
            runtime = WasmtimeRuntime(cache=Path(directory))
            began = time.perf_counter()
            program = await _loaded(runtime, code)
            seconds.append(time.perf_counter() - began)
            await program.aclose()
            await runtime.aclose()
    first, *later = seconds
    return Figures(
        name="second load",
        what=f"a module of {len(code)} bytes, its code on disk",
        rounds=[later],
        extra={"first_ms": first * 1e3},
    )
