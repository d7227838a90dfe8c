"""What sources, destinations and inserts there are, by what they hang on; and the forms that they are changed by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, final

import msgspec

from isthmus.functions import SettingDefinition
from isthmus_server.api.problems import Problem, problem_of
from isthmus_server.store import (
    Destination,
    InsertInstance,
    Page as Part,
    Refused,
    ResourceType,
    SettingValues,
    Source,
    StoredFunction,
    Transaction,
)

from .forms import Form
from .settingfields import text_of
from .visits import Visit

__all__ = ["ALL", "Connections", "Field", "connections", "faults", "fields", "name_in", "status_of"]

ALL: Final = Part(count=1000)


@final
class Connections(msgspec.Struct, frozen=True):
    """What there is, by what it hangs on."""

    sources: list[Source]
    destinations: dict[str, list[Destination]]
    inserts: dict[str, list[InsertInstance]]
    functions: dict[str, StoredFunction]


def connections(tx: Transaction) -> Connections:
    """Everything there is."""
    destinations: dict[str, list[Destination]] = {}
    inserts: dict[str, list[InsertInstance]] = {}
    for destination in tx.destinations.page(ALL)[0]:
        destinations.setdefault(destination.source, []).append(destination)
    for insert in tx.inserts.page(ALL)[0]:
        inserts.setdefault(insert.integration, []).append(insert)
    functions = {each.id: each for kind in ResourceType for each in tx.functions.page(kind, ALL)[0]}
    return Connections(tx.sources.page(ALL)[0], destinations, inserts, functions)


@final
class Field(msgspec.Struct, frozen=True):
    """A field of a form, for the value of a setting.

    Attributes:
        definition: of the setting.
        text: that it is filled with; never a secret.
        kept: there is a secret value that is not shown.
    """

    definition: SettingDefinition
    text: str
    kept: bool


def fields(definitions: tuple[SettingDefinition, ...], had: SettingValues, form: Form) -> list[Field]:
    """A field for each setting, filled with what was sent, else with what is kept and may be seen."""
    sent = "name" in form
    return [
        Field(
            each,
            form.text(f"value.{each.name}")
            if sent and not each.sensitive
            else text_of(had.shown.get(each.name)),
            each.name in had.secret,
        )
        for each in definitions
    ]


def faults(exc: Problem | Refused) -> Mapping[str, str]:
    """What is said of each field, by the field's name here; what is of none is under ""."""
    said = exc if isinstance(exc, Problem) else problem_of(exc)
    found: dict[str, str] = {}
    for each in said.errors:
        field = each.field or ""
        field = f"value.{field.removeprefix('settings.')}" if field.startswith("settings.") else field
        found.setdefault(field, each.message or each.type)
    return found


def status_of(exc: Problem | Refused) -> int:
    """The status of HTTP that it comes to."""
    return (exc if isinstance(exc, Problem) else problem_of(exc)).status


def name_in(visit: Visit) -> str:
    """The name that a form gives something."""
    return visit.form.text("name").strip()
