"""Whatever a Python function does, its call ends as outcomes may, within its limits, and no call sees what another did."""

from __future__ import annotations

import json
from functools import cache

import isthmus_cpython
from fuzz.choices import Choices
from fuzz.hostile_python import python_program
from fuzz.siege import Siege
from isthmus import Instance, Outcome

FINGERPRINT = r"""
def on_identify(event, settings):
    import builtins, json, os, sys
    import isthmus_guest
    told = {"event": event, "descriptors": len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0}
    for name, thing in {"builtins": builtins, "json": json, "guest": isthmus_guest, "dict": dict}.items():
        told[name] = sorted(f"{key} {type(value).__name__}" for key, value in vars(thing).items() if key != "_")
    told["limit"] = sys.getrecursionlimit()
    return [hash_of(value) for value in told.items()] + [told["event"]]


def hash_of(value):
    import zlib
    return zlib.crc32(repr(value).encode("utf-8", "replace"))
"""
RUNNER = """
def on_track(event, settings):
    names = {}
    exec(compile(event["properties"]["code"], "hostile.py", "exec"), names)
    return names["on_track"](event, settings)
"""


@cache
def siege() -> Siege:
    return Siege.for_good(isthmus_cpython, "python", FINGERPRINT, may_crash=True)


@cache
def runner() -> Instance:
    """One function that runs the code it is given: a process for each call is cheap, and one for each function is not."""
    made = siege().load(f"{RUNNER}\n{FINGERPRINT}")
    assert made is not None
    return made


def check(data: bytes) -> None:
    """A program by the grammar, one choice a byte; or, after a line ``# as it is``, the code itself."""
    if data.startswith(b"# as it is\n"):
        crowded, loaded, code = b"# crowded\n" in data, b"# loaded\n" in data, data.decode("utf-8", "replace")
    else:
        choices = Choices(data)
        crowded, loaded, code = choices.happens(3), choices.happens(8), python_program(choices)
    if loaded:
        _hold_loaded(code, crowded=crowded)
    else:
        event = {"type": "track", "userId": "u", "properties": {"code": code}}
        _hold_crash(siege().hold(runner(), json.dumps(event).encode(), crowded=crowded), code)


def _hold_loaded(code: str, *, crowded: bool) -> None:
    instance = siege().load(f"{code}\n{FINGERPRINT}")
    if instance is None:
        return
    try:
        _hold_crash(siege().hold(instance, crowded=crowded), code)
    finally:
        siege().release(instance)


def _hold_crash(outcome: Outcome, code: str) -> None:
    """A process that says what it may not say has a program that writes where it should not."""
    if outcome.problem is not None and "may not write" in outcome.problem.message:
        assert "write" in code, outcome.problem
