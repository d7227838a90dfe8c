"""Ray: a task a part, in its own processes."""

from __future__ import annotations

import importlib
import logging
import os
from typing import Any, final

from isthmus.commands import UsageFault

from ._resident import carry

__all__ = ["RayCluster", "open_ray"]


def open_ray(address: str, count: int) -> RayCluster:
    """Join a cluster, or start one on this machine.

    Args:
        address: as ``ray.init`` takes it, "" to start one.
        count: processors to start it with, 0 for all there are.

    Raises:
        UsageFault: Ray is not installed, or does not answer.
    """
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError:
        raise UsageFault("--on ray needs Ray: pip install 'isthmus[ray]'") from None
    options: dict[str, Any] = {"address": address}
    if not address:
        # Whoever reaches a node of Ray may run code on it, and it would report its use to its makers.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        options = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
        if count:
            options["num_cpus"] = count
    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **options)
    except Exception as exc:
        raise UsageFault(f"there is no Ray cluster to be had: {exc}") from exc
    return RayCluster(ray)


@final
class RayCluster:
    """See :class:`._cluster.Cluster`."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self.slots = max(1, int(ray.cluster_resources().get("CPU", 1)))
        # A part is carried again from its beginning where the process, or its machine, dies.
        self._carry = ray.remote(num_cpus=1, max_retries=3)(carry)

    def submit(self, setup: bytes, work: bytes) -> Any:
        return self._carry.remote(setup, work)

    def wait(self, handles: list[Any], seconds: float) -> list[Any]:
        ended: list[Any] = self._ray.wait(handles, num_returns=1, timeout=seconds)[0]
        return ended

    def result(self, handle: Any) -> bytes:
        answer: bytes = self._ray.get(handle)
        return answer

    def close(self) -> None:
        self._ray.shutdown()
