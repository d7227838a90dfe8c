"""Numbers out of their range, said at once by the value that would hold them."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from isthmus import Function, IsthmusError, Kind, Limits, SettingDefinition, SettingsSource
from isthmus._rules.entries import check_batch, check_entries
from isthmus.deliveries import DeliveryLog
from isthmus.pipelines import Batching, Destination, Filter, Rate
from isthmus.queues import Entry, QueueOptions
from isthmus.rules import Schedule
from isthmus.sinks import FileSink
from isthmus.tapes import key_of


def schedule(**changes: object) -> Callable[[], object]:
    values = {"first": (1.0, 2.0), "cap": 60.0, "attempts": 3, **changes}
    return lambda: Schedule(**values)  # type: ignore[arg-type] # values that are refused


def function(**changes: object) -> Callable[[], object]:
    values = {"name": "f", "kind": Kind.DESTINATION, "language": "javascript", "code": "", **changes}
    return lambda: Function(**values)  # type: ignore[arg-type] # likewise


def entry(**changes: object) -> Callable[[], object]:
    values = {"queue": "q", "message_id": "m", "body": b"1", **changes}
    return lambda: check_entries([Entry(**values)], {"q"}, max_body=4, max_batch=2)  # type: ignore[arg-type] # likewise


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (schedule(first=(0.0, 1.0)), "Schedule.first takes two seconds"),
        (schedule(first=(2.0, 1.0)), "Schedule.first takes two seconds"),
        (schedule(first=(1.0, math.inf)), "Schedule.first takes two seconds"),
        (schedule(factor=0.5), "Schedule.factor takes a number from 1"),
        (schedule(cap=1.0), r"Schedule.cap takes seconds, 2\.0"),
        (schedule(window=-1.0), "Schedule.window takes seconds from 0"),
        (schedule(window=math.inf), "Schedule.window takes seconds from 0"),
        (schedule(attempts=0), "Schedule.attempts takes a number from 1"),
        (schedule(attempts=None), "would retry for ever"),
        (lambda: Batching(count=0), "Batching.count takes a number from 1 to 10000"),
        (lambda: Batching(wait=3601), "Batching.wait takes seconds from 0 to an hour"),
        (lambda: Batching(bytes=0), "Batching.bytes takes a number from 1"),
        (lambda: QueueOptions(lease=0.01), "QueueOptions.lease takes seconds from 0.1 to a day"),
        (lambda: QueueOptions(max_unacked=0), "QueueOptions.max_unacked takes a number from 1"),
        (lambda: QueueOptions(dedupe_window=604_801), "QueueOptions.dedupe_window takes seconds"),
        (lambda: SettingsSource(ask=print, refresh=0), "SettingsSource.refresh takes a positive number"),
        (lambda: SettingsSource(ask=print, refresh=math.nan), "SettingsSource.refresh takes a positive"),
        (lambda: DeliveryLog(most=0), "DeliveryLog takes most and attempts from 1"),
        (lambda: DeliveryLog(attempts=0), "DeliveryLog takes most and attempts from 1"),
        (lambda: DeliveryLog(age=0), "an age above 0"),
        (lambda: DeliveryLog(sample=1.5), "a sample from 0 to 1"),
        (lambda: Filter(where="sample(2) = true").condition, "a share from 0 to 1"),
        (lambda: Filter(where="sample(true) = true").condition, "a share from 0 to 1"),
        (lambda: Destination(name="a b", to=FileSink("f")), "printable characters without white space"),
        (lambda: Rate(per_second=0), "Rate.per_second takes a number above 0"),
        (lambda: Rate(per_second=1, burst=0), "Rate.burst takes a number from 1"),
        (lambda: Limits(wall=0), "Limits.wall takes a positive number of seconds"),
        (lambda: Limits(cpu=True), "Limits.cpu takes a positive number of seconds"),
        (lambda: Limits(memory=-1), "Limits.memory takes a whole number from 0"),
        (lambda: check_batch(3, 2), "one call takes 2 deliveries at the most, not 3"),
        (entry(message_id=""), "a message id is 1 to 512 characters"),
        (entry(key="k" * 513), "a key has at most 512 characters"),
        (entry(body=b"12345"), "a body has at most 4 bytes, not 5"),
        (entry(delay=-1.0), "a delay is seconds from 0 to a year"),
        (entry(queue="other"), "there is no queue 'other'"),
        (function(fan_out=True), "fan_out is for inserts, and it is a destination"),
        (function(isolation="none"), "isolation is 'call', 'instance' or 'wasm', not 'none'"),
        (function(code=1), "its code is"),
        (function(settings=("a",)), "and has str in it"),
        (function(settings=(SettingDefinition(name=""),)), "a setting with an empty name"),
        (function(settings=(SettingDefinition(name="\ud800"),)), "half a surrogate pair"),
        (function(settings=(SettingDefinition(name="a"),) * 2), "defines the setting 'a' twice"),
        (function(capabilities=(1,)), "its capabilities is a tuple of names"),
        (lambda: key_of("00" * 31), "a key of tapes is 32 bytes"),
        (lambda: key_of("é"), "a key of tapes is 32 bytes"),
    ],
)
def test_a_value_out_of_its_range_is_refused(make: Callable[[], object], said: str) -> None:
    with pytest.raises(IsthmusError, match=said):
        make()
