"""What somebody wrote: a function, and the definitions of its settings."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, final

import msgspec

from .errors import InvalidFunction

__all__ = ["Function", "Kind", "SettingDefinition", "SettingType"]


@final
class Kind(enum.StrEnum):
    """The four kinds of function (Segment: resourceType)."""

    SOURCE = "source"
    DESTINATION = "destination"
    INSERT = "insert"
    SOURCE_INSERT = "source_insert"


@final
class SettingType(enum.StrEnum):
    """The four types a setting can have; Segment's names."""

    STRING = "STRING"
    BOOLEAN = "BOOLEAN"
    ARRAY = "ARRAY"  # of strings
    TEXT_MAP = "TEXT_MAP"  # string -> string


@final
class SettingDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """One setting that an instance may, or must, give a value.

    Attributes:
        name: the property of the handler's ``settings`` argument.
        label: what a form calls it.
        description: what a form says below it.
        type: what its value must be.
        required: an instance without a value for it is refused.
        sensitive: its value is redacted in every log, error, trace and repr.
    """

    name: str
    label: str = ""
    description: str = ""
    type: SettingType = SettingType.STRING
    required: bool = False
    sensitive: bool = False


@final
class Function(msgspec.Struct, frozen=True, kw_only=True):
    """Code with what has to be known to run it.  A value: two equal functions share one program.

    Attributes:
        name: what messages and traces call it.
        kind: which handlers it may have and what they return.
        language: which runtime runs it, ``"javascript"`` for one.
        code: its source text, or the bytes of a compiled module.
        file: the name its code goes by in stack traces; by default ``function`` with no suffix.
        settings: the settings its instances take.
        isolation: ``"call"`` gives each invocation a world of its own; ``"instance"`` keeps one world
            for all calls of one instance, one call at a time, its globals and modules living on; ``"wasm"``
            gives each invocation a world of its own within WebAssembly, where the language has a runtime for that.
        lenient: ``Segment.group`` and ``Segment.page`` take calls with no user id.
        pass_through: an insert function without a handler for a type lets the event pass unchanged.
        capabilities: names of what else it may ask of its host (see :mod:`isthmus.capabilities`); nothing by default.
        fan_out: an insert function may return an array of events, all of which go on.
    """

    name: str
    kind: Kind
    language: str
    code: str | bytes
    file: str = "function"
    settings: tuple[SettingDefinition, ...] = ()
    isolation: Literal["call", "instance", "wasm"] = "call"
    lenient: bool = False
    pass_through: bool = False
    capabilities: tuple[str, ...] = ()
    fan_out: bool = False

    def __post_init__(self) -> None:
        self._check_types()
        names = [definition.name for definition in self.settings]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InvalidFunction(f"function {self.name!r} defines the setting {twice[0]!r} twice")
        if not all(names):
            raise InvalidFunction(f"function {self.name!r} defines a setting with an empty name")
        for name in names:
            try:
                name.encode()
            except UnicodeEncodeError:
                raise InvalidFunction(
                    f"function {self.name!r} defines the setting {name!r}, whose name has half a surrogate pair"
                ) from None
        if self.fan_out and self.kind not in {Kind.INSERT, Kind.SOURCE_INSERT}:
            raise InvalidFunction(
                f"function {self.name!r}: fan_out is for inserts, and it is a {self.kind.value}"
            )
        if self.isolation not in {"call", "instance", "wasm"}:
            raise InvalidFunction(
                f"function {self.name!r}: isolation is 'call', 'instance' or 'wasm', not {self.isolation!r}"
            )

    def _check_types(self) -> None:
        for name, (types, expected) in _FIELDS.items():
            value = getattr(self, name)
            if not isinstance(value, types):
                raise InvalidFunction(
                    f"function {self.name!r}: its {name} is {expected}, not {type(value).__name__}"
                )
        for definition in self.settings:
            if not isinstance(definition, SettingDefinition):
                raise InvalidFunction(
                    f"function {self.name!r}: its settings is a tuple of isthmus.SettingDefinition, "
                    f"and has {type(definition).__name__} in it"
                )
        if not all(isinstance(name, str) for name in self.capabilities):
            raise InvalidFunction(f"function {self.name!r}: its capabilities is a tuple of names")


_FIELDS: Final[Mapping[str, tuple[tuple[type, ...], str]]] = MappingProxyType(
    {
        "name": ((str,), "text"),
        "kind": ((Kind,), "an isthmus.Kind"),
        "language": ((str,), "text"),
        "code": ((str, bytes), "text or bytes"),
        "file": ((str,), "text"),
        "settings": ((tuple,), "a tuple of isthmus.SettingDefinition"),
        "capabilities": ((tuple,), "a tuple of names"),
    }
)
"""What the fields of a function have to be, and how a message says so."""
