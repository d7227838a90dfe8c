"""One invocation, from what was handed in to its outcome."""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping, Sequence
from typing import Any, final

import msgspec
import trio

from ._host import Door, InvocationHost, describe
from ._instances import Binding, Loaded
from ._rules.dispatch import Choice, PassThrough, Unsupported
from ._rules.endings import INSERTS, judge_throw
from ._rules.forwarding import MessagesRefused, outgoing
from ._rules.jsontext import Unreadable, decode, kind_of, well_formed
from ._rules.results import judge_batch, judge_single, same_for_all
from .abc import Call, Killed, Reply, Returned, Thrown
from .errors import InvalidInput, LoadError, RuntimeFault
from .events import Event, Request
from .functions import Kind
from .outcomes import Code, ItemResult, Outcome, Problem, Status, Usage

__all__ = ["batch_text", "conclude", "event_text", "failed", "perform", "prepare", "unrun"]

logger = logging.getLogger("isthmus")

PATH_SHOWN = 200
"""Characters that a message repeats of where something is: keys are the sender's, and may be of any length."""


# ---------------------------------------------------------------- what comes in


@final
class _Head(msgspec.Struct):
    """All the engine reads of an event; its type may be anything."""

    type: object = None


_HEAD = msgspec.json.Decoder(_Head)


def prepare(binding: Binding, given: Event | Request) -> tuple[Choice, bytes]:
    """What an event or a request comes to, and its JSON text.

    Raises:
        InvalidInput: it is not what the function takes, not JSON, or too large.
    """
    if binding.kind is Kind.SOURCE:
        if not isinstance(given, Request):
            raise InvalidInput(f"a source function takes an isthmus.Request, not {_named(given)}")
        text = _request_text(given)
        _check_size(len(text), binding, "a request")
        return binding.choices[None], text
    text, event_type = _event(binding, given)
    return binding.choice(event_type), text


def event_text(binding: Binding, given: Event | Request) -> bytes:
    """The JSON text of one event of a batch.

    Raises:
        InvalidInput: as :func:`prepare`; also where the function takes no events.
    """
    if binding.kind is Kind.SOURCE:
        raise InvalidInput("a source function takes requests, one at a time, and no batch of events")
    return _event(binding, given)[0]


def batch_text(binding: Binding, events: Sequence[bytes]) -> bytes:
    """The JSON text of a batch.

    Raises:
        InvalidInput: it is empty, or too large.
    """
    if not events:
        raise InvalidInput("a batch has one event or more, and this has none")
    text = b"[" + b",".join(events) + b"]"
    _check_size(len(text), binding, f"a batch of {len(events)} events")
    return text


def _event(binding: Binding, given: Event | Request) -> tuple[bytes, object]:
    if isinstance(given, bytes):
        text = given
    elif isinstance(given, str):
        text = _utf8(given)
    elif isinstance(given, Mapping):
        text = _encoded(given)
    else:
        raise InvalidInput(f"an event is JSON text (bytes or str) or a mapping, not {_named(given)}")
    _check_size(len(text), binding, "an event")
    try:
        head = _HEAD.decode(text)
        if not text.isascii():
            text.decode()  # msgspec does not look into what it skips
    except (ValueError, RecursionError) as exc:  # msgspec's errors are ValueErrors, and so is Unicode's
        text, head = _event_again(text, exc)
    return text, head.type


def _event_again(text: bytes, error: Exception) -> tuple[bytes, _Head]:
    """A second look at what could not be read, for a text that can be mended or a better message."""
    try:
        text.decode()
    except UnicodeDecodeError as exc:
        raise InvalidInput(
            f"an event is UTF-8 text, and this is not: {exc.reason} at byte {exc.start}"
        ) from None
    if isinstance(error, msgspec.ValidationError):
        came = str(error).rpartition("got ")[2].strip("`")
        raise InvalidInput(f"an event is a JSON object, and this is JSON of type {came}") from None
    if isinstance(error, RecursionError):
        raise InvalidInput("an event is a JSON object, and this is nested too deeply to be read") from None
    mended = well_formed(text)
    if mended != text:
        try:
            return mended, _HEAD.decode(mended)
        except (ValueError, RecursionError) as exc:
            error = exc
    place = "" if "(byte " in str(error) else f" (byte {len(text)})"
    reason = str(error).removeprefix("JSON is malformed: ")
    raise InvalidInput(f"an event is a JSON object, and this is not JSON: {reason}{place}") from None


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as exc:
        raise InvalidInput(f"an event's text has half a surrogate pair at character {exc.start}") from None


def _encoded(event: Mapping[str, Any]) -> bytes:
    try:
        text = msgspec.json.encode(event if isinstance(event, dict) else dict(event))
    except RecursionError:
        raise InvalidInput("an event that holds itself, or is nested too deeply, has no JSON form") from None
    except UnicodeEncodeError:
        raise InvalidInput("an event's text has half a surrogate pair, which JSON cannot hold") from None
    except Exception as exc:  # noqa: BLE001 -- a mapping of the embedder's may raise anything
        raise InvalidInput(f"an event is what JSON can hold: {exc}") from None
    if b"null" in text and (path := _not_finite(event, "event")):
        raise InvalidInput(f"an event is what JSON can hold, and {path[:PATH_SHOWN]} is no finite number")
    return text


def _not_finite(value: object, path: str) -> str:
    """Where a NaN or an infinity is, which msgspec writes as null; "" for none."""
    if isinstance(value, float):
        return "" if value - value == 0 else path
    if isinstance(value, Mapping):
        parts = ((item, f"{path}.{key}") for key, item in value.items())
    elif isinstance(value, list | tuple):
        parts = ((item, f"{path}[{index}]") for index, item in enumerate(value))
    else:
        return ""
    return next(filter(None, (_not_finite(item, where) for item, where in parts)), "")


def _request_text(request: Request) -> bytes:
    """A webhook as a runtime takes it: its body as ``text``, or as ``base64`` where it is not UTF-8."""
    if not isinstance(request.body, bytes):
        raise InvalidInput(f"a request's body is bytes, not {_named(request.body)}")
    fields: dict[str, object] = {
        "method": request.method,
        "url": request.url,
        "headers": request.headers,
    }
    try:
        fields["text"] = request.body.decode()
    except UnicodeDecodeError:
        fields["base64"] = base64.b64encode(request.body).decode()
    try:
        return msgspec.json.encode(fields)
    except (TypeError, ValueError) as exc:
        raise InvalidInput(f"a request's method, URL and headers are text: {exc}") from None


def _check_size(size: int, binding: Binding, what: str) -> None:
    most = binding.limits.input_bytes
    if size > most:
        raise InvalidInput(
            f"{what} has at most {most} bytes of JSON (Limits.input_bytes), and this has {size}"
        )


def _named(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")


# ---------------------------------------------------------------- the call


async def perform(
    binding: Binding, call: Call, *, events: Sequence[bytes] | None = None, body: bytes = b""
) -> Outcome:
    """Run one call and say how it ended; whatever its runtime does wrong is in the outcome.

    Args:
        binding: the instance.
        call: of one of its handlers.
        events: where it is a batch, the texts of its events.
        body: of the webhook, where it is one.
    """
    shared = binding.shared
    host = InvocationHost(binding.door)
    begun = trio.current_time()
    loaded = shared.current
    if loaded is None:
        try:
            loaded = await shared.load()
        except Exception as exc:  # noqa: BLE001 -- it is in the outcome
            return failed(binding, call.handler, host, exc, begun, events)
    loaded.calls += 1
    try:
        reply = await loaded.program.run(call, host)
        return conclude(binding, call.handler, host, reply, begun, events, body)
    except Exception as exc:  # noqa: BLE001 -- the runtime's fault, and in the outcome
        shared.discard(loaded)
        return failed(binding, call.handler, host, exc, begun, events)
    except BaseExceptionGroup as group:
        note_faults(binding, loaded, group)
        raise
    finally:
        host.close()
        await shared.leave(loaded)


def note_faults(binding: Binding, loaded: Loaded, group: BaseExceptionGroup[BaseException]) -> None:
    """Re-raise the cancellation alone where a runtime failed while it was being cancelled."""
    cancelled, rest = group.split(trio.Cancelled)
    if cancelled is not None and isinstance(rest, ExceptionGroup):
        binding.shared.discard(loaded)
        logger.error("function %r: %s", binding.function.name, describe(rest, binding.door))
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
) -> Outcome:
    """Make an outcome of a reply.

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
        returned = _json_text(ending.value, binding.kind, batch=events is not None)
        if events is None:
            judged = judge_single(binding.kind, returned, ending.note)
        else:
            judged = judge_batch(binding.kind, returned, ending.note, events)
        status, problem, value, items = judged.status, judged.problem, judged.value, judged.items
        if reply.messages and status is Status.DELIVERED:
            _check_utf8(reply.messages)
            try:
                messages = outgoing(reply.messages, request_body=body, source_id=binding.source_id)
            except MessagesRefused as exc:
                status, problem, value = Status.REFUSED, exc.problem, None
    elif isinstance(ending, Thrown | Killed):
        status, problem = judge_throw(binding.kind, ending, retry_network_errors=binding.retry_network_errors)
        if events is not None:
            items = same_for_all(status, problem, len(events))
    else:
        raise RuntimeFault(f"a reply's ending is Returned, Thrown or Killed, not {_named(ending)}")
    door = binding.door
    if door.redactor is not None:
        problem = _shown_problem(problem, door)
        items = _shown_items(items, door)
        if value is not None and binding.kind is Kind.DESTINATION:
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
            wall=max(0.0, trio.current_time() - started),
            cpu=reply.cpu,
            memory=reply.memory,
            fetches=host.fetches,
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
        decode(_RAW, value)
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
    """The outcome of a call that its runtime failed: to be tried again, and logged."""
    door = binding.door
    logger.error("function %r, %s: %s", binding.function.name, handler, describe(exc, door))
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
            wall=max(0.0, trio.current_time() - begun), fetches=host.fetches, log_bytes=host.log_bytes
        ),
    )


# ---------------------------------------------------------------- what may be seen


def _shown_problem(problem: Problem | None, door: Door) -> Problem | None:
    if problem is None:
        return None
    return Problem(
        name=door.show(problem.name),
        message=door.show(problem.message),
        stack=door.show(problem.stack),
        code=problem.code,
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
    try:
        return msgspec.Raw(msgspec.json.encode(_shown_json(msgspec.json.decode(value), door)))
    except (ValueError, RecursionError):
        return msgspec.Raw(msgspec.json.encode(door.show(bytes(value).decode("utf-8", "replace"))))


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
