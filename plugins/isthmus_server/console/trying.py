"""Trying a function out from its editor: what the form says, run once, and everything it did."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, final

import msgspec

from isthmus.errors import InvalidSettings
from isthmus.functions import SettingDefinition, SettingType
from isthmus.outcomes import Exchange
from isthmus_server.api.preview_types import PreviewFault, PreviewOutput
from isthmus_server.api.problems import Problem
from isthmus_server.store import StoredFunction, function_id

from .forms import Form
from .settingfields import value_of
from .visits import Visit

__all__ = ["Line", "Trial", "definitions_of", "try_out"]

TYPES: Final = {each.value for each in SettingType}


@final
class Line(msgspec.Struct, frozen=True):
    """A line of console output.

    Attributes:
        at: seconds since the call began.
    """

    at: float
    level: str
    text: str


@final
class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it.

    Attributes:
        success: nothing went wrong.
        output: JSON text, "" where there is none.
        fault: what went wrong, or None.
        lines: what it printed.
        exchanges: requests that it made, and what came back.
        took: seconds.
    """

    success: bool
    output: str = ""
    fault: PreviewFault | None = None
    lines: tuple[Line, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    took: float = 0.0


def definitions_of(form: Form) -> tuple[SettingDefinition, ...]:
    """The settings that the table of an editor defines; rows without a name are none."""
    return tuple(
        SettingDefinition(
            name=row.get("name", "").strip(),
            label=row.get("label", "").strip() or row.get("name", "").strip(),
            description=row.get("description", "").strip(),
            type=SettingType(row["type"]) if row.get("type") in TYPES else SettingType.STRING,
            required="required" in row,
            sensitive="sensitive" in row,
        )
        for row in form.rows("setting")
        if row.get("name", "").strip()
    )


async def try_out(visit: Visit, function: StoredFunction) -> Trial:
    """Run what the editor has, as ``POST /functions/preview`` does."""
    definitions = definitions_of(visit.form)
    given = {each.name: value_of(each, visit.form.text(f"value.{each.name}")) for each in definitions}
    body: dict[str, Any] = {
        "function": {
            "id": function_id(function.resource_type, function.id),
            "code": visit.form.text("code"),
            "settings": [msgspec.to_builtins(each) for each in definitions],
        },
        "type": function.resource_type.value,
        "payload": visit.form.text("payload"),
        "settings": {name: value for name, value in given.items() if value is not None},
    }
    try:
        shown: PreviewOutput = await visit.operate("previewFunction", body=body)
    except InvalidSettings as exc:
        said = "\n".join(exc.problems or (str(exc),))
        return Trial(success=False, fault=PreviewFault(name="Not run", message=said, stack="", code=""))
    except Problem as exc:
        if exc.status not in {400, 422}:
            raise
        said = "\n".join(each.message or each.type for each in exc.errors)
        return Trial(success=False, fault=PreviewFault(name="Not run", message=said, stack="", code=""))
    invoke = shown.invoke
    span = invoke.trace.trace
    return Trial(
        success=invoke.success,
        output="" if invoke.error and invoke.output in {"null", invoke.error.message} else invoke.output,
        fault=invoke.error,
        lines=tuple(Line(_between(span.time, log.time), log.key.lower(), log.value) for log in span.logs),
        exchanges=msgspec.convert(invoke.requests, tuple[Exchange, ...]),
        took=float(span.duration.removesuffix("s")),
    )


def _between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
