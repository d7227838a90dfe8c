"""The capabilities that an engine offers, and what each function is granted of them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any, final

from .capabilities import Capability
from .errors import EngineError
from .functions import Function

__all__ = ["Offering"]


@final
class Offering:
    """Capabilities by name; more may be offered at any time."""

    def __init__(self, offered: Mapping[str, Callable[..., Any]]) -> None:
        self._capabilities: dict[str, Capability] = {}
        for name, function in offered.items():
            self.offer(Capability(name, function))

    def offer(self, capability: Capability) -> None:
        """Offer one more.

        Raises:
            EngineError: there is one of that name.
        """
        if self._capabilities.setdefault(capability.name, capability) is not capability:
            raise EngineError(f"the capability {capability.name!r} is offered already")

    def granted(self, function: Function) -> dict[str, Capability]:
        """What a function may use.

        Raises:
            EngineError: it names one that is not offered.
        """
        found = {}
        for name in function.capabilities:
            if name not in self._capabilities:
                near = difflib.get_close_matches(name, self._capabilities, n=1)
                known = ", ".join(map(repr, self._capabilities)) or "none"
                hint = f"did you mean {near[0]!r}?" if near else f"there is {known}"
                raise EngineError(
                    f"function {function.name!r} is to have the capability {name!r}, which this engine does not offer: {hint}"
                )
            found[name] = self._capabilities[name]
        return found
