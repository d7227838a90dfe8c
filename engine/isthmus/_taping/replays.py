"""One replay: the call as its tape has it, and its outcome held against the tape's."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, final

import msgspec
import trio

from isthmus._calling import Calling
from isthmus._host import InvocationHost
from isthmus._instances import Terms
from isthmus._loading import Loading
from isthmus.abc import Call, Egress, Host
from isthmus.errors import IsthmusError, TapeError
from isthmus.functions import Function
from isthmus.outcomes import Outcome
from isthmus.tapes import Asked, Difference, Replayed, Tape

from .concealing import Concealer
from .replaying import ReplayHost
from .taking import digest_of, engine_version

__all__ = ["Replay", "replayed"]

SIZES = frozenset({"log_bytes", "output_bytes"})


async def replayed(tape: Tape, function: Function | None, loading: Loading, calling: Calling) -> Replayed:
    """Run a call again in an instance of its own; see :meth:`isthmus.Engine.replay`."""
    replay = Replay(tape, function)
    terms = Terms(
        function=replay.function,
        settings=replay.settings,
        limits=tape.limits,
        egress=Egress(),
        retry_network_errors=tape.retry_network_errors,
        source_id=tape.source_id,
        slots=None,
    )
    instance = await loading.load(tape.head.instance, terms)
    try:
        binding = loading.binding(instance)
        call = replay.call(binding.key, binding.handlers)
        outcome = await calling.perform(binding, call, replay.events, tape.body, replay)
    finally:
        with trio.CancelScope(shield=True):
            await instance.aclose()
    return replay.compared(outcome, calling.runtime_version(replay.function))


@final
class Replay:
    """A replay of one tape.

    Args:
        tape: what is replayed.
        function: what runs, None for what is on the tape.

    Attributes:
        function: what runs.
        settings: its values, by name.
        events: of the batch, None where it is none.

    Raises:
        TapeError: the tape is truncated, or there is no code.
    """

    def __init__(self, tape: Tape, function: Function | None) -> None:
        if tape.head.truncated:
            raise TapeError("the call outgrew its tape, which cannot be replayed")
        if function is None and not tape.definition.code:
            raise TapeError("the tape holds no code, and none was given")
        self._tape = tape
        try:
            defined = tape.definition.function()
            self.settings: Mapping[str, Any] = msgspec.json.decode(tape.settings, type=dict[str, Any])
            self.events = (
                [bytes(each) for each in msgspec.json.decode(tape.argument, type=list[msgspec.Raw])]
                if tape.batch
                else None
            )
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, IsthmusError) as error:
            raise TapeError(f"the tape is damaged: {str(error)[:200]}") from None
        if len(tape.seed) != 32:
            raise TapeError(f"the tape is damaged: a seed has 32 bytes, not {len(tape.seed)}")
        numbers = [effect.number for effect in tape.effects if isinstance(effect, Asked)]
        if any(number <= before for before, number in pairwise([0, *numbers])):
            raise TapeError("the tape is damaged: what was asked is not numbered in order")
        # What it was granted need not be offered here: the tape answers.
        self.function = msgspec.structs.replace(defined if function is None else function, capabilities=())
        self._concealer = Concealer(defined, tape.settings) if tape.sensitive else None
        self._host: ReplayHost | None = None

    def call(self, instance: str, handlers: frozenset[str]) -> Call:
        """The call as it was.

        Raises:
            TapeError: the code has no such handler any more.
        """
        tape = self._tape
        if tape.head.handler not in handlers:
            raise TapeError(f"the code has no {tape.head.handler}, which the tape is of")
        return Call(tape.head.handler, tape.argument, tape.settings, instance, tape.head.at, tape.seed)

    def over(self, host: InvocationHost) -> Host:
        """The host that the world gets."""
        self._host = ReplayHost(host, self._tape, self._concealer)
        return self._host

    def finish(self, outcome: Outcome) -> Outcome:
        """The call has ended."""
        if self._host is not None:
            self._host.finish()
        return outcome

    def compared(self, outcome: Outcome, runtime: str) -> Replayed:
        """What came of it, beside what is on the tape."""
        host = self._host
        assert host is not None  # noqa: S101 -- the call has been made
        return Replayed(
            outcome=outcome,
            divergence=host.divergence,
            differences=tuple(self._differences(outcome)),
            played=tuple(host.played),
            notes=tuple(self._notes(runtime)),
        )

    def _differences(self, outcome: Outcome) -> list[Difference]:
        found = []
        taped, came = _parts(self._tape.outcome), _parts(outcome)
        for part, expected in taped.items():
            if self._concealer is not None and part in SIZES:
                continue  # a mark is not as long as what it stands for
            if self._hidden(expected) != self._hidden(came[part]):
                found.append(
                    Difference(part=part, expected=msgspec.Raw(expected), came=msgspec.Raw(came[part]))
                )
        return found

    def _hidden(self, text: bytes) -> bytes:
        return text if self._concealer is None else self._concealer.data(text)

    def _notes(self, runtime: str) -> list[str]:
        head, notes = self._tape.head, []
        if digest_of(self.function) != head.digest:
            notes.append("the code is another than the one that was recorded")
        if runtime != head.runtime:
            notes.append(f"recorded by {head.runtime}, replayed by {runtime}")
        if engine_version() != head.isthmus:
            notes.append(f"recorded by isthmus {head.isthmus}, replayed by {engine_version()}")
        if self._tape.sensitive:
            names = ", ".join(self._tape.sensitive)
            notes.append(f"placeholders stand for the values of {names}: what is computed of them is another")
        if self.function.isolation == "instance":
            notes.append("the call began in a world that earlier calls had used, and which no tape holds")
        return notes


def _parts(outcome: Outcome) -> dict[str, bytes]:
    """What is compared, each as JSON text; times are left out, and what depends on the machine."""
    usage = outcome.usage
    parts: dict[str, Any] = {
        "handler": outcome.handler,
        "status": outcome.status,
        "problem": outcome.problem,
        "value": outcome.value,
        "items": outcome.items,
        "messages": outcome.messages,
        "logs": [(line.level, line.text) for line in outcome.logs],
        "log_bytes": usage.log_bytes,
        "output_bytes": usage.output_bytes,
        "fuel": usage.fuel,
    }
    return {name: msgspec.json.encode(value) for name, value in parts.items()}
