"""Webhooks whose senders wait for how the function ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, final

import msgspec
import trio

from isthmus._rules.retry import Decision, Refused, RetryAt, decide
from isthmus.errors import InvalidInput
from isthmus.events import Request
from isthmus.outcomes import Outcome
from isthmus.pipelines import Attempt, Attempted, Observation, Source

from .attempts import attempt_of, refused
from .routes import WEBHOOK, Routes

if TYPE_CHECKING:
    from isthmus._engine import Engine
    from isthmus._instances import Instance

__all__ = ["Answering"]


@final
class Answering:
    """Runs the function of one source while the senders of its webhooks wait.

    Args:
        engine: of the function.
        source: whose webhooks they are.
        function: that of the source.
        routes: keep what it sends.
        clock: seconds since the epoch, as the queue counts them.
        observe: told of each call; raises nothing.
    """

    def __init__(
        self,
        engine: Engine,
        source: Source,
        function: Instance,
        routes: Routes,
        *,
        clock: Callable[[], float],
        observe: Callable[[Observation], None],
    ) -> None:
        self._engine = engine
        self._source = source
        self._function = function
        self._routes = routes
        self._clock = clock
        self._observe = observe
        self._slots = trio.CapacityLimiter(source.concurrency)

    async def run(self, request: Request, message_id: str, *, retries: bool) -> tuple[Outcome, Decision]:
        """Run the function; what it sends is durable when this returns.

        Args:
            request: as it arrived.
            message_id: what tells it from others.
            retries: the schedule of the source decides where the function asks to be tried again; else its sender has to.

        Raises:
            InvalidInput: the webhook is none that the function takes.
            QueueError: not all that it sent was kept.
        """
        async with self._slots:
            began = trio.current_time()
            outcome = await self._engine.invoke(self._function, request)
            took = trio.current_time() - began
        now = self._clock()
        attempt = attempt_of(outcome, now)
        sent = [(bytes(text), f"{message_id}.{place}") for place, text in enumerate(outcome.messages)]
        try:
            await self._routes.forward_once(self._source, sent)
        except InvalidInput as exc:
            attempt = refused(exc)
            outcome = msgspec.structs.replace(outcome, status=attempt.status, problem=attempt.problem)
        decision = self._decide(message_id, attempt, now)
        if type(decision) is RetryAt and not retries:
            decision = Refused("attempts", attempt.problem.code if attempt.problem else None)
        self._observe(
            Attempted(
                queue=f"{WEBHOOK}{self._source.id}",
                delivery=message_id,
                attempt=1,
                status=attempt.status,
                problem=attempt.problem,
                decision=decision,
                at=now,
                age=took,
                took=took,
            )
        )
        return outcome, decision

    def _decide(self, message_id: str, attempt: Attempt, now: float) -> Decision:
        return decide(
            attempt.status,
            attempt.problem.code if attempt.problem else None,
            attempt=1,
            first_at=now,
            now=now,
            message_id=message_id,
            schedule=self._source.schedule,
            retry_after=attempt.retry_after,
        )
