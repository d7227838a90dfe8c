"""Processes that share the events of a run: each event once, whichever ran it, and nothing lost when one goes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import trio
import trio.testing

from isthmus import Function, Kind, Limits
from isthmus._cli.companions.beside import Beside, open_companions
from isthmus._cli.companions.messages import LARGEST, Channel, Definition, Done, FromCompanion, Setup
from isthmus._cli.companions.sharing import WORTH, companions_for
from isthmus._cli.job import Job
from isthmus._cli.results import heads_of
from isthmus._cli.stream import Share
from isthmus.abc import Egress

from .conftest import Isthmus, track

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="companions are started on POSIX systems"),
    pytest.mark.slow,
]

CODE = """
async function onTrack(event, settings) {
  const what = (event.properties || {}).do
  if (what === "slow") await new Promise((resolve) => setTimeout(resolve, 5))
  if (what === "wait") await new Promise((resolve) => setTimeout(resolve, 3600e3))
  if (what === "retry") throw new RetryError("later, " + settings.apiKey)
  return event.userId
}
async function onRequest(request) {
  await new Promise((resolve) => setTimeout(resolve, 5))
  return request.json().n
}
"""


def lines_of(numbers: range) -> list[bytes]:
    broken, failing = {n for n in numbers if n % 77 == 0}, {n for n in numbers if n % 50 == 0}
    return [b"{broken" if n in broken else track(n, do="retry" if n in failing else "slow") for n in numbers]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Done]:
    """What companions said came of their events."""
    told: list[Done] = []
    take_done = Job.take_done

    def noting(job: Job, done: Done) -> None:
        told.append(done)
        take_done(job, done)

    monkeypatch.setattr(Job, "take_done", noting)
    return told


def test_events_are_run_once_whichever_process_runs_them(
    isthmus: Isthmus, told: list[Done], tmp_path: Path
) -> None:
    (tmp_path / "f.js").write_text(CODE)
    (tmp_path / "a").write_bytes(b"\n".join(lines_of(range(1, 3001))))
    (tmp_path / "b").write_bytes(b"[" + b",".join(track(n) for n in range(1, 1001)) + b"]")
    plain = isthmus(
        "run", "f.js", "a", "b", "--set", "apiKey=topsecret", "--processes", "1", "--concurrency", "24"
    )
    shared = isthmus(
        "run", "f.js", "a", "b", "--set", "apiKey=topsecret", "--processes", "3", "--concurrency", "24"
    )

    def seen(lines: list[dict[str, object]]) -> Counter[str]:
        return Counter(
            json.dumps({name: line.get(name) for name in ("file", "line", "status", "value", "problem")})
            for line in lines
        )

    assert seen(shared.lines) == seen(plain.lines)
    assert len(shared.lines) == 4000 - 3000 // 77
    assert sum(len(done.places) for done in told) > 500
    assert shared.status == plain.status == 1
    assert shared.err.count("a, line ") == plain.err.count("a, line ")
    assert "topsecret" not in shared.err + json.dumps(shared.lines)

    def table(err: str) -> list[list[str]]:
        return [
            line.split()[:4]
            for line in err.splitlines()
            if line.startswith(("onTrack", "none")) or " × " in line
        ]

    assert table(shared.err) == table(plain.err)


def test_webhooks_are_shared_as_well(isthmus: Isthmus, told: list[Done], tmp_path: Path) -> None:
    (tmp_path / "f.js").write_text(CODE)
    (tmp_path / "w").write_bytes(
        b"\n".join(b'{"body": {"n": %d}}' % n if n % 9 else b'{"body":' for n in range(1, 1001))
    )
    ran = isthmus("run", "f.js", "w", "--kind", "source", "--processes", "2", "--concurrency", "2")
    assert sorted((line["line"], line["value"]) for line in ran.lines) == [
        (n, n) for n in range(1, 1001) if n % 9
    ]
    assert ran.err.count("w, line ") == 1000 // 9
    assert any(done.flaws for done in told)


def test_state_that_is_kept_is_kept_in_one_process(isthmus: Isthmus, tmp_path: Path) -> None:
    (tmp_path / "f.js").write_text("let n = 0; async function onTrack() { return ++n }")
    (tmp_path / "function.toml").write_text('code = "f.js"\nisolation = "instance"\n')
    (tmp_path / "e").write_bytes(b"\n".join(track(n) for n in range(1, 501)))
    ran = isthmus("run", "f.js", "e", "--processes", "4")
    assert sorted(line["value"] for line in ran.lines) == list(range(1, 501))


@pytest.mark.parametrize(
    ("asked", "size", "concurrency", "expected"),
    [(1, 1 << 40, 256, 0), (3, 10, 256, 2), (3, 10, 2, 1), (None, WORTH - 1, 256, 0), (None, 1 << 40, 1, 0)],
)
def test_how_many_there_are(asked: int | None, size: int, concurrency: int, expected: int) -> None:
    assert companions_for(asked, size, concurrency) == expected


# ---------------------------------------------------------------- one of them


def setup(code: str = CODE, **limits: float) -> Setup:
    function = Function(name="f", kind=Kind.DESTINATION, language="javascript", code=code)
    return Setup(
        definition=Definition.of(function),
        code=code.encode(),
        is_text=True,
        settings=b"{}",
        limits=Limits(**limits),  # type: ignore[arg-type]
        egress=Egress(),
        heads=heads_of(["e"]),
        lines=True,
        concurrency=16,
    )


def children() -> set[int]:
    return {
        int(pid)
        for task in Path("/proc/self/task").iterdir()
        for pid in (task / "children").read_text().split()
    }


async def shared(beside: Beside, texts: list[bytes], done: list[Done]) -> list[tuple[int, int]]:
    left = [Share(0, [number], [text]) for number, text in enumerate(texts, 1)]

    async def take(most: int) -> Share | None:
        assert most > 0
        await trio.lowlevel.checkpoint()
        return left.pop(0) if left else None

    return await beside.share(take, done.append, concurrency=16)


@pytest.mark.skipif(sys.platform != "linux", reason="finds the process in /proc")
async def test_what_a_companion_had_when_it_was_killed_is_known() -> None:
    before = children()
    done: list[Done] = []
    async with open_companions(1) as (beside,):
        (pid,) = children() - before
        assert await beside.prepare(setup(wall=3600.0, cpu=60.0)) == ""
        lost: list[tuple[int, int]] = []

        async def share() -> None:
            lost.extend(
                await shared(beside, [track(n, do="wait" if n in {2, 5} else "") for n in range(1, 9)], done)
            )

        async with trio.open_nursery() as nursery:
            nursery.start_soon(share)
            while sum(len(part.places) for part in done) < 6:  # noqa: ASYNC110 -- another process is waited for
                await trio.sleep(0.005)
            os.kill(pid, signal.SIGKILL)
    assert lost == [(0, 2), (0, 5)]
    assert sum(part.lines.count(b"\n") for part in done) == 6
    assert children() <= before


async def test_a_function_that_does_not_load_there_is_said() -> None:
    async with open_companions(1) as (beside,):
        assert "SyntaxError" in await beside.prepare(setup("async function onTrack( {"))


@pytest.mark.skipif(sys.platform != "linux", reason="finds the process in /proc")
async def test_a_companion_ends_with_the_run_it_belongs_to() -> None:
    before = children()
    async with open_companions(2):
        assert len(children() - before) == 2
    assert children() <= before


async def test_a_message_that_is_none_is_an_error() -> None:
    for frame in ((LARGEST + 1).to_bytes(4), b"\0\0\0\1\xc1", b"\0\0\0\1\x01"):
        ours, theirs = trio.testing.memory_stream_pair()
        await theirs.send_all(frame)
        with pytest.raises(ValueError):  # noqa: PT011 -- msgspec's own sentences
            await Channel(ours, FromCompanion).receive()  # type: ignore[arg-type]


def test_an_interrupt_lets_companions_finish_what_they_have(tmp_path: Path) -> None:
    (tmp_path / "f.js").write_text(CODE)
    (tmp_path / "e").write_bytes(b"\n".join(track(n, do="slow") for n in range(1, 100_001)))
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "isthmus", "run", "f.js", "e", "--kind", "destination"),
            *("--processes", "2", "--concurrency", "8", "--quiet", "--grace", "5m", "--wall", "5m"),
        ],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline())["line"] for _ in range(2000)]
        process.send_signal(signal.SIGINT)
        lines += [json.loads(line)["line"] for line in process.stdout]
        _, err = process.communicate(timeout=300)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert sorted(lines) == list(range(1, len(lines) + 1))
    assert f"go on with --from-line {len(lines) + 1}\n".encode() in err
    assert f"not run: {100_000 - len(lines):,} lines of e\n".encode() in err
