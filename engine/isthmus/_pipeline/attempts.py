"""How calls of functions and responses end, as attempts to deliver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from isthmus.errors import InvalidInput
from isthmus.outcomes import Code, Outcome, Problem, Status
from isthmus.pipelines import Attempt

__all__ = ["DELIVERED", "attempt_of", "refused", "retry_after"]

DELIVERED: Final = Attempt(status=Status.DELIVERED)


def retry_after(headers: Sequence[tuple[str, str]], now: float) -> float | None:
    """Seconds that a response's ``Retry-After`` asks for (RFC 9110, 10.2.3); None where it has none that can be read."""
    for name, value in headers:
        if name.lower() == "retry-after":
            text = value.strip()
            if text.isascii() and text.isdigit():
                return float(text[:9])
            from email.utils import parsedate_to_datetime  # costs an import that not every process needs

            try:
                return max(0.0, parsedate_to_datetime(text).timestamp() - now)
            except (ValueError, OverflowError):
                return None
    return None


def attempt_of(outcome: Outcome, now: float) -> Attempt:
    """An outcome as an attempt; to be tried again as late as what was thrown asks for, or else its last response."""
    if outcome.status is Status.DELIVERED and outcome.problem is None:
        return DELIVERED
    asked = outcome.problem.retry_after if outcome.problem is not None else None
    if asked is None and outcome.status is Status.RETRY and outcome.exchanges:
        asked = retry_after(outcome.exchanges[-1].response_headers, now)
    return Attempt(
        status=outcome.status,
        problem=outcome.problem,
        retry_after=asked,
        exchanges=outcome.exchanges,
        logs=outcome.logs,
    )


def refused(error: InvalidInput) -> Attempt:
    problem = Problem(name="InvalidEventPayload", message=str(error), code=Code.MESSAGE_REJECTED)
    return Attempt(status=Status.REFUSED, problem=problem)
