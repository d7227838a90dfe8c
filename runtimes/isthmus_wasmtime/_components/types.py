"""The types of WIT, as values."""

from __future__ import annotations

from typing import final

import msgspec

__all__ = [
    "Borrow", "Enum", "Flags", "Function", "Interface", "List", "Option", "Own", "Primitive", "Record",
    "Result", "Tuple", "Type", "Variant",
]  # fmt: skip


@final
class Primitive(msgspec.Struct, frozen=True):
    """``bool``, ``u8`` to ``s64``, ``f32``, ``f64``, ``char``, ``string``."""

    name: str


@final
class List(msgspec.Struct, frozen=True):
    """``list<element>``."""

    element: Type


@final
class Option(msgspec.Struct, frozen=True):
    """``option<payload>``."""

    payload: Type


@final
class Result(msgspec.Struct, frozen=True):
    """``result<ok, err>``, each of which may carry nothing."""

    ok: Type | None
    err: Type | None


@final
class Tuple(msgspec.Struct, frozen=True):
    """``tuple<...>``."""

    elements: tuple[Type, ...]


@final
class Record(msgspec.Struct, frozen=True):
    """A record's fields, in order."""

    fields: tuple[tuple[str, Type], ...]


@final
class Variant(msgspec.Struct, frozen=True):
    """A variant's cases, in order, with what they carry."""

    cases: tuple[tuple[str, Type | None], ...]


@final
class Enum(msgspec.Struct, frozen=True):
    """An enum's names, in order."""

    names: tuple[str, ...]


@final
class Flags(msgspec.Struct, frozen=True):
    """A flags type's names, in order."""

    names: tuple[str, ...]


@final
class Own(msgspec.Struct, frozen=True):
    """A handle that goes over to whoever gets it; ``resource`` as ``wasi:io/poll#pollable``."""

    resource: str


@final
class Borrow(msgspec.Struct, frozen=True):
    """A handle for the time of one call."""

    resource: str


Type = Primitive | List | Option | Result | Tuple | Record | Variant | Enum | Flags | Own | Borrow


@final
class Function(msgspec.Struct, frozen=True):
    """A function's parameters, in order, and its result."""

    parameters: tuple[tuple[str, Type], ...]
    result: Type | None


@final
class Interface(msgspec.Struct, frozen=True, kw_only=True):
    """An interface of a package.

    Attributes:
        name: with its package, ``wasi:io/poll``.
        version: of its package, ``0.2.0``.
        functions: by the names components know them by, ``[method]pollable.block``.
        resources: those that it has or uses, by the names it gives them; ``wasi:io/poll#pollable`` each.
        types: its other types, by name.
    """

    name: str
    version: str
    functions: dict[str, Function]
    resources: dict[str, str]
    types: dict[str, Type]
