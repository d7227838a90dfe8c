"""Whatever another process asks about a queue in a file, it gets an answer, and the queue stays whole."""

from __future__ import annotations

import msgspec
import trio

from isthmus.queues import Entry
from isthmus.testing import MemoryQueue
from isthmus_sqlite._frames import Answered, Answers, Failed
from isthmus_sqlite._serving import _answer_of


def check(data: bytes) -> None:
    """The bytes are a question, without its length."""
    trio.run(_asked, data)


async def _asked(data: bytes) -> None:
    queue = MemoryQueue()
    await queue.declare("q")
    await queue.publish([Entry(queue="q", message_id="m", body=b"{}")])
    answer = await _answer_of(queue, data)
    assert isinstance(answer, Answered | Failed)
    back = msgspec.msgpack.decode(msgspec.msgpack.encode(answer), type=Answers)
    assert type(back) is type(answer)
    (claim,) = [one for one in await queue.claim("q", 100) if one.message_id == "m"]
    assert claim.body == b"{}"
