"""The command as a process: interrupted, cut off from its output, fed by a pipe."""

from __future__ import annotations

import gzip
import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
import trio.testing

from isthmus._cli.interrupts import ECHO, interrupts

from .conftest import track

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and pipes")

# A process whose functions wait for a file to be there, so that a test decides what is under way.
PROGRAM = """
import sys, trio
from isthmus.__main__ import main
from isthmus.testing import ScriptedRuntime

async def on_track(event, settings, world):
    wait_for = event["properties"].get("wait_for")
    while wait_for and not await trio.Path(wait_for).exists():
        await trio.sleep(0.005)
    return event["userId"]

sys.exit(main(plugins=[ScriptedRuntime({"onTrack": on_track})]))
"""


@contextmanager
def running(tmp_path: Path, *argv: str, stdin: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAM))
    (tmp_path / "f.scripted").write_text("f")
    process = subprocess.Popen(
        [sys.executable, "program.py", "run", "f.scripted", *argv],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[bytes]) -> tuple[int, list[int], str]:
    """Its exit status, the lines it wrote outcomes of, and what it said."""
    out, err = process.communicate(timeout=300)
    return process.returncode, sorted(json.loads(line)["line"] for line in out.splitlines()), err.decode()


def first_line(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    return int(json.loads(process.stdout.readline())["line"])


def said(process: subprocess.Popen[bytes]) -> str:
    assert process.stderr is not None
    return process.stderr.readline().decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_lets_calls_end_and_says_where_to_go_on(number: signal.Signals, tmp_path: Path) -> None:
    waiting = [track(n, wait_for="go") for n in range(2, 6)]
    (tmp_path / "e").write_bytes(b"\n".join([track(1), *waiting, *(track(n) for n in range(6, 2001))]))
    with running(tmp_path, "e", "--concurrency", "4", "--wall", "1h") as process:
        assert first_line(process) == 1
        process.send_signal(number)
        assert said(process).startswith("interrupted: 4 calls under way may go on for 10 s")
        (tmp_path / "go").touch()
        status, lines, err = ended(process)
    assert status == 130
    # What was under way was finished and written, what was only read ahead was not begun, and the rest begins there.
    assert lines == list(range(2, 6))
    assert "go on with --from-line 6\n" in err
    assert "not run: 1,995 lines of e\n" in err
    assert "Traceback" not in err


def test_what_does_not_end_in_time_is_named(tmp_path: Path) -> None:
    (tmp_path / "e").write_bytes(b"\n".join([track(1), track(2, wait_for="never"), track(3)]))
    with running(tmp_path, "e", "--grace", "50ms", "--wall", "1h") as process:
        # Outcomes are written as they come: these two, and then nothing more is to come.
        assert {first_line(process), first_line(process)} == {1, 3}
        process.send_signal(signal.SIGINT)
        status, lines, err = ended(process)
    assert (status, lines) == (130, [])
    assert "interrupted: 1 call under way may go on for 0.05 s" in err
    assert "1 call did not end in time: line 2" in err
    assert "go on with --from-line 2; what was done after it already is then done twice" in err


def test_a_second_interrupt_stops_at_once(tmp_path: Path) -> None:
    (tmp_path / "e").write_bytes(b"\n".join([track(1), track(2, wait_for="never")]))
    with running(tmp_path, "e", "--grace", "1h", "--wall", "1h") as process:
        first_line(process)
        process.send_signal(signal.SIGINT)
        assert "interrupt again to stop at once" in said(process)
        time.sleep(2 * ECHO)  # one that follows at once is taken for an echo
        process.send_signal(signal.SIGINT)
        status, _, err = ended(process)
    assert status == 130
    assert "1 call did not end in time: line 2" in err


async def test_two_signals_at_once_are_one(mock_clock: trio.testing.MockClock) -> None:
    got: list[signal.Signals] = []

    async def collect(signals: AsyncIterator[signal.Signals]) -> None:
        async for number in signals:
            got.append(number)  # noqa: PERF401 -- seen one by one

    async with trio.open_nursery() as nursery:
        with interrupts() as signals:
            nursery.start_soon(collect, signals)
            signal.raise_signal(signal.SIGTERM)
            while not got:
                await trio.lowlevel.checkpoint()
            signal.raise_signal(signal.SIGINT)
            await trio.testing.wait_all_tasks_blocked(0.01)
            mock_clock.jump(ECHO)
            signal.raise_signal(signal.SIGTERM)
            while len(got) < 2:
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
    assert got == [signal.SIGTERM, signal.SIGTERM]


def test_an_interrupt_while_standard_input_is_silent(tmp_path: Path) -> None:
    with running(tmp_path, "-", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(track(1) + b"\n")
        process.stdin.flush()
        first_line(process)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=300) == 130
        assert process.stderr is not None
        err = process.stderr.read().decode()
    assert "not run: the rest of standard input\n" in err
    assert "Fatal" not in err


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_events_come_through_a_pipe(pack: type[bytes], tmp_path: Path) -> None:
    with running(tmp_path, "-", stdin=subprocess.PIPE) as process:
        data = pack(b"\n".join(track(n) for n in range(1, 501)))
        out, err = process.communicate(data, timeout=300)
    assert process.returncode == 0
    assert sorted(json.loads(line)["line"] for line in out.splitlines()) == list(range(1, 501))
    assert b"500 events in " in err


def test_a_reader_that_goes_away_ends_the_run_in_peace(tmp_path: Path) -> None:
    (tmp_path / "e").write_bytes(b"\n".join(track(n) for n in range(1, 50_001)))
    with running(tmp_path, "e") as process:
        first_line(process)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(timeout=300) == 141
        assert process.stderr is not None
        err = process.stderr.read().decode()
    assert "the outcomes cannot be written: their reader has gone" in err
    assert "go on with --from-line" in err
    assert "Traceback" not in err


def test_what_a_start_costs(record_property: Callable[[str, object], None], tmp_path: Path) -> None:
    (tmp_path / "e").write_bytes(track(1))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with running(tmp_path, "e") as process:
        status, lines, _ = ended(process)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    record_property("cpu_seconds", after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert (status, lines) == (0, [1])
