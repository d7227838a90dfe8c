"""How much of a queue may be claimed now: bounded by slots, by a rate, and by a breaker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

import trio

from isthmus._rules.breaker import CLOSED, Breaker, probing, recorded, unanswered, wait_for_probe
from isthmus._rules.pacing import Bucket

from .items import Policy
from .pulse import Pulse

__all__ = ["CHUNK", "Admission"]

CHUNK: Final = 200
"""Deliveries claimed together: enough that a claim costs little by the event."""
FEW: Final = 64
"""Slots that are not worth being divided."""
GATHER: Final = 0.005
"""Seconds that a claim waits for more slots to become free, for a claim of a few costs as much as one of many."""


@final
class Admission:
    """The slots, the rate and the breaker of one lane.

    Args:
        policy: the bounds.
        held: how many deliveries are in hand, those included whose end is not written down yet.
        changed: of anything that may let more be claimed.
        moved: told of the breaker's state where it is another.
    """

    def __init__(
        self, policy: Policy, *, held: Callable[[], int], changed: Pulse, moved: Callable[[str], None]
    ) -> None:
        self._policy = policy
        self._slots = policy.slots
        self._held = held
        self._most_held = 2 * policy.slots + CHUNK
        # Half of many slots for one claim: while it is worked on, another is made.
        self._share = min(CHUNK, policy.slots, max(FEW, policy.slots // 2))
        self._gathered = -(-self._share // 2)  # slots worth a claim
        self._changed = changed
        self._roomy = Pulse()
        self._moved = moved
        self._taken = 0  # deliveries whose attempt has not ended
        self._bucket = Bucket(policy.rate, trio.current_time()) if policy.rate else None
        self._breaker = CLOSED

    @property
    def state(self) -> str:
        """The breaker's state, "" where there is none."""
        return self._breaker.state if self._policy.breaker else ""

    @property
    def is_held_back(self) -> bool:
        """Whether the destination is being left alone."""
        return self._breaker.state != "closed"

    async def wait(self, most: int) -> int:
        """Wait until something may be claimed, and say how much."""
        while True:
            count = min(most, self._share, self._slots - self._taken)
            if count <= 0 or self._held() >= self._most_held:
                await self._changed.wait()
                continue
            if count < self._gathered and not self.is_held_back:
                with trio.move_on_after(GATHER):
                    await self._roomy.wait()
                count = min(most, self._share, self._slots - self._taken)
            now = trio.current_time()
            if self._policy.breaker is not None and self.is_held_back:
                pause = wait_for_probe(self._policy.breaker, self._breaker, now)
                if pause is None or pause > 0:
                    with trio.move_on_after(3600.0 if pause is None else pause):
                        await self._changed.wait()
                    continue
                count = min(count, self._policy.batching.count if self._policy.batching else 1)
            if self._bucket is not None:
                available = self._bucket.available(now)
                if not available:
                    await trio.sleep(self._bucket.wait(now))
                    continue
                count = min(count, available)
            return count

    def took(self, count: int) -> bool:
        """Take note of what was claimed, and say whether it is the breaker's probe."""
        self._taken += count
        if self._bucket is not None:
            self._bucket.take(count, trio.current_time())
        is_probe = self._breaker.state == "open"
        if is_probe:
            self._move(probing(self._breaker))
        return is_probe

    def free(self) -> None:
        """One of them takes no slot any more."""
        self._taken -= 1
        room = self._slots - self._taken
        if room == 1:
            self._changed.wake()
        if room == self._gathered:
            self._roomy.wake()

    def record(self, *, failed: bool) -> None:
        """An attempt at the destination has ended."""
        if self._policy.breaker is not None and (failed or self._breaker is not CLOSED):
            self._move(recorded(self._policy.breaker, self._breaker, failed=failed, now=trio.current_time()))

    def end_probe(self) -> None:
        """The probe is over, also where nothing of it reached the destination."""
        self._move(unanswered(self._breaker))

    def _move(self, breaker: Breaker) -> None:
        before, self._breaker = self._breaker, breaker
        if before.state != breaker.state:
            self._moved(breaker.state)
            self._changed.wake()
