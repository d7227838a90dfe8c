"""Which instances an event reaches: the integrations object and the instances' own switch.

An event's ``integrations`` maps the names of destinations to false, true or an object of options;
``All`` stands for every name that is not there and is true unless said otherwise (Segment:
filtering data).  Names are compared exactly.  A function's name there is that of its
destination, ``"My function (My workspace)"``; all instances of a destination share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Generic, Protocol, TypeVar, final

import msgspec

__all__ = ["EventHead", "Instance", "Route", "Routed", "enabled_by_integrations", "options_of", "route"]

_ALL = "All"


class EventHead(Protocol):
    """The part of an event that routing reads."""

    @property
    def integrations(self) -> object:
        """Its ``integrations``, decoded; anything that is not a mapping says nothing."""


class Instance(Protocol):
    """The part of an instance that routing reads."""

    @property
    def integration(self) -> str:
        """Its destination's name, as integrations objects spell it."""

    @property
    def enabled(self) -> bool:
        """Whether its owner has switched it on."""


I = TypeVar("I", bound=Instance)  # noqa: E741 -- an instance


@final
class Route(msgspec.Struct, Generic[I], frozen=True):
    """An instance an event reaches.

    Attributes:
        instance: as it was given.
        options: what the event says to this destination, None where it says nothing.
    """

    instance: I
    options: Mapping[str, Any] | None = None


@final
class Routed(msgspec.Struct, Generic[I], frozen=True, kw_only=True):
    """What becomes of an event; every instance given is in one of the first three, once.

    Attributes:
        reached: the instances it goes to, in the order given.
        blocked: those its integrations object keeps it from (filtered, not failed).
        disabled: those that are switched off.
        unknown: names in its integrations object that no instance has (Segment:
            ``UNKNOWN_INTEGRATION``); a misspelt name would otherwise do nothing in silence.
    """

    reached: tuple[Route[I], ...]
    blocked: tuple[I, ...]
    disabled: tuple[I, ...]
    unknown: tuple[str, ...]


def enabled_by_integrations(integrations: object, name: str) -> bool:
    """Say whether an integrations object lets its event through to a destination.

    Only ``false`` blocks.  Null says nothing, as if the name were not there; every other value,
    an empty object too, is an answer and counts as yes, so that no event is lost to a slip.

    Args:
        integrations: decoded; anything that is not a mapping (real ``delete`` events carry a list) says nothing.
        name: of the destination.
    """
    if not isinstance(integrations, Mapping):
        return True
    said = integrations.get(name)
    if said is None:
        said = integrations.get(_ALL)
    return said is not False


def options_of(integrations: object, name: str) -> Mapping[str, Any] | None:
    """Give the options an event has for a destination, None where its value is no object."""
    options = integrations.get(name) if isinstance(integrations, Mapping) else None
    return options if isinstance(options, Mapping) else None


def route(event_head: EventHead, instances: Iterable[I], *, replay: bool = False) -> Routed[I]:
    """Sort a source's connected instances by whether an event reaches them.

    Args:
        event_head: of the event.
        instances: those connected to the event's source.
        replay: reach instances that are switched off, too, as Segment's replays do.
    """
    integrations = event_head.integrations
    reached: list[Route[I]] = []
    blocked: list[I] = []
    disabled: list[I] = []
    names = {_ALL}
    for instance in instances:
        name = instance.integration
        names.add(name)
        if not (instance.enabled or replay):
            disabled.append(instance)
        elif enabled_by_integrations(integrations, name):
            reached.append(Route(instance, options_of(integrations, name)))
        else:
            blocked.append(instance)
    return Routed(
        reached=tuple(reached),
        blocked=tuple(blocked),
        disabled=tuple(disabled),
        unknown=tuple(name for name in integrations if name not in names)
        if isinstance(integrations, Mapping)
        else (),
    )
