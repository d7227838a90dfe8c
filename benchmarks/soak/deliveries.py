"""The process under soak that delivers: ``python -m benchmarks.soak.deliveries FILE PORT`` takes ids in and is killed meanwhile.

A line on its standard input is a list of ids, which it writes back once they are in the queue of that file. What has arrived is
known at the endpoint.
"""

from __future__ import annotations

import sys
from typing import Final

import msgspec
import trio

import isthmus
from isthmus.abc import Egress
from isthmus.pipelines import Destination, Source
from isthmus.rules import Schedule

CODE: Final = """
async function onTrack(event, settings) {
  let response;
  try {
    response = await fetch(`${settings.endpoint}/${event.messageId}`, { method: "POST", body: JSON.stringify(event) });
    await response.text();
  } catch (error) {
    throw new RetryError(error.message);
  }
  if (response.status !== 200) throw new RetryError(`status ${response.status}`);
}
"""
AGAIN: Final = Schedule(first=(0.05, 0.2), cap=1.0, attempts=1000)
LEASE: Final = 10.0
"""Seconds until what a killed process was at is taken up by the next."""


async def main(path: str, port: int) -> None:
    """Deliver until killed, or until there is no more input and nothing is left."""
    function = isthmus.Function(
        name="deliver",
        kind=isthmus.Kind.DESTINATION,
        language="javascript",
        code=CODE,
        settings=(isthmus.SettingDefinition(name="endpoint"),),
    )
    limits = isthmus.Limits(wall=120.0)  # the endpoint ends what stalls
    async with (
        isthmus.open_engine(limits=limits) as engine,
        isthmus.open_queue(f"sqlite:{path}") as queue,
    ):
        to = await engine.load(
            function,
            settings={"endpoint": f"http://127.0.0.1:{port}/deliver"},
            egress=Egress(allow_private=True),
        )
        destination = Destination(
            name="endpoint", to=to, schedule=AGAIN, breaker=None, lease=LEASE, concurrency=32
        )
        async with isthmus.open_pipeline(
            engine, queue, sources=[Source(id="soak")], destinations=[destination]
        ) as pipeline:
            print(flush=True)
            while line := await trio.to_thread.run_sync(sys.stdin.readline):
                ids = msgspec.json.decode(line, type=list[str])
                await pipeline.accept(
                    "soak",
                    [{"type": "track", "event": "Soaked", "userId": "u", "messageId": each} for each in ids],
                )
                print(line, end="", flush=True)


if __name__ == "__main__":
    trio.run(main, sys.argv[1], int(sys.argv[2]))
