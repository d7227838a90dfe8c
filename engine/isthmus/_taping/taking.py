"""One call being recorded, from the host that its world gets to the tape that is kept of it."""

from __future__ import annotations

import hashlib
import logging
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, final

import msgspec

from isthmus._host import InvocationHost, describe
from isthmus.abc import Call, Host
from isthmus.functions import Function
from isthmus.outcomes import Outcome, Status
from isthmus.tapes import Definition, Head, Recording, Tape, encode

from .concealing import Concealer
from .recording import RecordingHost

if TYPE_CHECKING:
    from isthmus._instances import Binding

__all__ = ["Taking", "digest_of", "engine_version"]

logger = logging.getLogger("isthmus")


@final
class Taking:
    """The recording of one call.

    Args:
        recording: what is recorded, and who keeps it.
        binding: the instance.
        runtime: what runs it, by key and version.
        call: that is made.
        batch: whether it is of a batch.
        body: of the webhook, where it is one.
    """

    __slots__ = ("_batch", "_binding", "_body", "_call", "_host", "_recording", "_runtime")

    def __init__(
        self, recording: Recording, binding: Binding, runtime: str, call: Call, *, batch: bool, body: bytes
    ) -> None:
        self._recording = recording
        self._binding = binding
        self._runtime = runtime
        self._call = call
        self._batch = batch
        self._body = body
        self._host: RecordingHost | None = None

    def over(self, host: InvocationHost) -> Host:
        """The host that the world gets."""
        self._host = RecordingHost(host, self._recording.max_bytes)
        return self._host

    def finish(self, outcome: Outcome) -> Outcome:
        """Keep the tape, where it is wanted; the outcome says where it is."""
        recording = self._recording
        if recording.failures_only and outcome.status in {Status.DELIVERED, Status.DROPPED}:
            return outcome
        try:
            tape = self._tape(outcome)
            kept = recording.keep(tape, encode(tape, recording.key))
        except Exception as exc:  # noqa: BLE001 -- a call does not fail for its tape
            logger.error("a call of %r was not kept on a tape: %s", outcome.function, describe(exc, None))
            return outcome
        return msgspec.structs.replace(outcome, tape=kept) if kept else outcome

    def _tape(self, outcome: Outcome) -> Tape:
        binding, call, host, recording = self._binding, self._call, self._host, self._recording
        assert host is not None  # noqa: S101 -- the call has been made
        concealer = Concealer(binding.function, binding.settings)
        hides = bool(concealer.names) and recording.key is None
        head = Head(
            function=outcome.function,
            instance=outcome.instance,
            handler=outcome.handler,
            status=outcome.status,
            at=call.now,
            digest=digest_of(binding.function),
            runtime=self._runtime,
            isthmus=engine_version(),
            secrets="sealed" if recording.key is not None else "placeholders" if hides else "none",
            truncated=host.truncated,
        )
        tape = Tape(
            head=head,
            definition=Definition.of(binding.function, code=recording.code),
            limits=binding.limits,
            argument=call.argument,
            batch=self._batch,
            body=self._body,
            settings=call.settings,
            seed=call.seed,
            source_id=binding.source_id,
            retry_network_errors=binding.retry_network_errors,
            effects=tuple(host.effects),
            drawn=tuple(host.draws),
            ended=msgspec.json.encode(msgspec.structs.replace(outcome, exchanges=())),
        )
        return concealed(tape, concealer) if hides else tape


def concealed(tape: Tape, concealer: Concealer) -> Tape:
    """A tape with its secrets replaced; without its code where that holds one."""
    definition = tape.definition
    if concealer.data(definition.code) != definition.code:
        definition = msgspec.structs.replace(definition, code=b"")
    return msgspec.structs.replace(
        tape,
        head=msgspec.structs.replace(
            tape.head,
            function=concealer.text(tape.head.function),
            instance=concealer.text(tape.head.instance),
        ),
        definition=definition,
        argument=concealer.data(tape.argument),
        body=concealer.data(tape.body),
        settings=concealer.settings,
        effects=tuple(map(concealer.effect, tape.effects)),
        drawn=tuple(map(concealer.drawn, tape.drawn)),
        ended=msgspec.json.encode(_shown(tape.outcome, concealer)),
        sensitive=concealer.names,
    )


def _shown(outcome: Outcome, concealer: Concealer) -> Outcome:
    """An outcome without secrets where they are not taken out of it for everybody: in what goes out."""

    def raw(text: msgspec.Raw | None) -> msgspec.Raw | None:
        return None if text is None else msgspec.Raw(concealer.data(bytes(text)))

    return msgspec.structs.replace(
        outcome,
        function=concealer.text(outcome.function),
        instance=concealer.text(outcome.instance),
        value=raw(outcome.value),
        messages=tuple(msgspec.Raw(concealer.data(bytes(text))) for text in outcome.messages),
        items=tuple(msgspec.structs.replace(item, event=raw(item.event)) for item in outcome.items),
    )


def digest_of(function: Function) -> str:
    """What a function's code is told by."""
    code = function.code.encode() if isinstance(function.code, str) else function.code
    return _digest(code)


@lru_cache(maxsize=64)
def _digest(code: bytes) -> str:
    return hashlib.sha256(code).hexdigest()


@lru_cache(maxsize=1)
def engine_version() -> str:
    """Of the installed distribution."""
    try:
        return version("isthmus")
    except PackageNotFoundError:
        return "unknown"
