"""What runs beside the store, as far as the console looks at it."""

from __future__ import annotations

from pathlib import Path
from typing import final

import msgspec

from isthmus.queues import Queue
from isthmus_server.running import Running

from .captured import CapturedWebhooks
from .latencies import Latencies

__all__ = ["NOTHING", "Live"]


@final
class Live(msgspec.Struct, frozen=True, kw_only=True):
    """What a service has beside its store; each is None where it has it not.

    Attributes:
        running: the pipeline that runs now.
        queue: where deliveries wait.
        latencies: of the deliveries since the process began.
        captured: the last webhooks since then.
        deliveries: directory of the log of deliveries.
        archive: directory of the archive of events.
    """

    running: Running | None = None
    queue: Queue | None = None
    latencies: Latencies | None = None
    captured: CapturedWebhooks | None = None
    deliveries: Path | None = None
    archive: Path | None = None


NOTHING = Live()
