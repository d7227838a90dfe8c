"""An event is taken with the type that its JSON says, as text that any reader takes, or refused as InvalidInput."""

from __future__ import annotations

import time
from collections.abc import Callable

from fuzz.generators import json_or_text, text
from fuzz.oracles import json_value
from isthmus._host import Door
from isthmus._instances import Binding, Terms
from isthmus._intake import event_text, prepare
from isthmus._programs import SharedProgram
from isthmus._rules.dispatch import EVENT_HANDLERS, Chosen
from isthmus._tally import Tally, Watch
from isthmus.abc import Egress
from isthmus.errors import InvalidInput
from isthmus.events import Event
from isthmus.functions import Function, Kind
from isthmus.limits import Limits
from isthmus.testing import ScriptedRuntime

LIMITS = Limits(input_bytes=4096)


def _binding() -> Binding:
    function = Function(name="fuzzed", kind=Kind.DESTINATION, language="scripted", code="")
    shared = SharedProgram(ScriptedRuntime({}), function, LIMITS)
    return Binding(
        shared,
        Door(LIMITS, fetcher=None, egress=Egress(), redactor=None),
        frozenset(EVENT_HANDLERS.values()),
        key="fuzzed#1",
        name="fuzzed",
        settings=b"{}",
        terms=Terms(
            function=function,
            settings={},
            limits=LIMITS,
            egress=Egress(),
            retry_network_errors=False,
            source_id="fuzzed",
        ),
        tally=Tally(Watch((), time.time), "fuzzed", "fuzzed"),
    )


BINDING = _binding()


def check(data: bytes) -> None:
    _hold(data)
    _hold(text(data))
    value = json_or_text(data)
    if isinstance(value, dict):
        _hold(value)


def _hold(event: Event) -> None:
    refusal = _refusal(prepare, event)
    assert _refusal(event_text, event) == refusal, "alone and in a batch it is not the same"
    if refusal:
        assert len(refusal.encode()) < 1000, "a message of the sender's length"
        return
    choice, taken = prepare(BINDING, event)
    assert len(taken) <= LIMITS.input_bytes
    value = json_value(taken)
    if value is None:
        return  # too deep for the reference
    assert isinstance(value, dict)
    type_ = value.get("type")
    expected = EVENT_HANDLERS.get(type_) if isinstance(type_, str) else None
    assert (choice.handler if isinstance(choice, Chosen) else None) == expected
    assert event_text(BINDING, event) == taken


def _refusal(read: Callable[[Binding, Event], object], event: Event) -> str:
    try:
        read(BINDING, event)
    except InvalidInput as error:
        return str(error)
    return ""
