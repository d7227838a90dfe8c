"""Dask: a task a part, in the processes of a distributed cluster."""

from __future__ import annotations

import importlib
import signal
import threading
from contextlib import ExitStack
from typing import Any, Final, final

from isthmus.commands import UsageFault
from isthmus.processors import processors

from ._resident import carry

__all__ = ["DaskCluster", "dask_setup", "open_dask"]

PATIENCE: Final = 10.0
"""Seconds for a scheduler to answer."""

GATHERING: Final = 60.0
"""Seconds to fetch what a task gave, some hundred bytes."""


def open_dask(address: str, count: int) -> DaskCluster:
    """Join a cluster, or start one on this machine.

    Args:
        address: of its scheduler, "" to start one.
        count: processes to start it with, 0 for one a processor.

    Raises:
        UsageFault: Dask is not installed, or does not answer.
    """
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        raise UsageFault("--on dask needs Dask: pip install 'isthmus[dask]'") from None
    with ExitStack() as stack:
        try:
            cluster: Any = address
            if not address:
                cluster = distributed.LocalCluster(
                    n_workers=count or processors(),
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address=None,
                    host="127.0.0.1",
                    preload=[__name__],
                )
                stack.callback(cluster.close)
            # Not as the default client, which is one of the thread that made it.
            client = distributed.Client(cluster, timeout=PATIENCE, set_as_default=False)
            stack.callback(client.close)
        except (OSError, ValueError) as exc:
            raise UsageFault(f"there is no Dask cluster to be had: {exc}") from exc
        return DaskCluster(client, stack.pop_all())


def dask_setup(worker: object) -> None:
    """Called by Dask in each process that is started here: let it hear no Ctrl-C.

    A terminal tells it to all of them, and it is for the backfill to hear, which lets them finish what they are at.
    """
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@final
class DaskCluster:
    """See :class:`._cluster.Cluster`."""

    def __init__(self, client: Any, stack: ExitStack) -> None:
        self._client = client
        self._stack = stack
        self._begun: list[Any] = []
        self._ended = threading.Event()  # one that was begun has, and nobody has looked yet
        self.slots = max(1, sum(client.nthreads().values()))

    def submit(self, setup: bytes, work: bytes) -> Any:
        # Not pure: the same part of another run is to be carried, not remembered.
        future = self._client.submit(carry, setup, work, pure=False, retries=2)
        future.add_done_callback(lambda _: self._ended.set())
        self._begun.append(future)
        return future

    def wait(self, handles: list[Any], seconds: float) -> list[Any]:
        self._ended.wait(seconds)
        self._ended.clear()
        return [handle for handle in handles if handle.done()]

    def result(self, handle: Any) -> bytes:
        self._begun.remove(handle)
        # A process that died since then has taken it along, and another may be carrying the part anew.
        answer: bytes = handle.result(timeout=GATHERING)
        handle.release()
        return answer

    def close(self) -> None:
        if self._begun:
            self._client.cancel(self._begun, force=True)
        self._stack.close()
