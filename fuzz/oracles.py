"""What can be said of an answer without knowing the question: the laws that targets share."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import msgspec
import wasmtime

from isthmus.limits import Limits
from isthmus.outcomes import Outcome, Status

__all__ = ["hold_outcome", "instantiated", "json_value"]

BLUNDER = re.compile(r"the runtime failed|\w+(Error|Exception|Group): ")
"""How a fault reads that is not the guest's but our own code's."""

_engine: list[wasmtime.Engine] = []


def _not_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def json_value(data: bytes) -> Any:
    """The value of JSON text, read strictly by a reader that is not ours.

    Raises:
        AssertionError: it is not JSON in UTF-8.
    """
    try:
        return json.loads(data.decode(), parse_constant=_not_json, parse_int=str)
    except RecursionError:
        return None  # this reader's limit, nobody's fault
    except ValueError as error:
        raise AssertionError(f"not JSON: {error}: {data[:200]!r}") from error


def hold_outcome(outcome: Outcome, limits: Limits) -> Any:
    """An outcome as JSON, once it is found to be one that there may be, within the limits."""
    shown = json_value(msgspec.json.encode(outcome))
    assert shown["status"] in set(Status)
    assert outcome.usage.fetches <= limits.fetches
    assert outcome.usage.output_bytes <= limits.output_bytes
    assert sum(len(line.text.encode()) for line in outcome.logs if line.level != "notice") <= limits.log_bytes
    if outcome.problem is not None and outcome.problem.name == "RuntimeFault":
        assert not BLUNDER.match(outcome.problem.message), outcome.problem.message
    assert (outcome.problem is None) == (outcome.status is Status.DELIVERED)
    return shown


def instantiated(module: bytes) -> bytes | None:
    """The memory that a module without imports exports, once wasmtime has made an instance of it.

    None where wasmtime takes no such module, or it exports no memory.
    """
    if not _engine:
        _engine.append(wasmtime.Engine())
    engine = _engine[0]
    try:
        compiled = wasmtime.Module(engine, module)
    except wasmtime.WasmtimeError:
        return None
    if compiled.imports:
        return None
    with wasmtime.Store(engine) as store:
        store.set_limits(memory_size=16 << 20)
        try:
            exports = wasmtime.Instance(store, compiled, []).exports(store)
        except (wasmtime.WasmtimeError, wasmtime.Trap):
            return None
        memory = exports.get("memory")
        return bytes(memory.read(store, 0)) if isinstance(memory, wasmtime.Memory) else None
