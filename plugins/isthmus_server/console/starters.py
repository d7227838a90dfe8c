"""What a new function begins with, and what a function is tried out on: templates and samples of plugins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, final

import msgspec

from isthmus.commands import UsageFault, find_function
from isthmus.functions import Kind, SettingDefinition
from isthmus.templates import PLAIN, SAMPLES, offered_templates
from isthmus_server.store import ResourceType

__all__ = ["SamplePayload", "Starter", "payload_of", "samples", "starters"]

MOST: Final = 12
"""Events of a sample that are offered one by one."""


@final
class Starter(msgspec.Struct, frozen=True, kw_only=True):
    """A function to begin with.

    Attributes:
        key: tells it from others.
        description: what it does, "" where it says nothing of that.
    """

    key: str
    resource_type: ResourceType
    language: str
    name: str
    description: str
    code: str
    settings: tuple[SettingDefinition, ...]


@final
class SamplePayload(msgspec.Struct, frozen=True, kw_only=True):
    """Something to try a function out on.

    Attributes:
        label: what it is.
        text: JSON.
    """

    label: str
    text: str


@cache
def starters() -> Mapping[str, Starter]:
    """Those of the installed plugins whose code is text, by their keys; templates that are built first are left out."""
    found = sorted(_starters(), key=lambda each: each.name != PLAIN)
    return {starter.key: starter for starter in found}


def _starters() -> Iterator[Starter]:
    types = {each.kind: each for each in ResourceType}
    for template in offered_templates():
        if template.build:
            continue
        where = next(part for part in reversed(template.parts) if (part / "function.toml").is_file())
        try:
            project = find_function(str(where))
            code = project.code.read_text(encoding="utf-8")
        except (UsageFault, OSError, UnicodeDecodeError):
            continue
        yield Starter(
            key=f"{template.kind.value}.{template.language}.{template.name}",
            resource_type=types[template.kind],
            language=template.language,
            name=template.name,
            description=project.manifest.description.replace("{{name}}", "it"),
            code=code,
            settings=project.settings or (),
        )


@cache
def samples(resource_type: ResourceType) -> tuple[SamplePayload, ...]:
    """What functions of a kind can be tried out on: events one by one and as a batch, or webhooks."""
    kind = resource_type.kind
    file = SAMPLES / kind.value / ("webhooks.ndjson" if kind is Kind.SOURCE else "events.ndjson")
    given: list[dict[str, Any]] = [
        msgspec.json.decode(line) for line in file.read_bytes().splitlines() if line.strip()
    ]
    found = [payload_of(_label(each), each) for each in given[:MOST]]
    if kind is not Kind.SOURCE:
        found.append(payload_of(f"a batch of {len(given)}", given))
    return tuple(found)


def _label(given: Mapping[str, Any]) -> str:
    if "type" not in given:
        body = given.get("body")
        name = body.get("event", "") if isinstance(body, dict) else ""
        return f"webhook: {name}" if name else "webhook"
    named = given.get("event") or given.get("name")
    return f"{given['type']}: {named}" if named else str(given["type"])


def payload_of(label: str, value: object) -> SamplePayload:
    """Something of plain values to try a function out on."""
    return SamplePayload(label=label, text=msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
