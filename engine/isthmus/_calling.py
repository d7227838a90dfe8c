"""One call of an instance, from the engine's side: its time and its chance, its tape, and that it is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, final

from ._instances import Binding
from ._invocation import TakeTape, Taping, perform, unrun
from ._rules.dispatch import Unsupported
from ._scopes import Scopes
from .abc import Call, Runtime
from .errors import EngineClosed
from .functions import Function
from .outcomes import Outcome

if TYPE_CHECKING:
    from .tapes import Recording

__all__ = ["Calling"]


@final
class Calling:
    """Makes the calls of one engine.

    Args:
        runtime_of: what runs a function.
        refresh: asks for the settings of a binding again, where that is due.
        scopes: closed with the engine, and every call with them.
        wall_clock: seconds since the epoch, as functions see the time.
        entropy: gives that many random bytes.
        record: keep tapes of calls; None for none.

    Attributes:
        wall_clock: see above.
        entropy: see above.
    """

    def __init__(
        self,
        runtime_of: Callable[[Function], Runtime],
        refresh: Callable[[Binding], None],
        scopes: Scopes,
        wall_clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        record: Recording | None,
    ) -> None:
        self._runtime_of = runtime_of
        self._refresh = refresh
        self._scopes = scopes
        self._record = record
        self.wall_clock = wall_clock
        self.entropy = entropy

    async def call(
        self,
        binding: Binding,
        handler: str,
        text: bytes,
        events: list[bytes] | None,
        body: bytes = b"",
        record: Recording | None = None,
    ) -> Outcome:
        """Run a handler.

        Args:
            binding: whose function it is.
            handler: which the function has.
            text: JSON of its argument.
            events: of a batch, one by one; None for what is no batch.
            body: of a webhook, raw.
            record: keep a tape of this call; by default as the engine was opened.
        """
        call = Call(handler, text, binding.settings, binding.key, self.wall_clock(), self.entropy(32))
        if record is None:
            record = self._record
        taping = None if record is None else self._tape(record, binding)(call, events, body)
        return await self.perform(binding, call, events, body, taping)

    async def call_latest(
        self, binding: Binding, handler: str, text: bytes, events: list[bytes] | None
    ) -> Outcome:
        """Run a handler of what an instance has come to be since, if it has been replaced.

        Raises:
            EngineClosed: it has been closed.
        """
        latest = binding.latest()
        if latest.closed:
            raise EngineClosed(f"instance {latest.name!r} has been closed")
        if handler not in latest.handlers:
            count = 0 if events is None else len(events)
            return unrun(latest, Unsupported(handler, f"{handler} not supported any more"), text, count)
        return await self.call(latest, handler, text, events)

    async def perform(
        self,
        binding: Binding,
        call: Call,
        events: list[bytes] | None,
        body: bytes,
        taping: Taping | None,
    ) -> Outcome:
        """Run a call that says itself what its time and its chance are, within the engine's life."""
        if binding.due is not None:
            self._refresh(binding)
        binding.busy += 1
        slots = binding.terms.slots
        try:
            with self._scopes.entered(f"the engine was closed while {binding.name!r} was running"):
                if slots is None:
                    return await self._counted(binding, call, events, body, taping)
                await slots.take(1)
                try:
                    return await self._counted(binding, call, events, body, taping)
                finally:
                    slots.give()
        finally:
            binding.leave()

    @staticmethod
    async def _counted(
        binding: Binding, call: Call, events: list[bytes] | None, body: bytes, taping: Taping | None
    ) -> Outcome:
        number = binding.tally.begin(call.handler)
        outcome = None
        try:
            outcome = await perform(binding, call, events=events, body=body, taping=taping)
            return outcome
        finally:
            binding.tally.end(number, call.handler, outcome)

    def runtime_version(self, function: Function) -> str:
        """What a tape calls the runtime of a function: its key, and its version where it has one."""
        runtime = self._runtime_of(function)
        return f"{runtime.key} {runtime.version}".rstrip()

    @property
    def taking(self) -> Callable[[Binding], TakeTape] | None:
        """What takes tapes of a binding's calls, None where the engine keeps none."""
        return None if self._record is None else partial(self._tape, self._record)

    def _tape(self, record: Recording, binding: Binding) -> TakeTape:
        from ._taping.taking import Taking  # most engines record nothing

        version = self.runtime_version(binding.function)

        def take(call: Call, events: Sequence[bytes] | None, body: bytes) -> Taping:
            return Taking(record, binding, version, call, batch=events is not None, body=body)

        return take
