"""Conformance of runtimes: each promise of :class:`isthmus.abc.Runtime` as a check, for whoever writes one.

What its author writes is a table of small functions in its language, :data:`SAMPLES` says which, and for what the language
lacks the reason.  ``await check_runtime(subject)`` runs all checks; ``RUNTIME_CHECKS`` has them one by one, by name::

    @pytest.mark.parametrize("name", RUNTIME_CHECKS)
    async def test_the_runtime_keeps_its_promises(name: str) -> None:
        if reason := SUBJECT.reason_to_leave_out(name):
            pytest.skip(reason)
        async with SUBJECT.opened() as bench:
            await RUNTIME_CHECKS[name](bench)
"""

from __future__ import annotations

from . import (
    _runtime_calls as _runtime_calls,
    _runtime_effects as _runtime_effects,
    _runtime_limits as _runtime_limits,
)
from ._kit_host import KitHost as KitHost
from ._runtime_bench import (
    RUNTIME_CHECKS as RUNTIME_CHECKS,
    RuntimeBench as RuntimeBench,
    RuntimeCheck as RuntimeCheck,
    RuntimeSubject as RuntimeSubject,
)
from ._runtime_samples import SAMPLES as SAMPLES

__all__ = [
    "RUNTIME_CHECKS",
    "SAMPLES",
    "KitHost",
    "RuntimeBench",
    "RuntimeCheck",
    "RuntimeSubject",
    "check_runtime",
]


async def check_runtime(subject: RuntimeSubject) -> dict[str, str]:
    """Hold a runtime to every promise.

    Args:
        subject: the runtime, with its samples and what it lacks.

    Returns:
        what was left out, by the name of the check, with the reason.

    Raises:
        AssertionError: one is not kept; a note names it.
        Exception: what the runtime raised, likewise.
    """
    left_out: dict[str, str] = {}
    async with subject.opened() as bench:
        for name, check in RUNTIME_CHECKS.items():
            if reason := subject.reason_to_leave_out(name):
                left_out[name] = reason
                continue
            try:
                await check(bench)
            except Exception as exc:
                exc.add_note(f"the promise that is not kept: {name}")
                raise
    return left_out
