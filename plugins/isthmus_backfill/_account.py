"""What becomes of the events of one part, while it is being carried."""

from __future__ import annotations

import time
from typing import Any, Final, final

import msgspec

from isthmus.outcomes import Status
from isthmus.pipelines import Attempted
from isthmus.queues import Claim
from isthmus.rules import Refused

from ._ledger import Counts, PartResult
from ._plan import File, Part, Place, name_of

__all__ = ["Account"]

SHOWN_TEXT: Final = 2000
"""Characters kept of a line that is no event."""


@final
class Account:
    """Counts the events of one part, and keeps those that fail.

    Args:
        place: of the part in the plan.
        file: that it is of.
        part: of that file.
        number: tells it from another account of the same part, in a process that carries it once more.

    Attributes:
        name: of the part and of this account of it.
        open: events that were handed on and are not settled.
        read: whether the part was read to its end.
        retried: attempts after which an event was to be tried again.
    """

    def __init__(self, place: Place, file: File, part: Part, number: int) -> None:
        self.place = place
        self.name = f"{name_of(place)}.{number}"
        self.open = 0
        self.read = False
        self.retried = 0
        self._file = file
        self._part = part
        self._begun = time.monotonic()
        self._counts: dict[str, int] = dict.fromkeys(Counts.__struct_fields__, 0)
        self._failed: list[bytes] = []

    def count(self, status: Status, number: int = 1) -> None:
        """Events are done with, well or on purpose."""
        self._counts[status.value] += number

    def filter(self, number: int) -> None:
        """Events are not for this destination."""
        self._counts["filtered"] += number

    def fail(self, claim: Claim, attempted: Attempted | None, reason: str) -> None:
        """An event was given up.

        Args:
            claim: its last one.
            attempted: what was told of its last attempt.
            reason: as for a dead letter, secrets redacted.
        """
        decision = attempted.decision if attempted else None
        kind = "given_up" if isinstance(decision, Refused) and decision.reason != "permanent" else "refused"
        self._counts[kind] += 1
        self._keep(
            kind,
            int(claim.message_id.partition(":")[2]),
            reason,
            attempts=claim.attempt,
            event=msgspec.Raw(claim.body),
        )

    def flaw(self, at: int, reason: str, text: bytes = b"") -> None:
        """There is no event where one should be.

        Args:
            at: place in the file.
            reason: why.
            text: what is there instead, b"" where that is not known.
        """
        self._counts["broken"] += 1
        shown = text.decode("utf-8", "replace")[:SHOWN_TEXT]
        self._keep("broken", at, reason, **({"text": shown} if shown else {}))

    def _keep(self, kind: str, at: int, reason: str, **more: Any) -> None:
        record = {"status": kind, "reason": reason, "file": self._file.path, "at": at, **more}
        # A line is a record: an event written over several keeps no line feed.
        self._failed.append(msgspec.json.encode(record).replace(b"\n", b" ").replace(b"\r", b" "))

    def share(self, consumed: int) -> int:
        """Of the bytes that were read those whose events are done with: reading is far ahead of a slow destination."""
        counts = self.counts
        done = counts.events + counts.broken
        return consumed * done // (done + self.open) if done else 0

    @property
    def counts(self) -> Counts:
        """What became of them so far."""
        return Counts(**(self._counts | {"retried": self.retried}))

    def result(self) -> tuple[PartResult, bytes]:
        """What is written down at the end, and NDJSON of the events that failed."""
        part = self._part
        result = PartResult(
            file=self._file.path,
            start=part.start,
            end=part.end,
            bytes=part.bytes,
            counts=self.counts,
            seconds=round(time.monotonic() - self._begun, 3),
            ended=round(time.time(), 3),
        )
        return result, b"".join(line + b"\n" for line in self._failed)
