"""What becomes of a delivery whose attempt has ended: decided, counted, told, and handed on to be written down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

import trio

from isthmus._rules.retry import Delivered, Dropped, Refused, Schedule, decide
from isthmus.outcomes import Code, Problem, Status
from isthmus.pipelines import Attempt, Attempted, Observation

from .admission import Admission
from .holding import Holding
from .items import Item
from .tallies import Tally

__all__ = ["UNSETTLED", "Settling"]

REASON_LENGTH: Final = 2000

UNSETTLED: Final = Attempt(
    status=Status.RETRY,
    problem=Problem(name="RuntimeFault", message="the attempt ended without a result", code=Code.INTERNAL),
)
"""Of an attempt that nobody said anything about: it failed in a way that nobody foresaw."""


@final
class Settling:
    """Settles the deliveries of one queue.

    Args:
        name: of the queue.
        schedule: when a delivery is tried again.
        holding: writes down what is decided.
        admission: whose slots they take, and whose breaker hears of attempts.
        tally: counts.
        clock: seconds since the epoch, as the queue counts them.
        observe: told of each attempt.
    """

    def __init__(
        self,
        name: str,
        schedule: Schedule,
        *,
        holding: Holding,
        admission: Admission,
        tally: Tally,
        clock: Callable[[], float],
        observe: Callable[[Observation], None],
    ) -> None:
        self._name = name
        self._schedule = schedule
        self._holding = holding
        self._admission = admission
        self._tally = tally
        self._clock = clock
        self._observe = observe
        self._now = (
            trio.lowlevel.current_clock().current_time
        )  # as trio.current_time, at a fifth of its price

    def attempted(self, item: Item, attempt: Attempt) -> None:
        """An attempt at the destination itself has ended, of which its breaker hears."""
        if not item.settled:
            self._admission.record(failed=attempt.status is Status.RETRY)
        self.settle(item, attempt)

    def settle(self, item: Item, attempt: Attempt) -> None:
        """An attempt has ended; only the first word on a delivery counts."""
        if item.settled:
            return
        claim, problem = item.claim, attempt.problem
        now = self._clock()
        decision = decide(
            attempt.status,
            problem.code if problem else None,
            attempt=claim.attempt,
            first_at=claim.first_at,
            now=now,
            message_id=claim.message_id,
            schedule=self._schedule,
            retry_after=attempt.retry_after,
        )
        attempted = Attempted(
            queue=self._name,
            delivery=claim.message_id,
            attempt=claim.attempt,
            status=attempt.status,
            problem=problem,
            decision=decision,
            at=now,
            age=max(0.0, now - claim.published_at),
            took=self._now() - item.since,
            exchanges=attempt.exchanges,
            logs=attempt.logs,
        )
        # Not before: where any of the above fails, the delivery is still to be settled.
        item.settled = True
        if type(decision) is Delivered or type(decision) is Dropped:
            self._holding.ack(claim)
        elif type(decision) is Refused:
            self._holding.bury(claim, _reason(decision, problem))
        else:
            self._holding.retry(claim, decision.seconds)
        self._tally.add(attempted)
        self._observe(attempted)
        self._admission.free()

    def give_back(self, item: Item) -> None:
        """It was not begun, and may be claimed again at once."""
        item.settled = True
        self._tally.given_back += 1
        self._holding.retry(item.claim, 0.0)
        self._admission.free()


def _reason(decision: Refused, problem: Problem | None) -> str:
    said = f"{problem.code}: {problem.name}: {problem.message}" if problem else "no problem was named"
    ended = "" if decision.reason == "permanent" else f" (the schedule's {decision.reason} used up)"
    return (said[: REASON_LENGTH - len(ended)] + ended).encode("utf-8", "replace").decode()
