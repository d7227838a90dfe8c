"""A process that publishes to a queue and takes from it until it is killed, and says what it was promised.

``traffic.py URL ROUND PUBLISHERS CONSUMERS [early]`` writes lines: ``P id`` after a publish has returned, ``C id`` before a
claim is acknowledged.  ``early`` is the guarantee switched off: a publish that returns before it is committed.
"""

from __future__ import annotations

import os
import sys

import trio

import isthmus
from isthmus.queues import Entry, Queue, QueueOptions

BATCH = 5


def say(kind: str, ids: list[str]) -> None:
    os.write(1, "".join(f"{kind} {each}\n" for each in ids).encode())


async def publish(queue: Queue, round_: str, task: int, *, early: bool) -> None:
    number = 0
    async with trio.open_nursery() as nursery:
        while True:
            ids = [f"{round_}-{task}-{number + each}" for each in range(BATCH)]
            number += BATCH
            entries = [Entry(queue="q", message_id=each, body=each.encode() * 20) for each in ids]
            if early:
                say("P", ids)
                nursery.start_soon(queue.publish, entries)
                await trio.lowlevel.checkpoint()
            else:
                await queue.publish(entries)
                say("P", ids)


async def consume(queue: Queue) -> None:
    while True:
        claims = await queue.claim("q", 10, wait=60)
        say("C", [claim.message_id for claim in claims])
        await queue.ack(claims)


async def main(url: str, round_: str, publishers: int, consumers: int, *, early: bool) -> None:
    async with isthmus.open_queue(url) as queue, trio.open_nursery() as nursery:
        await queue.declare("q", QueueOptions(lease=60.0))
        for task in range(publishers):
            nursery.start_soon(lambda task=task: publish(queue, round_, task, early=early))  # type: ignore[misc]
        for _ in range(consumers):
            nursery.start_soon(consume, queue)


if __name__ == "__main__":
    trio.run(
        lambda: main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), early="early" in sys.argv)
    )
