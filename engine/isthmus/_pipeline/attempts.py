"""How calls of functions and responses end, as attempts to deliver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from isthmus._rules.waits import wait_asked
from isthmus.errors import InvalidInput
from isthmus.outcomes import Code, Outcome, Problem, Status
from isthmus.pipelines import Attempt

__all__ = ["DELIVERED", "attempt_of", "attempts_of", "refused", "retry_after"]

DELIVERED: Final = Attempt(status=Status.DELIVERED)


def retry_after(headers: Sequence[tuple[str, str]], now: float) -> float | None:
    """Seconds that a response's ``Retry-After`` asks for (RFC 9110, 10.2.3); None where it has none that can be read."""
    for name, value in headers:
        if name.lower() == "retry-after":
            return wait_asked(value, now)
    return None


def attempt_of(outcome: Outcome, now: float) -> Attempt:
    """An outcome as an attempt; to be tried again as late as what was thrown asks for, or else its last response."""
    if outcome.status is Status.DELIVERED and outcome.problem is None:
        return DELIVERED
    return Attempt(
        status=outcome.status,
        problem=outcome.problem,
        retry_after=_asked(outcome, outcome.status, outcome.problem, now),
        exchanges=outcome.exchanges,
        logs=outcome.logs,
    )


def attempts_of(outcome: Outcome, now: float) -> Attempt | list[Attempt]:
    """The outcome of a batch as an attempt of each of its events; as one of all where it ended as a whole."""
    problem = outcome.problem
    if problem is not None and all(item.problem == problem for item in outcome.items):
        return attempt_of(outcome, now)
    return [
        Attempt(
            status=item.status,
            problem=item.problem,
            retry_after=_asked(outcome, item.status, item.problem, now),
            exchanges=outcome.exchanges if item.problem else (),
            logs=outcome.logs if item.problem else (),
        )
        for item in outcome.items
    ]


def _asked(outcome: Outcome, status: Status, problem: Problem | None, now: float) -> float | None:
    if status is not Status.RETRY:
        return None
    if problem is not None and problem.retry_after is not None:
        return problem.retry_after
    return retry_after(outcome.exchanges[-1].response_headers, now) if outcome.exchanges else None


def refused(error: InvalidInput) -> Attempt:
    problem = Problem(name="InvalidEventPayload", message=str(error), code=Code.MESSAGE_REJECTED)
    return Attempt(status=Status.REFUSED, problem=problem)
