"""How the runtime is chosen, and what it says of what it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
import trio.testing
from tests.python import LEVELS, Functions, lines_of, open_functions, processes_below, value_of

import isthmus_cpython
import isthmus_cpython_wasm
from isthmus import Function, Kind, Limits, LoadError, open_engine
from isthmus.errors import EngineError, InvalidFunction, PluginError
from isthmus_cpython_wasm import CPythonWasmRuntime, _component

WHERE = "import sys\ndef on_track(event, settings): return sys.platform"


def function(isolation: str = "wasm", language: str = "python") -> Function:
    return Function(
        name="f",
        kind=Kind.DESTINATION,
        language=language,
        code=WHERE,
        isolation=isolation,  # type: ignore[arg-type] # a word
    )


async def test_a_function_says_that_it_wants_webassembly_and_others_stay_outside() -> None:
    async with open_engine(
        plugins=[isthmus_cpython, isthmus_cpython_wasm], load_entry_points=False
    ) as engine:
        assert set(engine.runtimes) == {"python", "python+wasm"}
        for isolation, platform in (("call", "linux"), ("wasm", "wasi")):
            instance = await engine.load(function(isolation))
            assert value_of(await engine.invoke(instance, {"type": "track"})) == platform


@pytest.mark.parametrize("name", ["ISTHMUS_PYTHON_ISOLATION", "ISTHMUS_PYTHON_REQUIRE_ISOLATION"])
async def test_the_operator_says_that_all_want_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "wasm")
    async with open_engine(
        plugins=[isthmus_cpython, isthmus_cpython_wasm], load_entry_points=False
    ) as engine:
        assert set(engine.runtimes) == {"python", "python+wasm"}
        instance = await engine.load(function("call"))
        assert value_of(await engine.invoke(instance, {"type": "track"})) == "wasi"
        assert engine.runtimes["python"].suffixes == (".py",)
        assert engine.runtimes["python+wasm"].suffixes == ()


async def test_where_no_runtime_has_it_nothing_weaker_is_taken() -> None:
    async with open_engine(plugins=[isthmus_cpython], load_entry_points=False) as engine:
        with pytest.raises(
            PluginError, match="language 'python' with the isolation 'wasm'; there is 'python'"
        ):
            await engine.load(function())
    with pytest.raises(InvalidFunction, match="'call', 'instance' or 'wasm', not 'wasn'"):
        function("wasn")


@pytest.mark.parametrize(
    ("code", "line", "message"),
    [
        ("import json\nimport ctypes", 2, "No module named 'ctypes': Python within WebAssembly lacks it"),
        (
            "import multiprocessing.pool",
            1,
            "No module named 'multiprocessing.pool': Python within WebAssembly lacks it",
        ),
        ("import numpy", 1, "No module named 'numpy'"),
        (
            "import threading\nthreading.Thread(target=print)",
            2,
            "threading.Thread: there are no threads within WebAssembly",
        ),
        (
            "from concurrent.futures import ThreadPoolExecutor",
            1,
            "concurrent.futures.ThreadPoolExecutor: there are no threads",
        ),
        ("open('/etc/passwd')", 1, "No such file or directory"),
    ],
)
async def test_what_it_lacks_is_said_when_code_is_loaded(
    functions: Functions, code: str, line: int, message: str
) -> None:
    with pytest.raises(LoadError) as caught:
        await functions.load(f"{code}\ndef on_track(event, settings): pass")
    assert message in caught.value.message
    assert caught.value.line == line


async def test_a_module_that_is_asked_for_with_care_may_be_missing(functions: Functions) -> None:
    code = """
    try:
        import ctypes
    except ImportError:
        ctypes = None
    def on_track(event, settings): return ctypes
    """
    assert value_of(await functions.outcome(code)) is None


async def test_what_a_modules_body_prints_is_nobodys(functions: Functions) -> None:
    code = "import sys\nprint('loading')\nsys.stderr.write('loading\\n')\ndef on_track(event, settings): print('called')"
    outcome = await functions.outcome(code)
    assert lines_of(outcome) == [("log", "called")]


async def test_a_memory_limit_too_low_for_an_interpreter_is_refused() -> None:
    with pytest.raises(
        EngineError, match=r"within WebAssembly needs Limits.memory of 50331648 bytes or more, not 1"
    ):
        await CPythonWasmRuntime().load(function(), Limits(memory=1))


async def test_without_a_builder_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISTHMUS_CACHE", str(tmp_path))
    monkeypatch.setattr(_component, "COMPONENTIZE", "0.0.0")
    with pytest.raises(
        EngineError,
        match=r"with componentize-py 0\.0\.0, and there is 0\.25\.1: pip install 'isthmus\[python-wasm\]'",
    ):
        await CPythonWasmRuntime().load(function(), Limits())
    assert "not built yet" in CPythonWasmRuntime().isolation


async def test_machine_code_is_not_taken_from_where_others_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISTHMUS_CACHE", str(tmp_path))
    (tmp_path / "cpython_wasm").mkdir()
    (tmp_path / "cpython_wasm").chmod(0o777)
    with pytest.raises(EngineError, match="machine code is not kept in"):
        await CPythonWasmRuntime().load(function(), Limits())


@pytest.mark.parametrize("level", LEVELS)
async def test_its_processes_have_every_level(level: str) -> None:
    async with open_functions(level, runtime_class=CPythonWasmRuntime, default=True) as functions:
        code = "def on_track(event, settings): return [event['n']] * 3"
        instance = await functions.load(code)
        for number in range(3):
            assert (
                value_of(await functions.engine.invoke(instance, {"type": "track", "n": number}))
                == [number] * 3
            )
        reached = functions.runtime.reached
        assert reached is not None
        assert reached.level.value == level or reached.missing
        assert f"its process is confined as well, {reached.level}: " in functions.runtime.isolation


async def test_a_process_takes_call_after_call_and_goes_after_one_that_was_stopped() -> None:
    code = """
    import os
    def on_track(event, settings):
        while event.get("loop"):
            pass
        if event.get("exit"):
            os._exit(0)
        return event.get("n")
    """
    before = processes_below()
    async with open_functions(runtime_class=CPythonWasmRuntime, default=True, ready=1) as functions:
        instance = await functions.load(code, wall=60.0)
        for number in range(30):
            assert value_of(await functions.engine.invoke(instance, {"type": "track", "n": number})) == number
        assert len(processes_below() - before) <= 5  # the zygote, its first process, and few more
        strict = await functions.load(code, wall=0.3)
        stopped = await functions.engine.invoke(strict, {"type": "track", "loop": True})
        crashed = await functions.engine.invoke(instance, {"type": "track", "exit": True})
        assert [each.problem and each.problem.name for each in (stopped, crashed)] == ["Timeout", "Crash"]
        assert value_of(await functions.engine.invoke(instance, {"type": "track", "n": "after"})) == "after"
    assert processes_below() == before


async def test_a_call_that_is_given_up_is_gone_with_its_process(functions: Functions) -> None:
    instance = await functions.load(
        "import time\ndef on_track(event, settings):\n print('began')\n while True: time.sleep(60)", wall=60.0
    )
    before = processes_below()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(functions.engine.invoke, instance, {"type": "track"})
        await trio.testing.wait_all_tasks_blocked(0.2)
        nursery.cancel_scope.cancel()
    gone = before - processes_below()
    assert len(gone) == 1  # of those that were ready, the one that took the call


async def test_no_call_is_too_short_to_be_counted(functions: Functions) -> None:
    instance = await functions.load("def on_track(event, settings): return 1")
    for _ in range(20):
        outcome = await functions.engine.invoke(instance, {"type": "track"})
        assert 0 < outcome.usage.cpu < outcome.usage.wall + 0.01


async def test_a_call_reports_what_it_took(functions: Functions) -> None:
    outcome = await functions.outcome(
        "def on_track(event, settings):\n held = bytearray(30_000_000)\n held[::4096] = b'x' * len(held[::4096])\n return sum(range(100_000))"
    )
    assert 0 < outcome.usage.cpu < 5
    assert outcome.usage.memory > 30_000_000
