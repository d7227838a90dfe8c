"""The embedded queue keeps every promise of queues."""

from pathlib import Path

import pytest

import isthmus
from isthmus.testing import QUEUE_CHECKS, QueueSubject, check_queue

from .conftest import Opener, Times


@pytest.mark.parametrize("name", QUEUE_CHECKS)
async def test_it_keeps_its_promises(name: str, open_queue: Opener, times: Times) -> None:
    await QUEUE_CHECKS[name](QueueSubject(open_queue, advance=times.advance))


@pytest.mark.slow
async def test_it_keeps_them_in_real_time(tmp_path: Path) -> None:
    await check_queue(lambda: isthmus.open_queue(f"sqlite:{tmp_path}/q.db"))
