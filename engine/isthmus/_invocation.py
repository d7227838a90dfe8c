"""One invocation, from a call to its outcome."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec
import trio

from ._host import Door, InvocationHost, describe
from ._instances import Binding
from ._programs import Loaded
from ._rules.dispatch import Choice, PassThrough, Unsupported
from ._rules.endings import INSERTS, judge_throw
from ._rules.forwarding import MessagesRefused, outgoing
from ._rules.jsontext import Unreadable, decode, kind_of
from ._rules.results import judge_batch, judge_single, same_for_all
from .abc import Call, Host, Killed, Reply, Returned, Thrown
from .errors import LoadError, RuntimeFault
from .functions import Kind
from .outcomes import Code, ItemResult, Outcome, Problem, Status, Usage

__all__ = ["TakeTape", "Taping", "conclude", "failed", "note_faults", "perform", "report", "unrun"]

logger = logging.getLogger("isthmus")

# ---------------------------------------------------------------- the call


class Taping(Protocol):
    """What records a call, or replays one."""

    def over(self, host: InvocationHost) -> Host:
        """The host that the world gets, in place of the engine's own."""

    def finish(self, outcome: Outcome) -> Outcome:
        """The call has ended; the outcome that is told of it."""


TakeTape = Callable[[Call, Sequence[bytes] | None, bytes], Taping]
"""Makes what records a call: of a batch's events or None, and of a webhook's body."""


async def perform(
    binding: Binding,
    call: Call,
    *,
    events: Sequence[bytes] | None = None,
    body: bytes = b"",
    taping: Taping | None = None,
) -> Outcome:
    """Run one call and say how it ended; whatever its runtime does wrong is in the outcome.

    Args:
        binding: the instance.
        call: of one of its handlers.
        events: where it is a batch, the texts of its events.
        body: of the webhook, where it is one.
        taping: where the call is recorded or replayed.
    """
    host = InvocationHost(binding.door)
    if taping is None:
        return await _run(binding, call, host, host, events, body)
    outcome = await _run(binding, call, host, taping.over(host), events, body)
    return taping.finish(outcome)


async def _run(
    binding: Binding,
    call: Call,
    host: InvocationHost,
    asked: Host,
    events: Sequence[bytes] | None,
    body: bytes,
) -> Outcome:
    shared = binding.shared
    begun = trio.current_time()
    loaded = shared.current
    if loaded is None:
        try:
            loaded = await shared.load()
        except Exception as exc:  # noqa: BLE001 -- it is in the outcome
            report(binding, exc)
            return failed(binding, call.handler, host, exc, begun, events)
    loaded.calls += 1
    try:
        reply = await loaded.program.run(call, asked)
        return conclude(
            binding, call.handler, host, reply, begun, events, body, trio.current_time(), call.now
        )
    except Exception as exc:  # noqa: BLE001 -- the runtime's fault, and in the outcome
        shared.discard(loaded)
        report(binding, exc)
        return failed(binding, call.handler, host, exc, begun, events)
    except BaseExceptionGroup as group:
        note_faults(binding, loaded, group)
        raise
    finally:
        host.close()
        await shared.leave(loaded)


def report(binding: Binding, exc: BaseException) -> None:
    """Log a fault of a function's runtime."""
    logger.error("function %r: %s", binding.function.name, describe(exc, binding.door))


def note_faults(binding: Binding, loaded: Loaded, group: BaseExceptionGroup[BaseException]) -> None:
    """Re-raise the cancellation alone where a runtime failed while it was being cancelled."""
    cancelled, rest = group.split(trio.Cancelled)
    if cancelled is not None and isinstance(rest, ExceptionGroup):
        binding.shared.discard(loaded)
        report(binding, rest)
        raise cancelled from None


# ---------------------------------------------------------------- what comes out


def unrun(binding: Binding, choice: Choice, text: bytes, count: int = 0) -> Outcome:
    """The outcome of an event, or of a batch of ``count``, that no handler runs for."""
    status, problem, value = Status.DELIVERED, None, None
    if isinstance(choice, Unsupported):
        status, problem = judge_throw(
            binding.kind, Thrown("EventNotSupported", choice.message), retry_network_errors=False
        )
    elif isinstance(choice, PassThrough):
        value = msgspec.Raw(text)
    return Outcome(
        function=binding.function.name,
        instance=binding.name,
        handler=choice.handler,
        status=status,
        problem=problem,
        value=value,
        items=same_for_all(status, problem, count),
    )


def conclude(
    binding: Binding,
    handler: str,
    host: InvocationHost,
    reply: Reply,
    begun: float,
    events: Sequence[bytes] | None,
    body: bytes,
    now: float,
    at: float,
) -> Outcome:
    """Make an outcome of a reply, which came ``now``, to a call that began ``at`` that many seconds since the epoch.

    Raises:
        RuntimeFault: the reply is not one.
    """
    ending = reply.ending
    value: msgspec.Raw | None = None
    items: tuple[ItemResult, ...] = ()
    messages: tuple[msgspec.Raw, ...] = ()
    output_bytes = 0
    if type(ending) is Returned:
        output_bytes = len(ending.value) + len(reply.messages)
        if events is None and ending.value[:1] == b"{" and binding.kind in INSERTS:
            returned = ending.value  # is looked through where it is judged
            _check_utf8(returned)
        else:
            returned = _json_text(ending.value, binding.kind, batch=events is not None)
        if events is None:
            judged = judge_single(binding.kind, returned, ending.note, fan_out=binding.function.fan_out)
        else:
            judged = judge_batch(binding.kind, returned, ending.note, events, at=at)
        status, problem, value, items = judged.status, judged.problem, judged.value, judged.items
        if ending.note and problem is None:
            host.log("notice", f"what {handler} returned has no JSON form and is not shown: {ending.note}")
        if reply.messages and status is Status.DELIVERED:
            _check_utf8(reply.messages)
            try:
                messages = outgoing(reply.messages, request_body=body, source_id=binding.source_id)
            except MessagesRefused as exc:
                status, problem, value = Status.REFUSED, exc.problem, None
    elif isinstance(ending, Thrown | Killed):
        status, problem = judge_throw(
            binding.kind, ending, retry_network_errors=binding.retry_network_errors, at=at
        )
        if events is not None:
            items = same_for_all(status, problem, len(events))
    else:
        raise RuntimeFault(f"a reply's ending is Returned, Thrown or Killed, not {type(ending).__name__}")
    door = binding.door
    if problem is not None:
        problem = _shown_problem(problem, door)
    if items:
        items = _shown_items(items, door)
    if door.redactor is not None and value is not None and binding.kind is Kind.DESTINATION:
        value = _shown_value(value, door)
    started = reply.started or begun
    return Outcome(
        function=binding.function.name,
        instance=binding.name,
        handler=handler,
        status=status,
        problem=problem,
        value=value,
        items=items,
        messages=messages,
        logs=host.logs(),
        exchanges=host.exchanges(started),
        usage=Usage(
            wall=max(0.0, now - started),
            cpu=reply.cpu,
            memory=reply.memory,
            fuel=reply.fuel,
            fetches=host.fetches,
            capabilities=host.uses,
            log_bytes=host.log_bytes,
            output_bytes=output_bytes,
        ),
    )


_RAW = msgspec.json.Decoder(msgspec.Raw)


def _json_text(value: bytes, kind: Kind, *, batch: bool) -> bytes:
    """A returned value, once it is certain that an outcome holding it is JSON.

    One that is nested too deeply to be looked through becomes a string of its text, but where
    judging it refuses it: of an insert, and an array for a batch.

    Raises:
        RuntimeFault: it is not JSON.
    """
    if not value:
        return value
    _check_utf8(value)
    try:
        return bytes(decode(_RAW, value))
    except Unreadable as exc:
        if exc.malformed:
            raise RuntimeFault("the runtime handed over a returned value that is not JSON") from None
        if kind not in INSERTS and not (batch and kind_of(value) == "an array"):
            return msgspec.json.encode(value.decode())
    return value


def _check_utf8(text: bytes) -> None:
    """Raise a RuntimeFault for what is not UTF-8; msgspec does not look into the strings it skips."""
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            raise RuntimeFault("the runtime handed over JSON that is not UTF-8") from None


def failed(
    binding: Binding,
    handler: str,
    host: InvocationHost,
    exc: Exception,
    begun: float,
    events: Sequence[bytes] | None = None,
) -> Outcome:
    """The outcome of a call that its runtime failed: to be tried again."""
    door = binding.door
    said = (
        str(exc)
        if isinstance(exc, RuntimeFault | LoadError)
        else f"the runtime failed ({type(exc).__name__})"
    )
    problem = Problem(name="RuntimeFault", message=door.show(said), code=Code.INTERNAL)
    return Outcome(
        function=binding.function.name,
        instance=binding.name,
        handler=handler,
        status=Status.RETRY,
        problem=problem,
        items=() if events is None else same_for_all(Status.RETRY, problem, len(events)),
        logs=host.logs(),
        exchanges=host.exchanges(begun),
        usage=Usage(
            wall=max(0.0, trio.current_time() - begun),
            fetches=host.fetches,
            capabilities=host.uses,
            log_bytes=host.log_bytes,
        ),
    )


# ---------------------------------------------------------------- what may be seen


def _shown_problem(problem: Problem, door: Door) -> Problem:
    return Problem(
        name=door.excerpt(problem.name),
        message=door.excerpt(problem.message),
        stack=door.excerpt(problem.stack),
        code=problem.code,
        retry_after=problem.retry_after,
    )


def _shown_items(items: tuple[ItemResult, ...], door: Door) -> tuple[ItemResult, ...]:
    return tuple(
        item
        if item.problem is None
        else ItemResult(status=item.status, problem=_shown_problem(item.problem, door), event=item.event)
        for item in items
    )


def _shown_value(value: msgspec.Raw, door: Door) -> msgspec.Raw:
    """What a destination returned, without sensitive values.

    Within the decoded value, not within its text: a number that is a secret's digits would leave no JSON.
    """
    text = bytes(value).decode("utf-8", "replace")
    shown = door.show(text)
    # Most values hold no secret.  Without an escape every string in the text reads as it is written, and
    # its quotes are no letters or digits that a short secret could adjoin.
    if shown == text and "\\" not in text:
        return value
    try:
        return msgspec.Raw(msgspec.json.encode(_shown_json(msgspec.json.decode(value), door)))
    except (ValueError, RecursionError):
        return msgspec.Raw(msgspec.json.encode(shown))


def _shown_json(value: Any, door: Door) -> Any:
    if isinstance(value, str):
        return door.show(value)
    if isinstance(value, dict):
        return {door.show(key): _shown_json(item, door) for key, item in value.items()}
    if isinstance(value, list):
        return [_shown_json(item, door) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        text = str(value)
        shown = door.show(text)
        return value if shown == text else shown
    return value
