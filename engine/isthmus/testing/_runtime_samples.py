"""What an author of a runtime writes for the kit: a function of each of these, in the runtime's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["SAMPLES"]

SAMPLES: Final[Mapping[str, str]] = {
    "echo": "onTrack returns the event",
    "settings": "onTrack returns the settings",
    "nothing": "onTrack returns nothing",
    "retry": 'onTrack throws a RetryError that says "later"',
    "fault": 'onTrack throws an error of the language\'s own that says "boom"',
    "broken": "code that does not load",
    "state": "onTrack adds one to a variable of the module's, 0 at first, and returns it",
    "loop": "onTrack never ends, and asks its host for nothing",
    "hoard": "onTrack takes memory and more memory, and gives none back",
    "bulky": "onTrack returns a text of 100,000 letters x",
    "chatter": 'onTrack logs "line 1", "line 2" and "line 3", and returns nothing',
    "flood": 'onTrack logs "line" 20,000 times',
    "fetch": 'onTrack sends POST https://kit.test/path with the header x-kit: yes and the body "hello", and returns the '
    "status of the response; it catches nothing",
    "nap": 'onTrack waits 20 ms by its host, and returns "woke"',
    "sleep": "onTrack waits an hour by its host",
    "cached": 'onTrack loads the key "k" through the cache, with a loader that returns "loaded", and returns what it got',
    "capable": 'onTrack asks the capability "kit.double" for {"n": 21}, and returns what it got; it catches nothing',
    "sends": 'a source: onRequest sends a track with the event "Sent" and the userId "u"',
    "batch": "onBatch returns [{status: 200}, {status: 400}], and there is no other handler",
    "clock": "onTrack returns the time in milliseconds since the epoch, and a random number: [time, random]",
}
"""What a kit has a sample for, and what each does; its text is in the runtime's language."""
