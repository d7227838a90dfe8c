"""Trying a function out: code that need not be saved runs on the engine, once, and everything it did is shown."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
import trio

from isthmus import Engine, Function, Instance, LoadError, Outcome, Request
from isthmus.outcomes import Exchange, Problem as Fault
from isthmus.rules import fields_of
from isthmus_server.store import (
    Dangling,
    FieldProblem,
    NotFound,
    ResourceType,
    Role,
    StoredFunction,
    class_id,
)

from .calls import Call, Route
from .preview_types import (
    PreviewFault,
    PreviewInput,
    PreviewInvoke,
    PreviewLine,
    PreviewLog,
    PreviewOutput,
    PreviewSpan,
    PreviewTrace,
)
from .problems import unfit
from .times import iso

__all__ = ["ROUTES"]

WEBHOOK: Final = "https://fn.segmentapis.com/"
"""The URL that functions see in a webhook, whatever it arrived at."""
EVENTS: Final = 100
"""Events that a function is tried out on at one time."""


async def _preview(call: Call) -> PreviewOutput:
    given: PreviewInput = call.body
    payload = _parsed(given.payload)
    started = time.time()
    function = await _function(call, given)
    argument = _request(payload) if given.type is ResourceType.SOURCE else _events(payload)
    async with call.services.previews:
        try:
            instance = await call.services.engine.load(
                function, settings=given.settings, egress=call.services.egress
            )
        except LoadError as exc:
            fault = PreviewFault(name="SyntaxError", message=str(exc), stack="", code="bad_deploy")
            return _shown(started, 0.0, fault=fault)
        try:
            outcomes = await _invoked(call.services.engine, instance, argument)
        finally:
            with trio.CancelScope(shield=True):
                await instance.aclose()
    wall = sum(outcome.usage.wall for outcome in outcomes)
    failed = next((each.problem for each in outcomes if not each.ok and each.problem), None)
    return _shown(
        started,
        wall,
        fault=None if failed is None else _fault(failed),
        output=_output(given.type, payload, outcomes),
        outcomes=outcomes,
    )


async def _function(call: Call, given: PreviewInput) -> Function:
    """The function to run: what was given, over what is kept under its id."""
    wanted, kept = given.function, None
    if wanted.id is not None:
        call.check_function(class_id(wanted.id))
        kept = await _kept(call, wanted.id)
    elif call.functions is not None:
        call.check_function("")
    if wanted.code is None and kept is None:
        raise unfit([FieldProblem("function.code", '"function.code" is required')])
    settings = (
        tuple(each.definition() for each in wanted.settings)
        if wanted.settings is not None
        else kept.settings
        if kept is not None
        else ()
    )
    return Function(
        name=wanted.display_name or (kept.display_name if kept else "preview"),
        kind=given.type.kind,
        language=wanted.language or (kept.language if kept else "javascript"),
        code=wanted.code if wanted.code is not None else kept.code if kept else "",
        settings=settings,
    )


async def _kept(call: Call, id: str) -> StoredFunction:  # noqa: A002 -- what it is called everywhere
    try:
        return await call.services.store.read(lambda tx: tx.functions.get(id))
    except NotFound:
        raise Dangling("Function", id) from None


# ------------------------------------------------------------ what goes in


def _parsed(payload: object) -> Any:
    if not isinstance(payload, str):
        return payload
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        raise unfit([FieldProblem("payload", '"payload" must be JSON')]) from None


def _events(payload: object) -> list[dict[str, Any]]:
    given = payload if isinstance(payload, list) else [payload]
    events = [event for event in given if isinstance(event, dict)]
    if not 0 < len(given) <= EVENTS or len(events) < len(given):
        raise unfit([FieldProblem("payload", f'"payload" must be an event or an array of 1 to {EVENTS}')])
    return events


def _request(payload: object) -> Request:
    """A webhook of ``{"payload": {"body", "headers", "queryParameters"}}``; without the outer object as well."""
    inner = payload.get("payload", payload) if isinstance(payload, dict) else None
    if not isinstance(inner, dict):
        raise unfit([FieldProblem("payload", '"payload" must be an object with a body')])
    headers = _pairs(inner.get("headers"), "headers")
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    body = inner.get("body")
    text = body.encode() if isinstance(body, str) else b"" if body is None else msgspec.json.encode(body)
    query = urlencode(_pairs(inner.get("queryParameters"), "queryParameters"))
    return Request(url=f"{WEBHOOK}?{query}" if query else WEBHOOK, headers=tuple(headers), body=text)


def _pairs(given: object, what: str) -> list[tuple[str, str]]:
    """Names with values; a value may be a list of them."""
    if given is None:
        return []
    problem = FieldProblem(f"payload.{what}", f'"payload.{what}" must be an object of texts')
    if not isinstance(given, Mapping):
        raise unfit([problem])
    pairs = []
    for name, values in given.items():
        for value in values if isinstance(values, list) else [values]:
            if not isinstance(value, str | int | float):
                raise unfit([problem])
            pairs.append((str(name), str(value)))
    return pairs


async def _invoked(
    engine: Engine, instance: Instance, argument: Request | list[dict[str, Any]]
) -> list[Outcome]:
    """Call it: with a batch where it takes one, else once for each event."""
    if isinstance(argument, Request):
        return [await engine.invoke(instance, argument)]
    if len(argument) > 1 and "onBatch" in instance.handlers:
        return [await engine.invoke_batch(instance, argument)]
    return [await engine.invoke(instance, event) for event in argument]


# ------------------------------------------------------------ what comes out


def _output(kind: ResourceType, payload: object, outcomes: Sequence[Outcome]) -> str:
    if kind is ResourceType.SOURCE:
        messages = [fields_of(bytes(message)) for outcome in outcomes for message in outcome.messages]
        objects = [message for message in messages if "collection" in message]
        events = [message for message in messages if "collection" not in message]
        return msgspec.json.encode({"events": events, "objects": objects}).decode()
    values = [bytes(outcome.value or b"null").decode() for outcome in outcomes]
    if len(outcomes) == 1 and outcomes[0].items:
        items = outcomes[0].items
        if any(item.event for item in items):
            return f"[{','.join(bytes(item.event or b'null').decode() for item in items)}]"
        return values[0]
    return f"[{','.join(values)}]" if isinstance(payload, list) else values[0]


def _fault(problem: Fault) -> PreviewFault:
    return PreviewFault(
        name=problem.name, message=problem.message, stack=problem.stack, code=problem.code.value
    )


def _shown(
    started: float,
    wall: float,
    *,
    fault: PreviewFault | None,
    output: str = "",
    outcomes: Sequence[Outcome] = (),
) -> PreviewOutput:
    began = int(started * 1000)
    session = f"preview-{base64.b32encode(began.to_bytes(6, 'big')).decode().rstrip('=').lower()}"
    lines = [
        (iso(began + int(line.at * 1000)), line.level.upper(), line.text)
        for outcome in outcomes
        for line in outcome.logs
    ]
    span = PreviewSpan(
        name="invoke",
        time=iso(began),
        duration=f"{wall:.3f}s",
        logs=tuple(PreviewLog(time=at, key=level, value=text) for at, level, text in lines),
    )
    trace = PreviewTrace(
        source=session,
        version=session,
        specversion="1.0",
        type="com.segment.event.ack",
        time=iso(began),
        trace=span,
    )
    exchanges: list[Exchange] = [exchange for outcome in outcomes for exchange in outcome.exchanges]
    invoke = PreviewInvoke(
        success=fault is None,
        output=output or (fault.message if fault else ""),
        error=fault,
        trace=trace,
        requests=tuple(msgspec.to_builtins(exchanges)),
    )
    return PreviewOutput(
        invoke=invoke,
        logs=tuple(PreviewLine(message=text, created_at=at) for at, _, text in lines),
        session_id=session,
    )


ROUTES: Final = (
    Route(
        method="POST",
        path="/functions/preview",
        operation="previewFunction",
        summary="Run a function once, on an event, a batch or a webhook.",
        roles=frozenset({Role.OWNER, Role.FUNCTIONS_ADMIN}),
        scoped=True,
        body=PreviewInput,
        answer=PreviewOutput,
        cost=5,
        handler=_preview,
    ),
)
