"""Exceptions as people want to be told of them: without the groups that nurseries make."""

from __future__ import annotations

__all__ = ["alone"]


def alone(exc: BaseException) -> BaseException:
    """The one exception within nested groups of one; what there is where there are several."""
    while isinstance(exc, BaseExceptionGroup) and len(exc.exceptions) == 1:
        exc = exc.exceptions[0]
    return exc
