"""Hostile programs against an engine that stays open; and that the siege sees what it is there to see."""

from __future__ import annotations

import random
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from fuzz.choices import Choices
from fuzz.hostile_javascript import javascript_program
from fuzz.hostile_python import python_program
from fuzz.siege import LIMITS, Siege, hold_ending
from fuzz.targets import javascript_programs, python_programs

from isthmus.errors import RuntimeFault
from isthmus.outcomes import Code, LogLine, Outcome, Problem, Status, Usage
from isthmus.testing import ScriptedRuntime, Throw

SEEDS = range(8)


@pytest.fixture(scope="module", autouse=True)
def lifted() -> Iterator[None]:
    """What the targets keep open for a process, closed after these tests."""
    yield
    for target in (javascript_programs, python_programs):
        if target.siege.cache_info().currsize:
            target.siege().close()
            target.siege.cache_clear()
    python_programs.runner.cache_clear()


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "check", [javascript_programs.check, python_programs.check], ids=["javascript", "python"]
)
def test_a_hostile_program_hurts_nobody_but_itself(check: Callable[[bytes], None], seed: int) -> None:
    check(random.Random(1000 + seed).randbytes(80))


# ---------------------------------------------------------------- what is written


@pytest.mark.parametrize("write", [javascript_program, python_program])
def test_a_program_is_its_bytes_doing(write: Callable[[Choices], str]) -> None:
    data = random.Random(7).randbytes(200)
    assert write(Choices(data)) == write(Choices(data))
    assert write(Choices(data)) != write(Choices(data[::-1]))
    assert "onTrack" in write(Choices(b"")) or "on_track" in write(Choices(b""))


def test_programs_in_python_are_mostly_that() -> None:
    sound = 0
    for seed in range(100):
        text = python_program(Choices(random.Random(seed).randbytes(200)))
        with warnings.catch_warnings(), suppress(SyntaxError):
            warnings.simplefilter("ignore")  # "'int' object is not callable; perhaps you missed a comma?"
            compile(text, "hostile.py", "exec", dont_inherit=True)
            sound += 1
    assert sound > 80


@pytest.mark.parametrize(
    ("write", "kinds"),
    [
        (javascript_program, ["new Proxy", "get [", "Object.prototype", "throw", "for (", "await", "fetch", "cache.load", "eval(", "class", "repeat", "RegExp"]),
        (python_program, ["type('O'", "raise", "lambda", "fetch(", "os.", "sys.", "threading", "while True", "except BaseException", "async def"]),
    ],
    ids=["javascript", "python"],
)  # fmt: skip
def test_every_kind_of_mischief_is_written(write: Callable[[Choices], str], kinds: list[str]) -> None:
    written = "\n".join(write(Choices(random.Random(seed).randbytes(200))) for seed in range(200))
    assert [kind for kind in kinds if kind not in written] == []


# ---------------------------------------------------------------- what is seen

calls: Counter[str] = Counter()


def _same(_event: object, _settings: object, _world: object) -> list[int]:
    return [1, 2]


def _counting(*_: object) -> int:
    calls["all"] += 1
    return calls["all"]


def _after_a_track(*_: object) -> int:
    return calls["tracks"]


def _leaking(*_: object) -> None:
    calls["tracks"] += 1


def _throwing(*_: object) -> None:
    raise Throw("TypeError", "x")


def _broken(*_: object) -> None:
    raise RuntimeFault("x")


SCRIPTS: dict[str, dict[str, Any]] = {
    "innocent": {"onIdentify": _same},
    "sound": {"onTrack": _throwing, "onIdentify": _same},
    "leaks": {"onTrack": _leaking, "onIdentify": _after_a_track},
    "kept": {"onTrack": _throwing, "onIdentify": _counting},
    "breaks": {"onTrack": _broken, "onIdentify": _same},
}


@pytest.fixture(scope="module")
def siege() -> Iterator[Siege]:
    with Siege.opened(ScriptedRuntime(scripts=SCRIPTS), "scripted", "innocent") as opened:
        yield opened


@pytest.mark.parametrize("crowded", [False, True])
def test_a_sound_runtime_holds_out(siege: Siege, crowded: bool) -> None:
    instance = siege.load("sound")
    assert instance is not None
    outcome = siege.hold(instance, crowded=crowded)
    assert outcome.problem is not None
    siege.release(instance)


@pytest.mark.parametrize("crowded", [False, True])
@pytest.mark.parametrize("script", ["leaks", "kept", "breaks"])
def test_a_runtime_that_does_not_is_seen(siege: Siege, script: str, crowded: bool) -> None:
    instance = siege.load(script)
    assert instance is not None
    with pytest.raises(AssertionError):
        siege.hold(instance, crowded=crowded)
    siege.faults.told.clear()
    siege.release(instance)


def _outcome(**fields: Any) -> Outcome:
    sound: dict[str, Any] = {
        "function": "f",
        "instance": "f",
        "handler": "onTrack",
        "status": Status.DELIVERED,
    }
    return Outcome(**{**sound, **fields})


def _problem(name: str, code: Code = Code.BAD_REQUEST) -> Problem:
    return Problem(name=name, message="x", code=code)


@pytest.mark.parametrize(
    "fields",
    [
        {"usage": Usage(cpu=1.6 * LIMITS.cpu), "status": Status.RETRY, "problem": _problem("CpuLimit")},
        {"usage": Usage(cpu=1.2 * LIMITS.cpu)},
        {"usage": Usage(memory=2 * LIMITS.memory)},
        {"usage": Usage(fetches=LIMITS.fetches + 1)},
        {"usage": Usage(output_bytes=LIMITS.output_bytes + 1)},
        {"logs": (LogLine("log", "x" * (LIMITS.log_bytes + 1)),)},
        {"status": Status.RETRY, "problem": _problem("RuntimeFault")},
        {"status": Status.RETRY, "problem": _problem("Crash")},
        {"status": Status.RETRY, "problem": _problem("TypeError")},
        {"status": Status.REFUSED, "problem": _problem("CpuLimit")},
        {"status": Status.REFUSED},
        {"value": msgspec.Raw(b"{")},
    ],
)
def test_an_outcome_that_is_none_is_seen(fields: dict[str, Any]) -> None:
    hold_ending(_outcome())
    with pytest.raises(AssertionError):
        hold_ending(_outcome(**fields))
