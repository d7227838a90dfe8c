"""A process that is killed at any moment loses nothing that was accepted."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from .conftest import LONG, Ledger, lines_for, traffic

ROUNDS = 40 if LONG else 4


@pytest.mark.slow
async def test_nothing_is_lost_by_kills_in_the_middle_of_batches(tmp_path: Path) -> None:
    url, ledger, chance = f"sqlite:{tmp_path}/q.db", Ledger(), random.Random(7)
    for round_ in range(ROUNDS):
        with traffic(url, str(round_), "20", "5") as process:
            ledger.read(await lines_for(process, chance.randrange(200, 3000)))
    await ledger.drain(url)
    assert len(ledger.promised) > 100 * ROUNDS
    assert not ledger.lost
    duplicates = len(ledger.claimed) - len(set(ledger.claimed))
    # At most what each killed process had claimed comes again.
    assert duplicates <= ROUNDS * 5 * 10


@pytest.mark.slow
async def test_a_publish_that_returned_before_its_commit_would_be_seen(tmp_path: Path) -> None:
    url, ledger = f"sqlite:{tmp_path}/q.db", Ledger()
    for round_ in range(20):
        with traffic(url, str(round_), "20", "0", "early") as process:
            ledger.read(await lines_for(process, 1000))
        if round_ % 4 == 3:
            await ledger.drain(url)
            if ledger.lost:
                break
    assert ledger.lost
