"""The functions that a world offers, each under its interface and its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

__all__ = ["OFFERS", "gives"]

Act = TypeVar("Act", bound=Callable[..., Any])

OFFERS: Final[dict[tuple[str, str], Callable[..., Any]]] = {}
"""What is done for a component: called with its world and the arguments, gives the result."""


def gives(interface: str, *names: str) -> Callable[[Act], Act]:
    """The decorated function is what these functions of an interface do."""

    def keep(act: Act) -> Act:
        for name in names:
            OFFERS[interface, name] = act
        return act

    return keep
