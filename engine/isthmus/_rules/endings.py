"""What an ending means: the problem it is, and what that comes to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from isthmus.abc import Killed, Thrown
from isthmus.functions import Kind
from isthmus.outcomes import Code, Problem, Status

from .waits import wait_asked

__all__ = ["INSERTS", "judge_throw", "problem_of", "status_of"]

INSERTS: Final = frozenset({Kind.INSERT, Kind.SOURCE_INSERT})
"""The kinds whose returned value is the event that goes on."""

_CODE_BY_NAME: Final[Mapping[str, Code]] = MappingProxyType(
    {
        "EventNotSupported": Code.UNSUPPORTED_EVENT_TYPE,
        "InvalidEventPayload": Code.MESSAGE_REJECTED,
        "ValidationError": Code.MESSAGE_REJECTED,
        "RetryError": Code.RETRY,
    }
)

# Memory and output are used up by what the code does with this input, and would be again.  A
# broken world is nobody's verdict on the event, so the event is not given up for it.
_NAME_AND_CODE_BY_REASON: Final[Mapping[str, tuple[str, Code]]] = MappingProxyType(
    {
        "timeout": ("Timeout", Code.GATEWAY_TIMEOUT),
        "cpu": ("CpuLimit", Code.GATEWAY_TIMEOUT),
        "memory": ("MemoryLimit", Code.BAD_REQUEST),
        "output": ("OutputLimit", Code.BAD_REQUEST),
        "crash": ("Crash", Code.INTERNAL),
    }
)

_STATUS_BY_CODE: Final[Mapping[Code, Status]] = MappingProxyType(
    {
        Code.UNSUPPORTED_EVENT_TYPE: Status.REFUSED,
        Code.MESSAGE_REJECTED: Status.REFUSED,
        Code.BAD_REQUEST: Status.REFUSED,
        Code.INVALID_SETTINGS: Status.REFUSED,
        Code.RETRY: Status.RETRY,
        Code.GATEWAY_TIMEOUT: Status.RETRY,
        Code.INTERNAL: Status.RETRY,
        Code.FILTERED: Status.DROPPED,
    }
)


def problem_of(
    ending: Thrown | Killed,
    *,
    kind: Kind | None = None,
    retry_network_errors: bool = False,
    at: float = 0.0,
) -> Problem:
    """Name what went wrong, with its Delivery Overview code (Segment: errors and error handling).

    Goes by the error's name, not its class: what is thrown may come from another realm or language.

    Args:
        ending: of the call.
        kind: of the function; ``DropEvent`` has its meaning in inserts only.
        retry_network_errors: count an uncaught ``FetchError`` as a ``RetryError``.
        at: seconds since the epoch, when the call began: a date to wait for is counted from then.
    """
    if isinstance(ending, Killed):
        name, code = _NAME_AND_CODE_BY_REASON[ending.reason]
        return Problem(name=name, message=ending.message, code=code)
    if ending.name == "DropEvent" and kind in INSERTS:
        code = Code.FILTERED
    elif ending.name == "FetchError" and retry_network_errors:
        code = Code.RETRY
    else:
        code = _CODE_BY_NAME.get(ending.name, Code.BAD_REQUEST)
    after = (
        wait_asked(ending.retry_after, at) if code is Code.RETRY and ending.retry_after is not None else None
    )
    return Problem(name=ending.name, message=ending.message, stack=ending.stack, code=code, retry_after=after)


def status_of(code: Code) -> Status:
    """Say what a problem comes to before any count of attempts."""
    return _STATUS_BY_CODE[code]


def judge_throw(
    kind: Kind, ending: Thrown | Killed, *, retry_network_errors: bool, at: float = 0.0
) -> tuple[Status, Problem]:
    """Judge a call that did not return.

    With ``retry_network_errors`` every uncaught ``FetchError`` is retried, one that will hardly
    mend too (a redirect loop, a body that is not JSON): its name is all that reaches us.
    """
    problem = problem_of(ending, kind=kind, retry_network_errors=retry_network_errors, at=at)
    return _STATUS_BY_CODE[problem.code], problem
