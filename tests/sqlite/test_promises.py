"""The embedded queue keeps every promise of queues."""

import pytest

from isthmus.testing import QUEUE_CHECKS, QueueSubject

from .conftest import Opener, Times


@pytest.mark.parametrize("name", QUEUE_CHECKS)
async def test_it_keeps_its_promises(name: str, open_queue: Opener, times: Times) -> None:
    await QUEUE_CHECKS[name](QueueSubject(open_queue, advance=times.advance))
