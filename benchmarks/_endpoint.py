"""An HTTP server in a process of its own that answers when so many requests wait for it, and it is told to.

``python -m benchmarks._endpoint COUNT`` prints its port, then ``waiting`` each time so many wait; a
line on its standard input lets them go. With a COUNT of 0 it answers at once.
"""

from __future__ import annotations

import sys

import trio

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n" + b'{"ok":true}'


class Endpoint:
    """Holds requests back.

    Args:
        count: how many have to wait before anybody is told; 0 where none waits.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._waiting = 0
        self._gate = trio.Event()

    async def serve(self, stream: trio.SocketStream) -> None:
        """Answer the requests of one connection, which have no bodies."""
        held = b""
        try:
            async with stream:
                async for data in stream:
                    held += data
                    while b"\r\n\r\n" in held:
                        _, _, held = held.partition(b"\r\n\r\n")
                        await self._wait()
                        await stream.send_all(ANSWER)
        except trio.BrokenResourceError:
            pass  # who asked has gone

    async def _wait(self) -> None:
        if not self._count:
            return
        self._waiting += 1
        if self._waiting == self._count:
            print("waiting", flush=True)
        await self._gate.wait()

    def let_go(self) -> None:
        """Answer all that wait."""
        self._gate.set()
        self._gate = trio.Event()
        self._waiting = 0


async def main(count: int) -> None:
    endpoint = Endpoint(count)
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=max(count, 1))
        nursery.start_soon(trio.serve_listeners, endpoint.serve, [listener])
        print(listener.socket.getsockname()[1], flush=True)
        while await trio.to_thread.run_sync(sys.stdin.readline):
            endpoint.let_go()
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]))
