"""A power cut takes back nothing that was accepted: the disk is copied while a process writes to it, and mounted again."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import LONG, Disk, Ledger, lines_for, traffic

ROUNDS = 6 if LONG else 1


async def lost_by_a_cut(disk: Disk, lines: int, query: str = "") -> Ledger:
    url, ledger = f"sqlite:{disk.mounted}/q.db?min_free=0{query}", Ledger()
    with traffic(url, "0", "20", "0") as process:

        def cut() -> None:
            process.send_signal(signal.SIGSTOP)
            disk.copy()

        ledger.read(await lines_for(process, lines, cut))
    disk.restart()
    await ledger.drain(url)
    return ledger


@pytest.mark.slow
async def test_nothing_is_lost_by_a_power_cut(make_disk: Callable[[int], Disk], tmp_path: Path) -> None:
    for round_ in range(ROUNDS):
        ledger = await lost_by_a_cut(make_disk(96), 4000 + 1777 * round_)
        assert len(ledger.promised) >= 4000
        assert not ledger.lost


@pytest.mark.slow
async def test_commits_that_are_not_synced_are_lost_by_it(make_disk: Callable[[int], Disk]) -> None:
    # The sooner the cut, the less the kernel has written by itself, and the fewer checkpoints have synced the log.
    for lines in (200, 500, 1000, 2000, 4000, 6000):
        ledger = await lost_by_a_cut(make_disk(96), lines, "&sync=normal&unsafe=1")
        if ledger.lost:
            return
    pytest.skip("this machine's kernel wrote everything in time, unasked: it cannot show what a sync is for")
