"""How far a run has come, on a terminal and elsewhere."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trio
from trio.testing import MockClock

from isthmus._cli.progress import INTERVAL, Snapshot, counts_text, follow
from isthmus._cli.screen import Screen


def snapshot(consumed: float = 500, size: int | None = 1000, elapsed: float = 10.0) -> Snapshot:
    counts = {"delivered": 1234, "dropped": 0, "refused": 6, "broken": 0}
    return Snapshot(events=1240, counts=counts, consumed=consumed, size=size, elapsed=elapsed)


@pytest.mark.parametrize(
    ("now", "part", "left"),
    [
        (snapshot(), 0.5, 10.0),
        (snapshot(consumed=250), 0.25, 30.0),
        (snapshot(consumed=2000), 1.0, 0.0),  # a file that grew meanwhile
        (snapshot(elapsed=1.0), 0.5, None),  # too soon to say
        (snapshot(consumed=0), 0.0, None),
        (snapshot(size=None), None, None),
        (snapshot(size=0), None, None),
    ],
)
def test_what_is_left_goes_by_what_is_done(now: Snapshot, part: float | None, left: float | None) -> None:
    assert (now.part, now.left) == (part, left)
    assert now.rate == 1240 / now.elapsed


def test_what_there_is_none_of_is_left_out() -> None:
    assert counts_text(snapshot().counts, Screen(io.StringIO())) == "1,234 delivered · 6 refused"


async def test_elsewhere_than_on_a_terminal_it_is_a_line_now_and_then(autojump_clock: MockClock) -> None:
    stream = io.StringIO()
    with trio.move_on_after(3 * INTERVAL + 1):
        await follow(snapshot, Screen(stream))
    line = "50% · 1,240 events · 124/s · 10 s left · 1,234 delivered · 6 refused\n"
    assert stream.getvalue() == 3 * line


async def test_of_a_pipe_nobody_knows_what_is_left(autojump_clock: MockClock) -> None:
    stream = io.StringIO()
    with trio.move_on_after(INTERVAL + 1):
        await follow(lambda: snapshot(size=None), Screen(stream))
    assert stream.getvalue() == "1,240 events · 124/s · 1,234 delivered · 6 refused\n"


@contextmanager
def terminal() -> Iterator[tuple[Screen, int]]:
    """A screen on a terminal of the test's own, and the end that shows what was drawn."""
    ours, theirs = os.openpty()
    with open(theirs, "w", encoding="utf-8") as stream:
        try:
            yield Screen(stream, colour=True), ours
        finally:
            os.close(ours)


def drawn(shown: int) -> bytes:
    """All that stands in the terminal's buffer, which hands out no more than a page at once."""
    os.set_blocking(shown, False)
    text = b""
    while True:
        try:
            text += os.read(shown, 1 << 16)
        except BlockingIOError:
            return text


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX terminals")
async def test_on_a_terminal_it_is_a_bar_with_lines_above_it(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with terminal() as (screen, shown):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow, snapshot, screen)
            await trio.sleep(0.5)
            assert screen.above is not None
            screen.print("\x1b[31mline 7\x1b[0m: [no] event")
            await trio.sleep(0.5)
            nursery.cancel_scope.cancel()
        assert screen.above is None
        text = drawn(shown).decode()
    assert "━" in text
    assert "50% · 1,240 events · 124/s" in text
    assert "line 7" in text
    assert ": [no] event" in text  # brackets are no markup here
    # Nothing of the bar is left: the last thing done is to clear its line.
    assert text.endswith("\x1b[?25h\r\x1b[1A\x1b[2K")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX terminals")
async def test_a_run_that_is_over_in_an_instant_shows_no_bar(autojump_clock: MockClock) -> None:
    with terminal() as (screen, shown):
        with trio.move_on_after(0.05):
            await follow(snapshot, screen)
        screen.print("done")
        assert drawn(shown) == b"done\r\n"
