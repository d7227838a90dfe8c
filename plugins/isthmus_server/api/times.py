"""Times as the API writes them: ISO 8601 in UTC, to the millisecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from isthmus_server.store import FieldProblem

from .problems import unfit

__all__ = ["iso", "milliseconds"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(at: int) -> str:
    """A time as text.

    Args:
        at: milliseconds since the epoch.
    """
    moment = EPOCH + timedelta(milliseconds=at)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at % 1000:03}Z"


def milliseconds(text: str, field: str) -> int:
    """A time in milliseconds since the epoch; one without a zone is in UTC.

    Raises:
        Problem: 422, it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (moment - EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        raise unfit([FieldProblem(field, f'"{field}" must be in ISO 8601 date format')]) from None
