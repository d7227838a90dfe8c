"""What runs in a soak: functions in three languages, well behaved and hostile, and what each call of them may end in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final, Literal, final

import msgspec
import wasmtime

from benchmarks._subject import EVENT
from benchmarks.wasm.guest import GUEST
from isthmus import Function, Kind, Limits, Outcome
from isthmus.outcomes import Status

from .endpoint import FAULTS

__all__ = ["MEMBERS", "Member"]

Verdict = Callable[[Outcome, str], str]
"""What is wrong with an outcome, of a call whose event has this id; "" where nothing is."""


@final
class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One function of the mix.

    Attributes:
        name: its own.
        language: its runtime's.
        code: text, or a module.
        limits: of each call.
        weight: calls of it in one wave.
        verdict: judges its outcomes.
        path: of the endpoint, for those that fetch.
        killed: its processes may be killed from outside, which its outcome then says.
    """

    name: str
    language: Literal["javascript", "python", "wasm"]
    code: str | bytes
    limits: Limits
    weight: int
    verdict: Verdict
    path: str = ""
    killed: bool = False

    @property
    def function(self) -> Function:
        """The function that is loaded."""
        suffix = {"javascript": "js", "python": "py", "wasm": "wasm"}[self.language]
        return Function(
            name=self.name,
            kind=Kind.DESTINATION,
            language=self.language,
            code=self.code,
            file=f"subject.{suffix}",
        )

    def event(self, identity: str, port: int) -> bytes:
        """The event of one call."""
        event = {**json.loads(EVENT), "messageId": identity, "url": f"http://127.0.0.1:{port}/{self.path}"}
        text = msgspec.json.encode(event)
        return text + b" " * (-len(text) % 8)  # the module copies eight bytes at a time


PATIENT: Final = 120.0
"""Seconds of wall time for calls that no clock is to end: the machine may be busy."""
ROOMY: Final = Limits(wall=PATIENT, cpu=PATIENT)
SHORT: Final = Limits(wall=PATIENT, cpu=0.1)
SMALL: Final = Limits(wall=PATIENT, cpu=PATIENT, memory=32 << 20)

STEADY_JS: Final = """
globalThis.calls = 0;
async function onTrack(event) {
  return { id: event.messageId, calls: ++calls, tags: event.properties.items.map((item) => item.sku.toLowerCase()) };
}
"""
STEADY_PYTHON: Final = """
calls = 0

def on_track(event, settings):
    global calls
    calls += 1
    return {"id": event["messageId"], "calls": calls, "tags": [item["sku"].lower() for item in event["properties"]["items"]]}
"""
FETCHING: Final = """
async function onTrack(event) {
  let response;
  try {
    response = await fetch(event.url, { method: "POST", body: JSON.stringify(event) });
    await response.text();
  } catch (error) {
    throw new RetryError(`no response: ${error.message}`);
  }
  if (response.status >= 500) throw new RetryError(`status ${response.status}`);
  return { id: event.messageId, calls: 1 };
}
"""


def _javascript(body: str) -> str:
    return f"async function onTrack() {{ {body} }}"


def _its_own(outcome: Outcome, identity: str) -> str:
    """Delivered, with the id of its own event, in a world that no call has been in before."""
    if outcome.status is not Status.DELIVERED:
        return _told(outcome)
    value = msgspec.json.decode(outcome.value or b"null")
    return "" if (value["id"], value["calls"]) == (identity, 1) else f"another call's: {value}"


def _echo(outcome: Outcome, identity: str) -> str:
    """Delivered, with its own event."""
    if outcome.status is not Status.DELIVERED:
        return _told(outcome)
    return "" if identity.encode() in bytes(outcome.value or b"") else "another call's"


def _ends_in(*names: str) -> Verdict:
    def verdict(outcome: Outcome, _identity: str) -> str:
        ended = outcome.problem.name if outcome.problem is not None else outcome.status.value
        return "" if ended in names else _told(outcome)

    return verdict


def _told(outcome: Outcome) -> str:
    problem = outcome.problem
    return f"{outcome.status.value} {problem.name}: {problem.message}" if problem else outcome.status.value


def _hostile(
    name: str, language: Literal["javascript", "python"], code: str, limits: Limits, *ends: str
) -> Member:
    return Member(
        name=name,
        language=language,
        code=code,
        limits=limits,
        weight=1,
        verdict=_ends_in(*ends),
        killed=language == "python",
    )


SPIN: Final = """(module (memory (export "memory") 1)
  (func (export "on_track") (result i32) (loop $on (br $on)) (i32.const 0)))"""

MEMBERS: Final = (
    Member(
        name="JavaScript",
        language="javascript",
        code=STEADY_JS,
        limits=ROOMY,
        weight=120,
        verdict=_its_own,
    ),
    Member(
        name="Python",
        language="python",
        code=STEADY_PYTHON,
        limits=ROOMY,
        weight=16,
        verdict=_its_own,
        killed=True,
    ),
    Member(
        name="WebAssembly",
        language="wasm",
        code=bytes(wasmtime.wat2wasm(GUEST)),
        limits=ROOMY,
        weight=40,
        verdict=_echo,
    ),
    Member(
        name="fetch",
        language="javascript",
        code=FETCHING,
        limits=ROOMY,
        weight=16,
        verdict=_its_own,
        path="ok",
    ),
    *(
        Member(
            name=f"fetch, {fault}",
            language="javascript",
            code=FETCHING,
            limits=Limits(wall=0.3) if fault == "stall" else ROOMY,
            weight=2,
            verdict=_ends_in("Timeout" if fault == "stall" else "RetryError"),
            path=fault,
        )
        for fault in FAULTS
    ),
    _hostile("loop", "javascript", _javascript("for (;;);"), SHORT, "CpuLimit"),
    _hostile(
        "regex",
        "javascript",
        _javascript('return /^(a+)+$/.test("a".repeat(40) + "b");'),
        SHORT,
        "CpuLimit",
    ),
    _hostile(
        "hoard",
        "javascript",
        _javascript("const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1));"),
        SMALL,
        "MemoryLimit",
    ),
    _hostile(
        "waits for ever",
        "javascript",
        _javascript("await new Promise((done) => setTimeout(done, 3600_000));"),
        Limits(wall=0.3),
        "Timeout",
    ),
    _hostile(
        "loop in Python",
        "python",
        "def on_track(event, settings):\n    while True: pass",
        SHORT,
        "CpuLimit",
    ),
    _hostile(
        "hoard in Python",
        "python",
        "def on_track(event, settings):\n    held = []\n    while True: held.append(b'1' * (1 << 20))",
        msgspec.structs.replace(SMALL, memory=64 << 20),
        "MemoryLimit",
    ),
    Member(
        name="loop in WebAssembly",
        language="wasm",
        code=bytes(wasmtime.wat2wasm(SPIN)),
        limits=SHORT,
        weight=1,
        verdict=_ends_in("CpuLimit"),
    ),
)
